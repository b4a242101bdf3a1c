"""A repository diagnosed: every version with its cause, counted, weighed, and followed in time."""

from collections import defaultdict
from collections.abc import Set
from dataclasses import dataclass
from datetime import datetime

from reconciler.core.decide import decide
from reconciler.core.diagnosing.anatomy import Anatomy
from reconciler.core.diagnosing.causes import Cause
from reconciler.core.diagnosing.finding import Finding, Group
from reconciler.core.diagnosing.growth import Forecast, Week, forecast, weeks
from reconciler.core.diagnosing.precedence import causes
from reconciler.core.diagnosing.weight import weights
from reconciler.core.graph import Graph, build_graph
from reconciler.model.inventory import Inventory
from reconciler.model.names import Digest
from reconciler.model.observations import Observations
from reconciler.model.policy import Policy


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """Every version of a repository and its cause.

    Shape: `findings` in digest order; `groups` the largest first; `weeks` and `forecast` are
        empty and None where the registry tells no push times; `policy` is empty without one.
    """

    inventory: Inventory
    now: datetime
    findings: tuple[Finding, ...]
    groups: tuple[Group, ...]
    weeks: tuple[Week, ...]
    forecast: Forecast | None
    policy: str = ""

    @property
    def tagged(self) -> int:
        """How many versions have a tag."""
        return sum(bool(finding.version.tags) for finding in self.findings)

    @property
    def needed(self) -> int:
        """How many versions have no tag, and are in use all the same."""
        return sum(one.needed and not one.version.tags for one in self.findings)


def diagnose(
    inventory: Inventory,
    seen: Observations,
    *,
    now: datetime,
    policy: Policy | None = None,
) -> Diagnosis:
    """Find the cause of every version of a repository, all of whose manifests were read.

    Raises: PolicyError, when a rule needs a time that this registry and state cannot give.
    """
    graph = build_graph(inventory)
    findings = _findings(Anatomy(inventory, seen, graph))
    doomed = _doomed(policy, inventory, graph, seen, now) if policy else None
    return Diagnosis(
        inventory=inventory,
        now=now,
        findings=findings,
        groups=_groups(findings),
        weeks=weeks(findings, now),
        forecast=forecast(findings, now, doomed),
        policy=policy.name if policy else "",
    )


def _findings(anatomy: Anatomy) -> tuple[Finding, ...]:
    brought = weights(anatomy.versions.values())
    return tuple(
        Finding(
            version=anatomy.versions[digest],
            nature=anatomy.nature(digest),
            cause=cause,
            sign=sign,
            needed=digest in anatomy.held,
            brings=brought[digest],
        )
        for digest, cause, sign in causes(anatomy)
    )


def _groups(findings: tuple[Finding, ...]) -> tuple[Group, ...]:
    by_cause: dict[Cause, list[Finding]] = defaultdict(list)
    for finding in sorted(findings, key=lambda one: one.order, reverse=True):
        by_cause[finding.cause].append(finding)
    groups = (Group(cause, tuple(found)) for cause, found in by_cause.items())
    return tuple(sorted(groups, key=lambda group: (-group.count, group.cause)))


def _doomed(
    policy: Policy, inventory: Inventory, graph: Graph, seen: Observations, now: datetime
) -> Set[Digest]:
    return decide(policy, inventory, graph, now=now, observations=seen).doomed
