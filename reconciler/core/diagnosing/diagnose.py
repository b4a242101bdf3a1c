"""A repository diagnosed: every version with its cause, counted, weighed, and followed in time."""

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime

from reconciler.core.decide import decide
from reconciler.core.diagnosing.anatomy import ReferenceGraph
from reconciler.core.diagnosing.causes import VersionCause
from reconciler.core.diagnosing.finding import CauseGroup, DiagnosedVersion
from reconciler.core.diagnosing.growth import Forecast, Week, forecast, weeks
from reconciler.core.diagnosing.precedence import causes
from reconciler.core.diagnosing.weight import weights
from reconciler.core.graph import build_graph
from reconciler.model.inventory import Inventory
from reconciler.model.observations import Observations
from reconciler.model.policy import Policy


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """Every version of a repository and its cause.

    Shape: `findings` in digest order; `groups` the largest first; `weeks` is empty where the
        registry tells no push times.
    """

    anatomy: ReferenceGraph
    now: datetime
    findings: tuple[DiagnosedVersion, ...]
    groups: tuple[CauseGroup, ...]
    weeks: tuple[Week, ...]

    @property
    def inventory(self) -> Inventory:
        """The repository as it was read."""
        return self.anatomy.inventory

    @property
    def tagged(self) -> int:
        """How many versions have a tag and are in use."""
        return sum(one.needed and bool(one.version.tags) for one in self.findings)

    @property
    def needed(self) -> int:
        """How many versions have no tag, and are in use all the same."""
        return sum(one.needed and not one.version.tags for one in self.findings)

    @property
    def unneeded(self) -> int:
        """How many versions nothing that is tagged needs."""
        return sum(not one.needed for one in self.findings)


def diagnose(inventory: Inventory, seen: Observations, *, now: datetime) -> Diagnosis:
    """Find the cause of every version of a repository, all of whose manifests were read."""
    anatomy = ReferenceGraph(inventory, seen, build_graph(inventory))
    findings = _findings(anatomy)
    return Diagnosis(anatomy, now, findings, _groups(findings), weeks(findings, now))


def outlook(diagnosis: Diagnosis, policy: Policy | None) -> Forecast | None:
    """Look ahead, without a policy and with one; None where no push time is known.

    Raises: PolicyError, when a rule needs a time that this registry and state cannot give.
    """
    if policy is None:
        return forecast(diagnosis.findings, diagnosis.now, None)
    anatomy = diagnosis.anatomy
    decided = decide(
        policy,
        anatomy.inventory,
        anatomy.graph,
        now=diagnosis.now,
        observations=anatomy.observations,
    )
    return forecast(diagnosis.findings, diagnosis.now, decided.to_delete)


def _findings(anatomy: ReferenceGraph) -> tuple[DiagnosedVersion, ...]:
    brought = weights(anatomy.versions.values())
    return tuple(
        DiagnosedVersion(
            version=anatomy.versions[digest],
            nature=anatomy.nature(digest),
            cause=cause,
            sign=sign,
            needed=digest in anatomy.in_use,
            brings=brought[digest],
        )
        for digest, cause, sign in causes(anatomy)
    )


def _groups(findings: tuple[DiagnosedVersion, ...]) -> tuple[CauseGroup, ...]:
    by_cause: dict[VersionCause, list[DiagnosedVersion]] = defaultdict(list)
    for finding in sorted(findings, key=lambda one: one.order, reverse=True):
        by_cause[finding.cause].append(finding)
    groups = (CauseGroup(cause, tuple(found)) for cause, found in by_cause.items())
    return tuple(sorted(groups, key=lambda group: (-group.count, group.cause)))
