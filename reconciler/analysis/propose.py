"""Propose a first policy from the tags of a repository: the rules that it shall have for good.

The first plan deletes the backlog of years, which a guard may stop; `plan --first` allows it once.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property
from typing import Any

from reconciler.analysis.propose_rules import (
    EXPIRED_AGE,
    SHAPES,
    Example,
    Family,
    ProposalSettings,
    ProposedRule,
    TagShape,
    dangling,
    family_of,
    moving,
    releases,
    series,
    shapes_of,
    timed,
)
from reconciler.core.graph import build_graph
from reconciler.core.planner import PlanningInput, plan_repository
from reconciler.model.inventory import Inventory, Observations
from reconciler.model.names import Tag
from reconciler.model.patterns import RepositoryGlob
from reconciler.model.plan import RepositoryPlan
from reconciler.model.policy import Guards, Policy

MAX_BRANCHES = 100
"""Most tags of branches that a policy protects by name."""

USUAL_MOVING = ("edge", "latest", "main")
"""Moving tags that a policy protects even where none exists."""

_TIMED = (Family.CANDIDATE, Family.PREVIEW, Family.COMMIT, Family.DATED)


@dataclass(frozen=True)
class ProposalInput:
    """What a policy is proposed for. Shape: `inventories` is empty where none could be read."""

    name: str
    repositories: Sequence[RepositoryGlob]
    inventories: Sequence[Inventory] = ()
    has_push_times: bool = True

    @cached_property
    def families(self) -> Mapping[Family, Sequence[Tag]]:
        """All tags by family, sorted; example tags where there are none or none could be read."""
        tags = sorted(tag for inventory in self.inventories for tag in inventory.tagged)
        families: dict[Family, list[Tag]] = defaultdict(list)
        # The first shape of each family, which is how docker/metadata-action writes its tags.
        usual = {shape.family: Tag(shape.example) for shape in reversed(SHAPES)}
        for tag in tags or usual.values():
            family = Family.MOVING if tag in self.branches else family_of(tag)
            families[family].append(tag)
        return dict(families)

    @cached_property
    def branches(self) -> frozenset[Tag]:
        """Tags of branches: of an unknown kind, on an image that a tag of a commit is on, too.

        A tag that begins with a version is none of them, as it may be a variant of a release.
        """
        groups = (
            version.tags
            for inventory in self.inventories
            for version in inventory.versions.values()
            if any(family_of(tag) is Family.COMMIT for tag in version.tags)
        )
        tags = {
            tag
            for group in groups
            for tag in group
            if family_of(tag) is Family.UNKNOWN and not tag.removeprefix("v")[:1].isdigit()
        }
        return frozenset(sorted(tags)[:MAX_BRANCHES])

    @cached_property
    def shapes(self) -> Mapping[Family, tuple[TagShape, ...]]:
        """The shapes that tags of each family have."""
        return {family: shapes_of(tags) for family, tags in self.families.items()}

    @cached_property
    def guards(self) -> Guards:
        """The default guards; where there are many images, a tenth of them may be deleted."""
        # The default limit would stop every plan of a large repository, not only the first.
        usual = Guards()
        images = max(
            (len(build_graph(inventory).roots) for inventory in self.inventories), default=0
        )
        return usual.model_copy(update={"max_delete": max(usual.max_delete, images // 10)})


@dataclass(frozen=True)
class Proposal:
    """One policy, its test, and what the first plan would do.

    Shape: `plans` has one part for each repository that was read.
    """

    subject: ProposalInput
    protect: tuple[ProposedRule, ...]
    rules: tuple[ProposedRule, ...]
    unknown: tuple[Tag, ...]
    plans: tuple[RepositoryPlan, ...] = ()

    @property
    def document(self) -> Mapping[str, Any]:
        """The policy as a policy file has it."""
        return {
            "name": self.subject.name,
            "repositories": list(self.subject.repositories),
            "protect": [dict(rule.document) for rule in self.protect],
            "rules": [dict(rule.document) for rule in self.rules],
            "guards": self.subject.guards.model_dump(mode="json"),
        }

    @property
    def examples(self) -> Iterator[Example]:
        """The images of the policy's test."""
        for rule in (*self.protect, *self.rules):
            yield from rule.examples
        tag = self.unknown[0] if self.unknown else "customer-acme"
        yield Example((tag,), EXPIRED_AGE, "keep", "unmatched-tag")

    @property
    def is_safe(self) -> bool:
        """Whether no guard stops the first plan."""
        return not any(plan.stopped for plan in self.plans)


def propose(subject: ProposalInput, now: datetime) -> Proposal:
    """Write a rule for each family that exists, and plan with them for the present images.

    Raises: InvalidNameError, PolicyError, when the subject has names that no policy may have.
    """
    terms = ProposalSettings(subject.has_push_times)
    families, shapes = subject.families, subject.shapes
    # Deployments pull moving tags by name, whatever their age.
    protect = [moving(sorted({*USUAL_MOVING, *families.get(Family.MOVING, ())}))]
    if Family.SERIES in shapes:
        protect.append(series(shapes[Family.SERIES]))
    rules = [timed(family, shapes[family], terms) for family in _TIMED if family in shapes]
    proposal = Proposal(
        subject=subject,
        protect=tuple(protect),
        rules=(releases(), *rules, dangling(terms)),
        unknown=tuple(families.get(Family.UNKNOWN, ())),
    )
    policy = Policy.model_validate(proposal.document)
    # Without observations, as in the first run, which has no state yet.
    cases = (
        PlanningInput(policy, inventory, Observations(), now) for inventory in subject.inventories
    )
    plans = tuple(plan_repository(case, {}) for case in cases)
    return replace(proposal, plans=plans)
