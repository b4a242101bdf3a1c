"""Decide for every image whether it is kept or deleted, with every reason.

An image expires only if a rule covers it, no rule keeps it, no protection matches it, every tag on
it is matched by a rule, and it is older than `min_age`. Keep always wins; the order of rules never
matters.

Followers are the versions that are no image of their own: what an index lists, and referrers. They
are deleted with their image, and are judged as well: if a rule keeps one of them, its image is kept
too. Otherwise pushing an index that lists a version would take it out of the rule that keeps it.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from operator import attrgetter

from reconciler.core.graph import Graph, image_tags
from reconciler.core.keep import Opinion, evaluate
from reconciler.core.select import Image, SelectedImage, TagIndex, check_facts, images_of, select
from reconciler.core.walk import closure
from reconciler.model.inventory import Fact, Inventory, Observations, Version
from reconciler.model.names import Digest, Tag
from reconciler.model.plan import Cause
from reconciler.model.policy import Policy
from reconciler.model.rules import Keep, Rule

_LATEST = datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Decision:
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


@dataclass(frozen=True, slots=True)
class _Opinions:
    """The opinions of several rules. Shape: `unused` names rules whose patterns match no image."""

    by_image: Mapping[Digest, Sequence[Opinion]]
    warnings: Sequence[str]
    unused: Sequence[str]


@dataclass(frozen=True, slots=True)
class _Evaluation:
    """Everything that the decision on one image depends on."""

    policy: Policy
    observations: Observations
    protections: _Opinions
    rules: _Opinions
    pinned: Mapping[Digest, tuple[Cause, str]]
    visibility: str
    known_tags: Set[Tag]
    age_fact: Fact
    """The time that `min_age` counts from."""

    young_after: datetime | None
    """Images whose age starts after this moment are too young; None when `min_age` is off."""


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
    # Tags of followers are matched as well: a rule that keeps a follower keeps its image.
    index = TagIndex(
        (tag for version in inventory.versions.values() for tag in version.tags),
        [rule.match for rule in (*policy.rules, *_protections(policy))],
    )
    evaluation = _evaluation(policy, inventory, images, index, now, observations or Observations())
    # First each image by itself. After this, decisions only change from expired to kept.
    decisions = {image.digest: _decide(image, evaluation) for image in images}
    pinned = evaluation.pinned.keys() & inventory.versions.keys()
    _keep_young(decisions, graph, inventory.versions.values(), evaluation)
    # Every follower of an expired image is judged, even if another image keeps it as well: a rule,
    # hold or protection of one image must never cause another image to be deleted.
    followers = closure(
        graph.keeps, (digest for digest, decision in decisions.items() if decision.expires)
    )
    kept_followers = _kept_followers(
        evaluation, inventory, followers - decisions.keys(), index, now
    )
    _keep_owners(decisions, graph, kept_followers)
    # Deleted is only what no kept image and no pinned digest keeps, however deep it is nested.
    kept = {digest for digest, decision in decisions.items() if not decision.expires}
    to_delete = inventory.versions.keys() - closure(graph.keeps, kept | pinned)
    # An expired image that a kept version lists or refers to is kept as well.
    for digest, decision in decisions.items():
        if decision.expires and digest not in to_delete:
            owner = next(d for d in graph.kept_by[digest] if d not in to_delete)
            decisions[digest] = Decision(
                decision.image, Cause.NEEDED, f"needed by {owner}", decision.opinions
            )
    opinion_sets = (evaluation.protections, evaluation.rules)
    return Decisions(
        decisions,
        to_delete,
        warnings=[
            *(text for side in opinion_sets for text in side.warnings),
            *_unproven_tag_times(decisions.values(), evaluation),
        ],
        unused=[
            *(name for side in opinion_sets for name in side.unused),
            # Protections by digest whose digests are all missing, often because of a typing error.
            *(
                protection.name
                for protection in policy.protect
                if protection.digests and inventory.versions.keys().isdisjoint(protection.digests)
            ),
        ],
    )


def _evaluation(
    policy: Policy,
    inventory: Inventory,
    images: Sequence[Image],
    index: TagIndex,
    now: datetime,
    observations: Observations,
) -> _Evaluation:
    # A protection does not make a tag known: only a rule says that such tags may expire.
    known: set[Tag] = set().union(*(index.known(rule.match) for rule in policy.rules))
    return _Evaluation(
        policy=policy,
        observations=observations,
        protections=_opinions(policy, _protections(policy), images, index, now),
        rules=_opinions(policy, policy.rules, images, index, now),
        pinned=pinned(policy, observations),
        visibility=inventory.visibility,
        known_tags=known,
        age_fact=Fact.PUSHED if Fact.PUSHED in inventory.facts else Fact.FIRST_SEEN,
        young_after=now - policy.guards.min_age.delta if policy.guards.min_age.delta else None,
    )


def _protections(policy: Policy) -> list[Rule]:
    """Return the protections that match images, as rules; others name digests."""
    return [protection.rule for protection in policy.protect if protection.rule]


def _opinions(
    policy: Policy, rules: Sequence[Rule], images: Sequence[Image], index: TagIndex, now: datetime
) -> _Opinions:
    """Gather the opinions of rules by image, in the order of the rules' names."""
    gathered: dict[Digest, list[Opinion]] = defaultdict(list)
    warnings: list[str] = []
    unused: list[str] = []
    for rule, pool in _pools(rules, images, index):
        judgement = evaluate(rule, pool, index, now=now, zone=policy.zone)
        warnings.extend(judgement.warnings)
        if not pool and rule.match.reads_tags:
            unused.append(rule.name)
        for digest, opinion in judgement.opinions.items():
            gathered[digest].append(opinion)
    return _Opinions(gathered, warnings, unused)


