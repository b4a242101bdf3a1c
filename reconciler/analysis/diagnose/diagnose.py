"""Diagnose a repository: give each version its cause, count, weigh, and follow them in time.

When several causes apply, the first in the order of precedence counts. What is broken is reported
first. Then follows what is in use: by its own tag, the index that lists it, its subject. After
that comes what no tag refers to: first what its own document proves, then what belongs to
something, last what only its surroundings explain, the most certain of these first.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias

from reconciler.analysis.diagnose import evident
from reconciler.analysis.diagnose.anatomy import ReferenceGraph
from reconciler.analysis.diagnose.causes import CauseEvidence, VersionCause
from reconciler.analysis.diagnose.finding import (
    CauseGroup,
    DiagnosedVersion,
    Forecast,
    Week,
    forecast,
    weeks,
)
from reconciler.analysis.diagnose.inferred import Unreferenced
from reconciler.analysis.diagnose.suggestion import WorkflowAdvice
from reconciler.analysis.usage import added_bytes
from reconciler.core.decide import decide
from reconciler.core.graph import build_graph
from reconciler.errors import ExitCode, ReconcilerError
from reconciler.model.inventory import Inventory, Observations, Version
from reconciler.model.names import Digest, Repository
from reconciler.model.policy import Policy

Test: TypeAlias = Callable[[Version], CauseEvidence | None]


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """Every version of a repository and its cause.

    Shape: `findings` in digest order; `groups` the largest first; `weeks` is empty where the
        registry tells no push times.
    """

    references: ReferenceGraph
    now: datetime
    findings: tuple[DiagnosedVersion, ...]
    groups: tuple[CauseGroup, ...]
    weeks: tuple[Week, ...]

    @property
    def inventory(self) -> Inventory:
        """The repository as it was read."""
        return self.references.inventory

    @property
    def tagged(self) -> int:
        """How many versions have a tag and are in use."""
        return sum(finding.needed and bool(finding.version.tags) for finding in self.findings)

    @property
    def needed(self) -> int:
        """How many versions have no tag, and are in use all the same."""
        return sum(finding.needed and not finding.version.tags for finding in self.findings)

    @property
    def unneeded(self) -> int:
        """How many versions nothing that is tagged needs."""
        return sum(not finding.needed for finding in self.findings)


def diagnose(inventory: Inventory, observations: Observations, *, now: datetime) -> Diagnosis:
    """Find the cause of every version of a repository, all of whose manifests were read."""
    references = ReferenceGraph(inventory, observations, build_graph(inventory))
    findings = _findings(references)
    return Diagnosis(references, now, findings, _groups(findings), weeks(findings, now))


def outlook(diagnosis: Diagnosis, policy: Policy | None) -> Forecast | None:
    """Look ahead, without a policy and with one; None where no push time is known.

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


def _findings(references: ReferenceGraph) -> tuple[DiagnosedVersion, ...]:
    brought = added_bytes(references.versions.values())
    return tuple(
        DiagnosedVersion(
            version=references.versions[digest],
            nature=references.nature(digest),
            cause=cause,
            evidence=sign,
            needed=digest in references.in_use,
            added_bytes=brought[digest],
        )
        for digest, cause, sign in causes(references)
    )


def _groups(findings: tuple[DiagnosedVersion, ...]) -> tuple[CauseGroup, ...]:
    by_cause: dict[VersionCause, list[DiagnosedVersion]] = defaultdict(list)
    for finding in sorted(findings, key=lambda finding: finding.order, reverse=True):
        by_cause[finding.cause].append(finding)
    groups = (CauseGroup(cause, tuple(members)) for cause, members in by_cause.items())
    return tuple(sorted(groups, key=lambda group: (-group.count, group.cause)))


def causes(references: ReferenceGraph) -> Iterator[tuple[Digest, VersionCause, CauseEvidence]]:
    """Yield each version with its one cause and what shows it, in digest order."""
    tests = precedence(references)
    for digest, version in references.versions.items():
        signs = ((cause, sign) for cause, test in tests.items() if (sign := test(version)))
        yield digest, *next(signs)


def precedence(references: ReferenceGraph) -> dict[VersionCause, Test]:
    """Return what shows each cause, in the order in which they are looked for."""
    unreferenced = Unreferenced(references)

    def over(test: Callable[[ReferenceGraph, Version], CauseEvidence | None]) -> Test:
        return lambda version: test(references, version)

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
    """What was found in one repository, or the error that kept it from being read.

    Shape: `policy` is what the forecast goes by, None without one.
    """

    repository: Repository
    diagnosis: Diagnosis | None = None
    policy: Policy | None = None
    forecast: Forecast | None = None
    error: ReconcilerError | None = None
    workflow_advice: WorkflowAdvice | None = None
    """What workflow files have to do with it, where some were read."""

    @property
    def exit_code(self) -> ExitCode:
        """How a command ends that found this."""
        return self.error.exit_code if self.error else ExitCode.OK
