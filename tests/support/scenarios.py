"""Scenarios as they are written down: what is pushed, the policy, what happens, how it ends."""

import re
from collections import ChainMap
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated, Any

import yaml
from pydantic import BeforeValidator, Field, TypeAdapter, model_validator

from reconciler.model.frozen import Frozen
from reconciler.model.snapshot import Visibility
from reconciler.sandbox.faults import Fault
from reconciler.sandbox.operations import Operation
from reconciler.sandbox.package import Owner, Package
from tests.support.documents import Document
from tests.support.pushes import Push, read_pushes, spelled

WEB = "acme/web"
YEARS = timedelta(days=4000)

_NAMED = re.compile(r"\b(digest|id):([\w-]+)")
_FAULTS: TypeAdapter[list[Fault]] = TypeAdapter(list[Fault])
_OPERATIONS: TypeAdapter[list[Operation]] = TypeAdapter(list[Operation])
_LAST_LINE = (
    "Apply: {deleted} deleted, {absent} already absent, {skipped} skipped,"
    " {retained} retained, {failed} failed, {unknown} unknown."
)
_RESULTS = ("deleted", "absent", "skipped", "retained", "failed", "unknown")

Names = frozenset[tuple[str, str]]
"""Names of pushed documents, each with the package it is in."""


def _of_web(value: object) -> object:
    """Let a single text speak of the one package that most scenarios have."""
    return {WEB: value} if isinstance(value, str) else value


ByPackage = Annotated[Mapping[str, str], BeforeValidator(_of_web)]


class Scenario(Frozen):
    """One scenario.

    Shape: in every text below `policy` and below, wherever something happens,
        `digest:NAME` and `id:NAME` stand for those of what was pushed under a name.
    """

    name: str
    push: ByPackage
    """By package `owner/name`, the table of what is in it."""

    users: tuple[str, ...] = ()
    """The owners that are people and no organisations."""

    visibility: Visibility = "private"
    sandbox: Mapping[str, Any] = {}
    repositories: tuple[str, ...] = ()
    """What the policy names below the host; the packages themselves, when left out."""

    policy: Mapping[str, Any]
    first: tuple[Any, ...] = ()
    """What people did before anything is planned."""

    faults: tuple[Any, ...] = ()
    """What goes wrong from the beginning."""

    then: tuple[Any, ...] = ()
    """What people do between plan and apply."""

    during: tuple[Any, ...] = ()
    """What goes wrong, or what people do, while the plan is applied."""

    later_policy: Mapping[str, Any] | None = None
    """The policy as it is when the plan is applied, where that is another one."""

    allow: Mapping[str, int] = {}
    budget: timedelta | None = None
    """How long the apply may take."""

    deleted: ByPackage = Field({WEB: ""})
    """What is gone after the first apply, whoever deleted it."""

    kept: ByPackage = Field({WEB: ""})
    bereaved: Mapping[str, str] = {}
    """What stays and loses companions by design, and which ones."""

    planned: int = 0
    """The exit code of the plan."""

    exit: int = 0
    """The exit code of the apply."""

    ends: Mapping[str, int] = {}
    """The counts of the last line; those that are left out are none."""

    says: tuple[str, ...] = ()
    """Texts that the plan or the apply must show."""

    pause: timedelta = timedelta(minutes=1)
    """The time between the first apply and the second."""

    later: tuple[Any, ...] = ()
    """What people do in that time."""

    again: str = ""
    """What a second apply deletes, when nothing goes wrong any more."""

    exit_again: int = 0
    """The exit code of the second apply, and of one after it."""

    cli: bool = False
    """Whether to play it through the command line as well."""

    @model_validator(mode="after")
    def _tells_what_becomes_of_everything(self) -> "Scenario":
        known: dict[str, Document] = {}
        tables = {path: read_pushes(table, known) for path, table in self.push.items()}
        pushed = {
            (path, push.name)
            for path, table in tables.items()
            for push in table
            if push.age is not None
        }
        told = sorted([*_names(self.deleted), *_names(self.kept)])
        if told != sorted(pushed):
            raise ValueError(f"{self.name}: {set(told) ^ pushed} twice, or not told of")
        if self.ends.keys() - set(_RESULTS):
            raise ValueError(f"{self.name}: unknown counts in {dict(self.ends)}")
        return self

    @property
    def doomed(self) -> Names:
        """What is gone after the first apply."""
        return frozenset(_names(self.deleted))

    @property
    def doomed_later(self) -> Names:
        """What is gone after the second apply."""
        return self.doomed | {(WEB, name) for name in spelled(self.again)}

    @property
    def last_line(self) -> str:
        """The last line of the first apply."""
        return _LAST_LINE.format(**(dict.fromkeys(_RESULTS, 0) | dict(self.ends)))