def _pools(
    rules: Sequence[Rule], images: Sequence[Image], index: TagIndex
) -> Iterator[tuple[Rule, Sequence[SelectedImage]]]:
    """Yield each rule with the images it covers; `rest` covers those that no other rule does."""
    covered: set[Digest] = set()
    # `rest` comes last, when it is known what the other rules cover.
    for rule in sorted(rules, key=lambda rule: (rule.match.rest is not None, rule.name)):
        candidates = images
        if rule.match.rest:
            candidates = [image for image in images if image.digest not in covered]
        pool = select(rule.match, candidates, index)
        if not rule.match.rest:
            covered.update(selected.image.digest for selected in pool)
        yield rule, pool


def _decide(image: Image, evaluation: _Evaluation) -> Decision:
    """Return the first cause that applies, with the opinions of all rules."""
    protecting = [
        opinion
        for opinion in evaluation.protections.by_image.get(image.digest, ())
        if opinion.keeps
    ]
    judging = sorted(
        evaluation.rules.by_image.get(image.digest, ()), key=lambda opinion: not opinion.keeps
    )
    unknown = tuple(tag for tag in image.tags if tag not in evaluation.known_tags)
    cause, note = _cause(image, evaluation, protecting, judging, unknown)
    return Decision(image, cause, note, (*protecting, *judging), unknown)


def _cause(
    image: Image,
    evaluation: _Evaluation,
    protecting: Sequence[Opinion],
    judging: Sequence[Opinion],
    unknown: Sequence[Tag],
) -> tuple[Cause, str]:
    """Return the first cause that applies, in the order of `Cause`, with a note of its own."""
    # Keep always wins: every cause to keep an image comes before the one to delete it.
    if protecting:
        return Cause.PROTECTED, ""
    if image.digest in evaluation.pinned:
        return evaluation.pinned[image.digest]
    if any(opinion.keeps for opinion in judging):
        return Cause.RULE, ""
    if unknown and evaluation.policy.unmatched_tags == "keep":
        return Cause.UNMATCHED_TAG, f"tag {unknown[0]} matches no rule"
    # Only what a rule covers can expire.
    if not judging:
        return Cause.UNCOVERED, "no rule covers it"
    # An image that the registry refused to delete is not tried again until something changes.
    if refusal := _refusal(image, evaluation):
        return Cause.RETAINED, refusal
    return Cause.EXPIRED, ""


def _refusal(image: Image, evaluation: _Evaluation) -> str:
    """Return why the registry refused to delete a version; empty if it changed since, or did not.

    A refusal holds for the tags and the visibility that the version had then.
    """
    observation = evaluation.observations.digests.get(image.digest)
    is_refused = observation and observation.refuses(image.version.tags, evaluation.visibility)
    return f"the registry refused: {observation.retained}" if observation and is_refused else ""


def _age_start(version: Version, evaluation: _Evaluation) -> datetime | None:
    """Return what `min_age` counts from: the push, or a later move of a tag to this version.

    A tag that is moved back to an old image makes it as fresh as a push does. If a tag was added
    after the last run, the time is unknown.
    """
    observation = evaluation.observations.digests.get(version.digest)
    # The tag was added between the last run and now, at an unknown time.
    if observation and observation.arrived(version.tags):
        return None
    counted = version.time(evaluation.age_fact)
    tagged, first_seen = version.time(Fact.TAGGED_SINCE), version.time(Fact.FIRST_SEEN)
    # A tag that was there when a run first observed the version may be as old as the version.
    was_retagged = tagged is not None and (first_seen is None or tagged > first_seen)
    # An unknown push time stays unknown: a retag alone does not show how old the version is.
    return max(counted, tagged) if counted and tagged and was_retagged else counted


def pinned(policy: Policy, observations: Observations) -> dict[Digest, tuple[Cause, str]]:
    """Return the digests that are always kept: held after an undo, or protected by digest."""
    # A hold outlives the run that made it: without it, the next apply would delete what an undo
    # has restored. Source: docs/undo.md, "What is held".
    on_hold = {
        digest: (Cause.HELD, "restored by an undo and held until it is released")
        for digest, observation in observations.digests.items()
        if observation.held
    }
    protected = {
        digest: (Cause.PROTECTED, f"{protection.name}: protected by digest")
        for protection in sorted(policy.protect, key=attrgetter("name"))
        for digest in protection.digests or ()
    }
    return on_hold | protected


