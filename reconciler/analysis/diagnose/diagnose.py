"""Diagnose a repository: the cause of each version, counts and bytes by cause, and growth.

When several causes apply, the first in the order of precedence counts. Broken versions are first.
Then follow those in use: by their own tag, the index that lists them, their subject. After that
come those that no tag refers to: first causes that the version's own manifest proves, then its
references, and last causes inferred from other versions, the most certain of these first.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Set
from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias

from reconciler.analysis.diagnose import evident
from reconciler.analysis.diagnose.causes import CauseEvidence, VersionCause
from reconciler.analysis.diagnose.finding import (
    CauseGroup,
    DiagnosedVersion,
    Week,
    weeks,
)
from reconciler.analysis.diagnose.growth import Forecast, Standing, forecast, standings
from reconciler.analysis.diagnose.inferred import Unreferenced
from reconciler.analysis.diagnose.references import ReferenceGraph
from reconciler.analysis.diagnose.remedies import WorkflowAdvice
from reconciler.analysis.usage import BlobIndex, UsageInput, added_bytes, shares
from reconciler.core.decide import decide
from reconciler.core.graph import build_graph
from reconciler.errors import ExitCode, ReconcilerError
from reconciler.model.inventory import Inventory, Observations, Version
from reconciler.model.names import Digest, Repository
from reconciler.model.policy import Policy

_DEEPEST = 4
"""How many indexes above one another are followed."""

_ORDER = {cause: place for place, cause in enumerate(VersionCause)}

Test: TypeAlias = Callable[[Version], CauseEvidence | None]


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """Every version of a repository and its cause.

    Shape: `findings` in digest order; `groups` the largest first; `weeks` and `standings` are empty
        where the registry does not report push times.
    Units: `unneeded_bytes` in bytes that deleting all versions that are not needed would free.
    """

    references: ReferenceGraph
    now: datetime
    findings: tuple[DiagnosedVersion, ...]
    groups: tuple[CauseGroup, ...]
    weeks: tuple[Week, ...]
    standings: tuple[Standing, ...] = ()
    unneeded_bytes: int = 0

    @property
    def inventory(self) -> Inventory:
        """The repository as it was read."""
        return self.references.inventory

    @property
    def tagged(self) -> int:
        """The number of versions that have a tag and are in use."""
        return sum(finding.needed and bool(finding.version.tags) for finding in self.findings)

    @property
    def needed(self) -> int:
        """The number of untagged versions that are in use."""
        return sum(finding.needed and not finding.version.tags for finding in self.findings)

    @property
    def unneeded(self) -> int:
        """The number of versions that no tagged version needs."""
        return sum(not finding.needed for finding in self.findings)

    def usage_input(self, to_delete: Set[Digest] | None) -> UsageInput:
        """Return what the storage of this repository is measured by; see `UsageInput`."""
        causes: dict[str, Set[Digest]] = {
            group.cause: {finding.version.digest for finding in group.findings}
            for group in self.groups
        }
        return UsageInput(self.inventory, causes, to_delete)

    @property
    def main_cause(self) -> VersionCause | None:
        """The cause of most versions that are not needed; None where all are needed.

        A part of an untagged image counts for the cause of that image.
        """
        by_digest = {finding.version.digest: finding for finding in self.findings}
        counts: Counter[VersionCause] = Counter()
        for finding in self.findings:
            if not finding.needed:
                counts[_root_cause(finding, by_digest)] += 1
        # Of equal counts the first in the enumeration, so that equal packages give equal reports.
        return max(counts, key=lambda cause: (counts[cause], -_ORDER[cause]), default=None)


def _root_cause(
    finding: DiagnosedVersion, by_digest: Mapping[Digest, DiagnosedVersion]
) -> VersionCause:
    """Return the cause of the untagged image that a version is a part of, or else its own."""
    # An index may be listed by another one; a ring of them is followed once.
    for _ in range(_DEEPEST):
        relative = finding.evidence.relative
        if finding.cause is not VersionCause.SUPERSEDED or relative is None:
            break
        finding = by_digest.get(relative, finding)
    return finding.cause


def diagnose(inventory: Inventory, observations: Observations, *, now: datetime) -> Diagnosis:
    """Find the cause of every version of a repository, all of whose manifests were read."""
    references = ReferenceGraph(inventory, observations, build_graph(inventory))
    # Each blob counts for one version only, so that the bytes of all causes add up.
    added = added_bytes(references.versions.values())
    findings = tuple(
        DiagnosedVersion(
            version=references.versions[digest],
            nature=references.nature(digest),
            cause=cause,
            evidence=evidence,
            needed=digest in references.in_use,
            added_bytes=added[digest],
        )
        for digest, cause, evidence in causes(references)
    )
    by_cause: dict[VersionCause, list[DiagnosedVersion]] = defaultdict(list)
    for finding in sorted(findings, key=lambda finding: finding.order, reverse=True):
        by_cause[finding.cause].append(finding)
    groups = [CauseGroup(cause, tuple(members)) for cause, members in by_cause.items()]
    groups.sort(key=lambda group: (-group.count, group.cause))
    unneeded = {finding.version.digest for finding in findings if not finding.needed}
    (alone,) = shares(BlobIndex(inventory), {"": unneeded})
    return Diagnosis(
        references=references,
        now=now,
        findings=findings,
        groups=tuple(groups),
        weeks=weeks(findings, now),
        standings=standings(findings, now),
        unneeded_bytes=alone.alone,
    )


def outlook(diagnosis: Diagnosis, policy: Policy | None) -> Forecast | None:
    """Forecast the growth with and without a policy; None without two weeks of push times.

    Raises: PolicyError, when a rule needs a time that this registry and state cannot give.
    """
    if policy is None:
        return forecast(diagnosis.findings, diagnosis.now, None)
    references = diagnosis.references
    decided = decide(
        policy,
        references.inventory,
        references.graph,
        now=diagnosis.now,
        observations=references.observations,
    )
    return forecast(diagnosis.findings, diagnosis.now, decided.to_delete)


def causes(references: ReferenceGraph) -> Iterator[tuple[Digest, VersionCause, CauseEvidence]]:
    """Yield each version with its cause and the evidence, in digest order."""
    tests = precedence(references)
    for digest, version in references.versions.items():
        results = ((cause, test(version)) for cause, test in tests.items())
        # `unknown` is last and applies to every version, so there always is one.
        yield digest, *next((cause, evidence) for cause, evidence in results if evidence)


def precedence(references: ReferenceGraph) -> dict[VersionCause, Test]:
    """Return the test of each cause, in the order of precedence."""
    unreferenced = Unreferenced(references)

    def over(test: Callable[[ReferenceGraph, Version], CauseEvidence | None]) -> Test:
        return lambda version: test(references, version)

    # Causes that the registry's data prove come before inferred ones; a version gets the first.
    return {
        VersionCause.BROKEN: over(evident.broken),
        VersionCause.WRAPPER: over(evident.wrapper),
        VersionCause.STAGING: over(evident.staging),
        VersionCause.TAGGED: over(evident.tagged),
        VersionCause.ATTESTATION: over(evident.attestation),
        VersionCause.PLATFORM: over(evident.platform),
        VersionCause.SIGNATURE: over(evident.signature),
        VersionCause.REFERRERS: over(evident.referrers_index),
        VersionCause.REFERRER: over(evident.referrer),
        VersionCause.REPLACED_CACHE: over(evident.cache),
        VersionCause.REPLACED_REFERRERS: over(evident.referrers),
        VersionCause.REPLACED_SIGNATURE: over(evident.replaced_signature),
        VersionCause.ORPHAN_REFERRER: over(evident.orphan_referrer),
        VersionCause.SUPERSEDED: over(evident.superseded),
        VersionCause.MERGED: unreferenced.merged,
        VersionCause.IDENTICAL: unreferenced.identical,
        VersionCause.ORPHAN_CHILD: unreferenced.orphan_child,
        VersionCause.UNMERGED: unreferenced.unmerged,
        VersionCause.MOVED: unreferenced.moved,
        VersionCause.UNKNOWN: unreferenced.unknown,
    }


@dataclass(frozen=True, slots=True)
class DiagnosisResult:
    """The diagnosis of one repository, or the error that prevented it from being read.

    Shape: `policy` is the one that the forecast uses, None without one.
    """

    repository: Repository
    diagnosis: Diagnosis | None = None
    policy: Policy | None = None
    forecast: Forecast | None = None
    error: ReconcilerError | None = None
    workflow_advice: WorkflowAdvice | None = None
    """The advice about workflow files, where some were read."""

    @property
    def exit_code(self) -> ExitCode:
        """The exit code of a command with this result."""
        return self.error.exit_code if self.error else ExitCode.OK