class Cast:
    """The packages of a scenario, and how its texts name what is in them."""

    def __init__(self, scenario: Scenario, now: datetime) -> None:
        """Push everything, each so long before `now` as the table says."""
        known: dict[str, Document] = {}
        self.digests: dict[tuple[str, str], str] = {}
        self.packages: dict[str, Package] = {}
        for path, table in scenario.push.items():
            login, _, name = path.partition("/")
            owner = Owner(login, "User" if login in scenario.users else "Organization")
            package = Package(owner, name, now - YEARS, scenario.visibility)
            self.packages[path] = package
            for push in read_pushes(table, known):
                self._push(path, package, push, now)
        self._by_name = {name: document.digest for name, document in known.items()}

    def faults(self, written: Iterable[Any]) -> list[Fault]:
        """Read faults, with the names in them resolved."""
        return _FAULTS.validate_python([self.resolved(one) for one in written])

    def operations(self, written: Iterable[Any]) -> list[Operation]:
        """Read what people do, with the names in it resolved."""
        return _OPERATIONS.validate_python([self.resolved(one) for one in written])

    def resolved(self, value: Any) -> Any:
        """Put digests and ids where a value names what was pushed."""
        match value:
            case str():
                return _NAMED.sub(self._spell, value)
            case {"do": "push" | "retag" | "delete" | "download"} if "package" not in value:
                return self.resolved({**value, "package": WEB})
            case Mapping():
                return {key: self.resolved(part) for key, part in value.items()}
            case list() | tuple():
                return [self.resolved(part) for part in value]
            case _:
                return value

    def gone(self) -> Names:
        """Return what is no longer there; what nobody named goes by its digest."""
        return frozenset(
            (path, self.name_of(path, version.digest))
            for path, package in self.packages.items()
            for version in package.versions.values()
            if version.deleted_at and not package.find(version.digest)
        )

    def name_of(self, path: str, digest: str) -> str:
        """Return the name under which a digest was pushed, else the digest."""
        known = self.digests.items()
        names = (name for (where, name), one in known if (where, one) == (path, digest))
        return next(names, digest)

    def _push(self, path: str, package: Package, push: Push, now: datetime) -> None:
        if push.age is not None:
            package.push(push.content, *push.tags, at=now - push.age)
            self.digests[path, push.name] = push.document.digest

    def _spell(self, named: re.Match[str]) -> str:
        digest = self._by_name[named[2]]
        if named[1] == "digest":
            return digest
        versions = (package.find(digest) for package in self.packages.values())
        return next(str(version.id) for version in versions if version)


def read_scenarios(folder: Path) -> list[Scenario]:
    """Read all scenarios of a folder; a policy that many share is given by its name.

    Shape: each file may have `policies` by name, for all files, and a list of `scenarios`.
    """
    files = [yaml.safe_load(path.read_text("utf-8")) for path in sorted(folder.glob("*.yaml"))]
    shared = dict(ChainMap(*(file.get("policies", {}) for file in files)))
    return [_read(written, shared) for file in files for written in file.get("scenarios", ())]


def _read(written: Mapping[str, Any], shared: Mapping[str, Any]) -> Scenario:
    policies = {
        key: shared[policy] if isinstance(policy, str) else policy
        for key in ("policy", "later_policy")
        if (policy := written.get(key))
    }
    return Scenario.model_validate({**written, **policies})


def _names(expected: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    return ((path, name) for path, names in expected.items() for name in spelled(names))