def _keep_young(
    decisions: dict[Digest, Decision],
    graph: Graph,
    versions: Iterable[Version],
    evaluation: _Evaluation,
) -> None:
    """Keep the images that are too young, and those with a follower that is too young.

    This applies even where another image keeps the young follower as well, so that no other rule
    or protection can shorten `min_age`.
    """
    min_age, young_after = evaluation.policy.guards.min_age, evaluation.young_after
    if young_after is None:
        return
    starts = [(version, _age_start(version, evaluation)) for version in versions]
    # A version of unknown age counts as young: missing evidence never deletes.
    young = [(version, start) for version, start in starts if start is None or start > young_after]
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
                decisions[digest] = replace(
                    decisions[digest],
                    cause=Cause.YOUNG,
                    note=f"{who}younger than min_age {min_age}",
                    young_until=age_start + min_age.delta if age_start else None,
                )


def _unproven_tag_times(decisions: Iterable[Decision], evaluation: _Evaluation) -> Iterator[str]:
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


def _is_tag_new(version: Version, evaluation: _Evaluation) -> bool:
    """Whether the tags of a version are not known to be as old as `min_age`."""
    tagged = version.time(Fact.TAGGED_SINCE)
    return tagged is None or (
        evaluation.young_after is not None and tagged > evaluation.young_after
    )


def _kept_followers(
    evaluation: _Evaluation,
    inventory: Inventory,
    followers: Iterable[Digest],
    index: TagIndex,
    now: datetime,
) -> dict[Digest, str]:
    """Map each follower that a rule, a refusal or an unmatched tag keeps to the reason.

    Each is judged by all its tags. A tag of its own that no rule matches keeps it, as it would
    keep an image.
    """
    images = [
        Image(version, version.tags)
        for version in map(inventory.versions.__getitem__, sorted(followers))
    ]
    reasons: dict[Digest, str] = {}
    # Protections first, so that the reason names the strongest one.
    for rules in (_protections(evaluation.policy), evaluation.policy.rules):
        for digest, opinion in _keeping_unranked(evaluation.policy, rules, images, index, now):
            reasons.setdefault(digest, str(opinion))
    for image in images:
        if reason := _refusal(image, evaluation) or _unknown_tag(inventory, image, evaluation):
            reasons.setdefault(image.digest, reason)
    return reasons


def _keeping_unranked(
    policy: Policy, rules: Sequence[Rule], images: Sequence[Image], index: TagIndex, now: datetime
) -> Iterator[tuple[Digest, Opinion]]:
    """Yield the opinions that keep a follower whatever its rank."""
    unranked = [_unranked(rule) for rule in rules]
    # A rule that keeps no follower is needed only to find out what `rest` covers.
    if not any(rule.match.rest for rule in unranked):
        unranked = [rule for rule in unranked if not rule.keep.none]
    for rule, pool in _pools(unranked, images, index):
        young = _possibly_kept(rule, pool, now)
        for digest, opinion in evaluate(
            rule, young, index, now=now, zone=policy.zone
        ).opinions.items():
            if opinion.keeps:
                yield digest, opinion


def _unknown_tag(inventory: Inventory, image: Image, evaluation: _Evaluation) -> str:
    """Return the reason if an unmatched tag of its own keeps a version; empty if not."""
    if evaluation.policy.unmatched_tags != "keep":
        return ""
    own = image_tags(inventory, image.version)
    return next(
        (f"tag {tag} matches no rule" for tag in own if tag not in evaluation.known_tags), ""
    )


def _possibly_kept(
    rule: Rule, pool: Sequence[SelectedImage], now: datetime
) -> Sequence[SelectedImage]:
    """Leave out the followers that an unranked rule certainly does not keep, which are most.

    Evaluating a million versions, each with a text for its reason, would take longer than the rest
    of the decision.
    """
    fact, within = rule.age_by.fact, rule.keep.within
    if fact is None or within is None:
        return () if rule.keep.none else pool
    times = ((selected, selected.image.version.time(fact)) for selected in pool)
    return [selected for selected, time in times if time is None or now - time < within.delta]


def _unranked(rule: Rule) -> Rule:
    """Return the part of a rule that does not count images: keep all, or keep by age.

    Only images are ranked, so a follower takes no place among them. A follower of an image that
    another rule covers is not `rest`, unless `rest` keeps everything.
    """
    keep = rule.keep
    if not keep.all:
        within = None if rule.match.rest else keep.within
        keep = Keep(within=within) if within else Keep(none=True)
    return rule.model_copy(update={"keep": keep})


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
                decisions[digest] = replace(decisions[digest], cause=Cause.NEEDED, note=note)
