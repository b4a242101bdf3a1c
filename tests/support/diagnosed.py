"""Packages of which it is known what made each version, read and diagnosed."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

from reconciler.analysis.diagnose.diagnose import Diagnosis, diagnose
from reconciler.model.inventory import Inventory, Observations, Version
from reconciler.model.manifest import parse_manifest
from reconciler.model.names import Digest, Tag
from reconciler.sandbox import package as sandbox
from tests.support.inventories import WEB
from tests.support.labelled.stage import Stage
from tests.support.time import NOON

Confusion: TypeAlias = Mapping[tuple[str, str], int]
"""How often a version that one habit made was given one cause: (made, found)."""


@dataclass(frozen=True, slots=True)
class Trial:
    """A diagnosis, beside what really made each version."""

    diagnosis: Diagnosis
    labels: Mapping[str, str]

    @property
    def confusion(self) -> Confusion:
        """Count what was made against what was found; a version that either lacks is counted."""
        found = {one.version.digest: str(one.cause) for one in self.diagnosis.findings}
        digests = self.labels.keys() | found.keys()
        return Counter((self.labels.get(one, "-"), found.get(Digest(one), "-")) for one in digests)

    @property
    def mistakes(self) -> list[str]:
        """Name every version whose cause is not what made it, and why it was given."""
        return [
            f"{one.version.digest.short} {self.labels.get(one.version.digest)}: {one.cause}"
            f" because of {one.evidence.text}"
            for one in self.diagnosis.findings
            if one.cause != self.labels.get(one.version.digest)
        ]


def tried(stage: Stage) -> Trial:
    """Diagnose a package without a registry between."""
    return Trial(diagnose(inventory_of(stage.package), Observations(), now=NOON), stage.labels)


def inventory_of(package: sandbox.StoredPackage) -> Inventory:
    """Read a whole package as `diagnose` does."""
    return Inventory.of(WEB, map(_version, package.live))


def _version(version: sandbox.StoredVersion) -> Version:
    digest = Digest(version.digest)
    body = version.body
    return Version(
        digest=digest,
        tags=tuple(sorted(map(Tag, version.tags))),
        id=str(version.id),
        pushed=version.created_at,
        manifest=parse_manifest(digest, version.media_type, body) if body is not None else None,
    )
