"""Decide for every image whether it is kept or deleted, with every reason.

An image expires only if a rule covers it, no rule keeps it, no protection matches it, every tag on
it is matched by a rule, and it is older than `min_age`. Keep always wins; the order of rules never
matters.

Followers are the versions that are no image of their own: what an index lists, and referrers. They
are deleted with their image, and are judged as well: if a rule keeps one of them, its image is kept
too. Otherwise pushing an index that lists a version would take it out of the rule that keeps it.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import NamedTuple

from reconciler.core.evaluation import Evaluation, evaluation_of, kept_followers, refusal_of
from reconciler.core.graph import Graph
from reconciler.core.keep import Opinion
from reconciler.core.select import Image, check_facts, images_of
from reconciler.core.walk import closure
from reconciler.model.causes import Cause
from reconciler.model.inventory import Fact, Inventory, Observations, Version
from reconciler.model.names import Digest, Tag
from reconciler.model.policy import Policy

_LATEST = datetime.max.replace(tzinfo=UTC)


class Decision(NamedTuple):
    """Whether one image expires, and why. Shape: `opinions` has one for each rule covering it."""

    image: Image
    cause: Cause
    note: str = ""
    opinions: tuple[Opinion, ...] = ()
    unknown_tags: tuple[Tag, ...] = ()
    """The tags that no rule matches."""

    young_until: datetime | None = None
    """When `min_age` stops keeping it; None if that does not keep it, or its age is unknown."""

    @property
    def expires(self) -> bool:
        """Whether the image is to be deleted."""
        return self.cause is Cause.EXPIRED

    @property
    def reasons(self) -> tuple[str, ...]:
        """Every reason as a plan prints it, the deciding one first."""
        note = (self.note,) if self.note else ()
        return note + tuple(str(opinion) for opinion in self.opinions)


@dataclass(frozen=True, slots=True)
class Decisions:
    """All decisions on one repository.

    Shape: `images` has one decision for each root, in digest order; `to_delete` has every version
        to delete, including the followers of expired images.
    """

    images: Mapping[Digest, Decision]
    to_delete: Set[Digest]
    warnings: Sequence[str] = ()
    """What the plan should report: what is unknown and therefore keeps images."""

    unused: Sequence[str] = ()
    """The rules and protections whose patterns or digests match nothing in this repository."""

    def remaining(self, deleted: Set[Digest]) -> int:
        """Count the images that are kept. Orphans count only if the repository has nothing else."""
        images = {
            digest for digest, decision in self.images.items() if not decision.image.is_orphan
        }
        return len((images or self.images.keys()) - deleted)


def decide(
    policy: Policy,
    inventory: Inventory,
    graph: Graph,
    *,
    now: datetime,
    observations: Observations | None = None,
) -> Decisions:
    """Decide on every image of a repository. Source: docs/policies.md, "How an image is judged".

    Raises: PolicyError, when a rule needs a time that this registry and state cannot give.
    """
    # A missing time would count as new and keep everything, so the policy is refused instead.
    check_facts(policy, inventory)
    images = images_of(inventory, graph)
    evaluation = evaluation_of(policy, inventory, images, observations or Observations(), now)
    # First each image by itself. After this, decisions only change from expired to kept.
    decisions = {image.digest: _decide(image, evaluation) for image in images}
    _keep_young(decisions, graph, inventory.versions.values(), evaluation)
    # Every follower of an expired image is judged, even if another image keeps it as well: a rule,
    # hold or protection of one image must never cause another image to be deleted.
    expired = [digest for digest, decision in decisions.items() if decision.expires]
    followers = closure(graph.keeps, expired) - decisions.keys()
    reasons = kept_followers(evaluation, inventory, followers)
    _keep_owners(decisions, graph, reasons)
    # Deleted is only what no kept image and no pinned digest keeps, however deep it is nested.
    kept = [digest for digest, decision in decisions.items() if not decision.expires]
    pinned = evaluation.pinned.keys() & inventory.versions.keys()
    needed = closure(graph.keeps, (*kept, *pinned))
    to_delete = inventory.versions.keys() - needed
    _keep_needed(decisions, graph, to_delete)
    # A protection by digest that matches nothing is often a typing error, so it is reported.
    unused_by_digest = [
        protection.name
        for protection in policy.protect
        if protection.digests and inventory.versions.keys().isdisjoint(protection.digests)
    ]
    return Decisions(
        decisions,
        to_delete,
        warnings=[*evaluation.warnings, *_unproven_tag_times(decisions.values(), evaluation)],
        unused=[*evaluation.unused, *unused_by_digest],
    )


def _decide(image: Image, evaluation: Evaluation) -> Decision:
    """Return the first cause that applies, with the opinions of all rules."""
    digest = image.version.digest
    protections = evaluation.protections.by_image.get(digest, ())
    judging = evaluation.rules.by_image.get(digest, ())
    protecting = [opinion for opinion in protections if opinion.keeps]
    keeping = [opinion for opinion in judging if opinion.keeps]
    expiring = [opinion for opinion in judging if not opinion.keeps]
    unknown = tuple([tag for tag in image.tags if tag not in evaluation.known_tags])
    cause, note = _cause(image, evaluation, protecting, keeping, expiring, unknown)
    return Decision(image, cause, note, (*protecting, *keeping, *expiring), unknown)


def _cause(
    image: Image,
    evaluation: Evaluation,
    protecting: Sequence[Opinion],
    keeping: Sequence[Opinion],
    expiring: Sequence[Opinion],
    unknown: Sequence[Tag],
) -> tuple[Cause, str]:
    """Return the first cause that applies, in the order of `Cause`, with a note of its own."""
    # Keep always wins: every cause to keep an image comes before the one to delete it.
    if protecting:
        return Cause.PROTECTED, ""
    if image.digest in evaluation.pinned:
        return evaluation.pinned[image.digest]
    if keeping:
        return Cause.RULE, ""
    if unknown and evaluation.policy.unmatched_tags == "keep":
        return Cause.UNMATCHED_TAG, f"tag {unknown[0]} matches no rule"
    # Only what a rule covers can expire.
    if not expiring:
        return Cause.UNCOVERED, "no rule covers it"
    # An image that the registry refused to delete is not tried again until something changes.
    if refusal := refusal_of(image, evaluation):
        return Cause.RETAINED, refusal
    return Cause.EXPIRED, ""


def _age_start(version: Version, evaluation: Evaluation) -> datetime | None:
    """Return what `min_age` counts from: the push, or a later move of a tag to this version.

    A tag that is moved back to an old image makes it as fresh as a push does. If a tag was added
    after the last run, the time is unknown.
    """
    # Most versions have no tag, so that none can have been added.
    observation = evaluation.observations.digests.get(version.digest) if version.tags else None
    # The tag was added between the last run and now, at an unknown time.
    if observation and observation.arrived(version.tags):
        return None
    counted = version.time(evaluation.age_fact)
    if version.tagged_since is None:
        return counted
    tagged, first_seen = version.time(Fact.TAGGED_SINCE), version.time(Fact.FIRST_SEEN)
    # A tag that was there when a run first observed the version may be as old as the version.
    was_retagged = tagged is not None and (first_seen is None or tagged > first_seen)
    # An unknown push time stays unknown: a retag alone does not show how old the version is.
    return max(counted, tagged) if counted and tagged and was_retagged else counted


def _keep_young(
    decisions: dict[Digest, Decision],
    graph: Graph,
    versions: Iterable[Version],
    evaluation: Evaluation,
) -> None:
    """Keep the images that are too young, and those with a follower that is too young.

    This applies even where another image keeps the young follower as well, so that no other rule
    or protection can shorten `min_age`.
    """
    min_age, young_after = evaluation.policy.guards.min_age, evaluation.young_after
    if young_after is None:
        return
    # A version of unknown age counts as young: missing evidence never deletes.
    young = [
        (version, start)
        for version in versions
        if (start := _age_start(version, evaluation)) is None or start > young_after
    ]
    young_digests = {version.digest for version, _ in young}
    visited: set[Digest] = set()
    # The youngest first, so that the time reported for an image is the one of its youngest part.
    for version, age_start in sorted(young, key=lambda pair: pair[1] or _LATEST, reverse=True):
        reached = closure(graph.kept_by, [version.digest], excluding=visited)
        visited |= reached
        moved = "" if age_start == version.time(evaluation.age_fact) else "one of its tags is "
        for digest in reached & decisions.keys():
            if decisions[digest].expires:
                own = moved if digest == version.digest else ""
                who = own if digest in young_digests else "one of its manifests or referrers is "
                decisions[digest] = decisions[digest]._replace(
                    cause=Cause.YOUNG,
                    note=f"{who}younger than min_age {min_age}",
                    young_until=age_start + min_age.delta if age_start else None,
                )


def _unproven_tag_times(decisions: Iterable[Decision], evaluation: Evaluation) -> Iterator[str]:
    """Warn of images that expire by their push time and may have got a tag since the push."""
    # A push time does not change when a tag is moved back, so only observations show the move.
    push_time_rules = {rule.name for rule in evaluation.policy.rules if Fact.PUSHED in rule.facts}
    count = sum(
        decision.expires
        and bool(decision.image.tags)
        and any(opinion.rule in push_time_rules for opinion in decision.opinions)
        and _is_tag_new(decision.image.version, evaluation)
        for decision in decisions
    )
    if count:
        images = "1 tagged image expires" if count == 1 else f"{count} tagged images expire"
        yield (
            f"{images} by push time, and no earlier run has recorded when the tags were set:"
            " check that no tag was moved back to an old image"
        )


def _is_tag_new(version: Version, evaluation: Evaluation) -> bool:
    """Whether the tags of a version are not known to be as old as `min_age`."""
    tagged = version.time(Fact.TAGGED_SINCE)
    return tagged is None or (
        evaluation.young_after is not None and tagged > evaluation.young_after
    )


def _keep_owners(
    decisions: dict[Digest, Decision], graph: Graph, kept_followers: Mapping[Digest, str]
) -> None:
    """Keep the images that have a follower which is kept by itself.

    Without its image, the follower would be an image in the next plan, and would take the place of
    another one in a rule that counts.
    """
    visited: set[Digest] = set()
    for follower, reason in kept_followers.items():
        above = closure(graph.kept_by, [follower], excluding=visited)
        visited |= above
        for digest in above & decisions.keys():
            if decisions[digest].expires:
                note = f"its manifest or referrer {follower} is kept ({reason})"
                decisions[digest] = decisions[digest]._replace(cause=Cause.NEEDED, note=note)


def _keep_needed(decisions: dict[Digest, Decision], graph: Graph, to_delete: Set[Digest]) -> None:
    """Keep the expired images that a kept version lists or refers to."""
    for digest, decision in decisions.items():
        if decision.expires and digest not in to_delete:
            owner = next(owner for owner in graph.kept_by[digest] if owner not in to_delete)
            note = f"needed by {owner}"
            decisions[digest] = Decision(decision.image, Cause.NEEDED, note, decision.opinions)
