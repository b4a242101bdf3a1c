"""The verdict on every image: what stays, what goes, and every reason for it.

An image goes only if some rule covers it, no rule keeps it, nothing protects it, every tag on it
is known to some rule, and it is older than `min_age`. Keep always wins; order never matters.

What would go with an image is asked for as well. If it is kept by itself, the image stays, too:
whoever may push an index that lists a version cannot take it from a rule that keeps it.
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
    """What happens to one image and why. Shape: `opinions` hold every rule that saw it."""

    image: Image
    cause: Cause
    note: str = ""
    opinions: tuple[Opinion, ...] = ()
    unknown_tags: tuple[Tag, ...] = ()
    """The tags that no rule knows."""

    young_until: datetime | None = None
    """When `min_age` no longer keeps it; None where it does not, or the age is unknown."""

    @property
    def expires(self) -> bool:
        """Whether the image is to be deleted."""
        return self.cause is Cause.EXPIRED

    @property
    def reasons(self) -> tuple[str, ...]:
        """Every reason in words, the deciding one first."""
        note = (self.note,) if self.note else ()
        return note + tuple(str(opinion) for opinion in self.opinions)


@dataclass(frozen=True, slots=True)
class Decisions:
    """All decisions on one repository.

    Shape: `images` has one decision for each root, in digest order; `to_delete` holds every version
        to delete, the followers of doomed images among them.
    """

    images: Mapping[Digest, Decision]
    to_delete: Set[Digest]
    warnings: Sequence[str] = ()
    """What the plan should tell: what is not known and therefore keeps images."""

    unused: Sequence[str] = ()
    """The rules and protections whose patterns or digests find no image here."""

    def remaining(self, deleted: Set[Digest]) -> int:
        """Count the images that stay; what only speaks of others that are gone, if that is all."""
        images = {
            digest for digest, decision in self.images.items() if not decision.image.is_orphan
        }
        return len((images or self.images.keys()) - deleted)


@dataclass(frozen=True, slots=True)
class _Opinions:
    """What several rules say. Shape: `unused` names those whose patterns find no image."""

    by_image: Mapping[Digest, Sequence[Opinion]]
    warnings: Sequence[str]
    unused: Sequence[str]


@dataclass(frozen=True, slots=True)
class _Evaluation:
    """Everything the verdicts are made from."""

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
    """What was born after this moment is too young; None when `min_age` is switched off."""


def decide(
    policy: Policy,
    inventory: Inventory,
    graph: Graph,
    *,
    now: datetime,
    observations: Observations | None = None,
) -> Decisions:
    """Decide on every image of a repository. Source: the policy language, "Evaluation".

    Raises: PolicyError, when a rule needs a time that this registry and state cannot give.
    """
    check_facts(policy, inventory)
    images = images_of(inventory, graph)
    index = _index(policy, inventory)
    evaluation = _evaluation(policy, inventory, images, index, now, observations or Observations())
    decisions = {image.digest: _decide(image, evaluation) for image in images}
    pinned = evaluation.pinned.keys() & inventory.versions.keys()
    young = [version for version in inventory.versions.values() if _is_young(version, evaluation)]
    _keep_young(decisions, graph, young, evaluation)
    # Asked for whether or not something else keeps it: no other rule, hold or protection of one
    # image may let another one go.
    followers = closure(
        graph.keeps, (digest for digest, decision in decisions.items() if decision.expires)
    )
    kept_followers = _kept_followers(
        evaluation, inventory, followers - decisions.keys(), index, now
    )
    _keep_owners(decisions, graph, kept_followers)
    to_delete = _to_delete(inventory, graph, decisions, pinned)
    for digest, decision in decisions.items():
        if decision.expires and digest not in to_delete:
            decisions[digest] = _keep_needed(decision, graph, to_delete)
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
            *_unused_digests(policy, inventory),
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


def _index(policy: Policy, inventory: Inventory) -> TagIndex:
    """Match every tag, also of what is no image, against the patterns of the policy."""
    matches = [rule.match for rule in (*policy.rules, *_protections(policy))]
    return TagIndex(
        (tag for version in inventory.versions.values() for tag in version.tags), matches
    )


def _opinions(
    policy: Policy, rules: Sequence[Rule], images: Sequence[Image], index: TagIndex, now: datetime
) -> _Opinions:
    """Gather the opinions of rules by image, in the order of their names."""
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
    """Yield each rule with the images it sees; `rest` sees those that no other rule covers."""
    covered: set[Digest] = set()
    for rule in sorted(rules, key=lambda rule: (rule.match.rest is not None, rule.name)):
        candidates = images
        if rule.match.rest:
            candidates = [image for image in images if image.digest not in covered]
        pool = select(rule.match, candidates, index)
        if not rule.match.rest:
            covered.update(selected.image.digest for selected in pool)
        yield rule, pool


def _decide(image: Image, evaluation: _Evaluation) -> Decision:
    """Return the first verdict that applies, with the opinions of all."""
    protecting = [
        opinion
        for opinion in evaluation.protections.by_image.get(image.digest, ())
        if opinion.keeps
    ]
    judging = sorted(
        evaluation.rules.by_image.get(image.digest, ()), key=lambda opinion: not opinion.keeps
    )
    unknown = tuple(tag for tag in image.tags if tag not in evaluation.known_tags)
    cause, note = _verdict(image, evaluation, protecting, judging, unknown)
    return Decision(image, cause, note, (*protecting, *judging), unknown)


def _verdict(
    image: Image,
    evaluation: _Evaluation,
    protecting: Sequence[Opinion],
    judging: Sequence[Opinion],
    unknown: Sequence[Tag],
) -> tuple[Cause, str]:
    if protecting:
        return Cause.PROTECTED, ""
    if image.digest in evaluation.pinned:
        return evaluation.pinned[image.digest]
    if any(opinion.keeps for opinion in judging):
        return Cause.RULE, ""
    if unknown and evaluation.policy.unmatched_tags == "keep":
        return Cause.UNMATCHED_TAG, f"tag {unknown[0]} matches no rule"
    if not judging:
        return Cause.UNCOVERED, "no rule covers it"
    return _unkept(image, evaluation)


def _unkept(image: Image, evaluation: _Evaluation) -> tuple[Cause, str]:
    """Judge an image that no rule keeps: the registry may have refused it before."""
    if refusal := _refusal(image, evaluation):
        return Cause.RETAINED, refusal
    return Cause.EXPIRED, ""


def _refusal(image: Image, evaluation: _Evaluation) -> str:
    """Say that the registry refused to delete a version, if nothing of it changed since."""
    observation = evaluation.observations.digests.get(image.digest)
    is_refused = observation and observation.refuses(image.version.tags, evaluation.visibility)
    return f"the registry refused: {observation.retained}" if observation and is_refused else ""


def _is_young(version: Version, evaluation: _Evaluation) -> bool:
    """Whether a version is younger than `min_age`; an unknown time is young."""
    age_start = _age_start(version, evaluation)
    return evaluation.young_after is not None and (
        age_start is None or age_start > evaluation.young_after
    )


def _age_start(version: Version, evaluation: _Evaluation) -> datetime | None:
    """Return what `min_age` counts from: the push, or the moment at which a tag came later.

    A tag that is put back on an old image makes it as fresh as a push. One that came after the
    last run has been there for an unknown time.
    """
    observation = evaluation.observations.digests.get(version.digest)
    if observation and observation.arrived(version.tags):
        return None
    counted, retagged = version.time(evaluation.age_fact), _retagged_at(version)
    return max(counted, retagged) if counted and retagged else counted


def _retagged_at(version: Version) -> datetime | None:
    """Return when a tag came to a version that runs knew before; None if none did."""
    tagged, first_seen = version.time(Fact.TAGGED_SINCE), version.time(Fact.FIRST_SEEN)
    return tagged if tagged and (first_seen is None or tagged > first_seen) else None


def pinned(policy: Policy, observations: Observations) -> dict[Digest, tuple[Cause, str]]:
    """Return the digests that stay whatever they are: held by an undo, or named by the policy."""
    held_digests = {
        digest: (Cause.HELD, "restored by an undo and held until it is released")
        for digest, observation in observations.digests.items()
        if observation.held
    }
    protected = {
        digest: (Cause.PROTECTED, f"{protection.name}: protected by digest")
        for protection in sorted(policy.protect, key=attrgetter("name"))
        for digest in protection.digests or ()
    }
    return held_digests | protected


def _to_delete(
    inventory: Inventory,
    graph: Graph,
    decisions: Mapping[Digest, Decision],
    pinned: Iterable[Digest],
) -> set[Digest]:
    """Return every version that nothing which stays keeps."""
    kept = {digest for digest, decision in decisions.items() if not decision.expires}
    return inventory.versions.keys() - closure(graph.keeps, kept | set(pinned))


def _keep_young(
    decisions: dict[Digest, Decision],
    graph: Graph,
    young: Sequence[Version],
    evaluation: _Evaluation,
) -> None:
    """Keep the images that are too young, or that keep what is: until nothing of it is.

    Whether something else keeps that as well makes no difference, so that no other rule or
    protection can end the waiting.
    """
    min_age = evaluation.policy.guards.min_age
    young_digests = {version.digest for version in young}
    visited: set[Digest] = set()
    for version in sorted(
        young, key=lambda version: _age_start(version, evaluation) or _LATEST, reverse=True
    ):
        age_start = _age_start(version, evaluation)
        reached = closure(graph.kept_by, [version.digest], excluding=visited)
        visited |= reached
        moved = "" if age_start == version.time(evaluation.age_fact) else "one of its tags is "
        for digest in reached & decisions.keys():
            if decisions[digest].expires:
                own = moved if digest == version.digest else ""
                who = own if digest in young_digests else "something that belongs to it is "
                decisions[digest] = replace(
                    decisions[digest],
                    cause=Cause.YOUNG,
                    note=f"{who}younger than min_age {min_age}",
                    young_until=age_start + min_age.delta if age_start else None,
                )


def _unused_digests(policy: Policy, inventory: Inventory) -> Iterator[str]:
    """Name the protections by digest of which nothing is here."""
    for protection in policy.protect:
        if protection.digests and inventory.versions.keys().isdisjoint(protection.digests):
            yield protection.name


def _unproven_tag_times(decisions: Iterable[Decision], evaluation: _Evaluation) -> Iterator[str]:
    """Say how many images go by the time of their push that may have got a tag since."""
    push_time_rules = {rule.name for rule in evaluation.policy.rules if Fact.PUSHED in rule.facts}
    count = sum(
        decision.expires
        and bool(decision.image.tags)
        and any(opinion.rule in push_time_rules for opinion in decision.opinions)
        and _is_tag_new(decision.image.version, evaluation)
        for decision in decisions
    )
    if count:
        images = "1 image with tags goes" if count == 1 else f"{count} images with tags go"
        yield (
            f"{images} by the time of the push, and no run has noted yet since when the tags are"
            " there: check that none was put back on an old image"
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
    """Map what would go with its images, and is kept by itself, to the reason.

    It is asked for under all its tags. A tag of its own that no rule knows keeps it, as it would
    keep an image.
    """
    images = [
        Image(version, version.tags)
        for version in map(inventory.versions.__getitem__, sorted(followers))
    ]
    reasons: dict[Digest, str] = {}
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
    """Yield the opinions that keep a version whatever its rank."""
    unranked = [_unranked(rule) for rule in rules]
    # A rule that keeps nothing of them only matters for what `rest` is.
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
    """Name a tag of its own that no rule knows, where that keeps it."""
    if evaluation.policy.unmatched_tags != "keep":
        return ""
    own = image_tags(inventory, image.version)
    return next(
        (f"tag {tag} matches no rule" for tag in own if tag not in evaluation.known_tags), ""
    )


def _possibly_kept(
    rule: Rule, pool: Sequence[SelectedImage], now: datetime
) -> Sequence[SelectedImage]:
    """Leave out what an unranked rule surely does not keep: most of what belongs to images.

    Judging a million versions, each with its reason in words, takes longer than all else here.
    """
    fact, within = rule.age_by.fact, rule.keep.within
    if fact is None or within is None:
        return () if rule.keep.none else pool
    times = ((selected, selected.image.version.time(fact)) for selected in pool)
    return [selected for selected, time in times if time is None or now - time < within.delta]


def _unranked(rule: Rule) -> Rule:
    """Return what a rule keeps whatever else there is: all, or what is young enough.

    Rank is a matter of images, which what belongs to them takes no place of. What belongs to an
    image that another rule covers is no `rest`, unless that keeps all.
    """
    keep = rule.keep
    if not keep.all:
        within = None if rule.match.rest else keep.within
        keep = Keep(within=within) if within else Keep(none=True)
    return rule.model_copy(update={"keep": keep})


def _keep_owners(
    decisions: dict[Digest, Decision], graph: Graph, kept_followers: Mapping[Digest, str]
) -> None:
    """Keep the images that something belongs to which is kept by itself.

    Without them it would be an image in the next plan, and take the place of another one.
    """
    visited: set[Digest] = set()
    for follower, reason in kept_followers.items():
        above = closure(graph.kept_by, [follower], excluding=visited)
        visited |= above
        for digest in above & decisions.keys():
            if decisions[digest].expires:
                note = f"{follower}, which belongs to it, stays ({reason})"
                decisions[digest] = replace(decisions[digest], cause=Cause.NEEDED, note=note)


def _keep_needed(decision: Decision, graph: Graph, to_delete: Set[Digest]) -> Decision:
    """Explain an image that a rule would let go and something that stays needs."""
    owners = [d for d in graph.kept_by[decision.image.digest] if d not in to_delete]
    note = f"needed by {owners[0]}"
    return Decision(decision.image, Cause.NEEDED, note, decision.opinions)
