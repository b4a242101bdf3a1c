"""Scenarios as they are written down: what is pushed, the policy, what happens, how it ends."""

from collections import ChainMap
from collections.abc import Iterator, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any

import yaml
from pydantic import BeforeValidator, Field, model_validator

from reconciler.model.base import Frozen
from reconciler.model.snapshot import Visibility
from tests.support.documents import Document
from tests.support.pushes import read_pushes, spelled

WEB = "acme/web"

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

    Shape: in the policies, and wherever something happens, `digest:NAME` and `id:NAME` stand for
        those of what was pushed under a name.
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

    ends: Mapping[str, int] | None = {}
    """The counts of the last line, those left out are none; None where nothing is printed."""

    says: tuple[str, ...] = ()
    """Texts that the plan or the apply must show."""

    pause: timedelta = timedelta(minutes=1)
    """The time between the first apply and the second."""

    later: tuple[Any, ...] = ()
    """What people do in that time."""

    again: str = ""
    """What a second apply deletes, when nothing goes wrong any more."""

    returns: str = ""
    """What a second apply brings back."""

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
        if set(self.ends or ()) - set(_RESULTS):
            raise ValueError(f"{self.name}: unknown counts in {self.ends}")
        return self

    @property
    def doomed(self) -> Names:
        """What is gone after the first apply."""
        return frozenset(_names(self.deleted))

    @property
    def doomed_later(self) -> Names:
        """What is gone after the second apply."""
        returned = {(WEB, name) for name in spelled(self.returns)}
        return (self.doomed | {(WEB, name) for name in spelled(self.again)}) - returned

    @property
    def bereaved_later(self) -> Mapping[str, str]:
        """What stays without its companions after the second apply."""
        returned = set(spelled(self.returns))
        return {name: lost for name, lost in self.bereaved.items() if lost not in returned}

    @property
    def last_line(self) -> str:
        """The last line of the first apply."""
        if self.ends is None:
            return ""
        return _LAST_LINE.format(**(dict.fromkeys(_RESULTS, 0) | dict(self.ends)))


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
