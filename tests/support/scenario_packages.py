"""The packages that a scenario begins with, and the names of their images."""

import re
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

from pydantic import TypeAdapter

from reconciler.sandbox.faults import Fault, Operation
from reconciler.sandbox.package import Owner, StoredPackage
from tests.support.documents import Document
from tests.support.pushes import Push, read_pushes
from tests.support.scenarios import WEB, Names, Scenario

YEARS = timedelta(days=4000)
"""How long ago the packages were made."""

_NAMED = re.compile(r"\b(digest|id):([\w-]+)")
_FAULTS: TypeAdapter[list[Fault]] = TypeAdapter(list[Fault])
_OPERATIONS: TypeAdapter[list[Operation]] = TypeAdapter(list[Operation])


class ScenarioPackages:
    """The packages of a scenario, and how its texts name what is in them."""

    def __init__(self, scenario: Scenario, now: datetime) -> None:
        """Push everything, each so long before `now` as the table says."""
        known: dict[str, Document] = {}
        self.digests: dict[tuple[str, str], str] = {}
        self.packages: dict[str, StoredPackage] = {}
        for path, table in scenario.push.items():
            login, _, name = path.partition("/")
            owner = Owner(login, "User" if login in scenario.users else "Organization")
            package = StoredPackage(owner, name, now - YEARS, scenario.visibility)
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

    def _push(self, path: str, package: StoredPackage, push: Push, now: datetime) -> None:
        if push.age is not None:
            package.push(push.content, *push.tags, at=now - push.age)
            self.digests[path, push.name] = push.document.digest

    def _spell(self, named: re.Match[str]) -> str:
        digest = self._by_name[named[2]]
        if named[1] == "digest":
            return digest
        versions = (package.find(digest) for package in self.packages.values())
        return next(str(version.id) for version in versions if version)
