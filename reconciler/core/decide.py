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
from reconciler.core.keep import Opinion, judge
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
    unknown: tuple[Tag, ...] = ()
    """The tags that no rule knows."""

    until: datetime | None = None
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

    def rest(self, leaving: Set[Digest]) -> int:
        """Count the images that stay; what only speaks of others that are gone, if that is all."""
        images = {digest for digest, one in self.images.items() if not one.image.is_orphan}
        return len((images or self.images.keys()) - leaving)


@dataclass(frozen=True, slots=True)
class _Judgements:
    """What several rules say. Shape: `unused` names those whose patterns find no image."""

    opinions: Mapping[Digest, Sequence[Opinion]]
    warnings: Sequence[str]
    unused: Sequence[str]


@dataclass(frozen=True, slots=True)
class _Evaluation:
    """Everything the verdicts are made from."""

    policy: Policy
    observations: Observations
    protecting: _Judgements
    judging: _Judgements
    pinned: Mapping[Digest, tuple[Cause, str]]
    visibility: str
    known: Set[Tag]
    born: Fact
    """The time that `min_age` counts from."""

    old_enough: datetime | None
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
    bench = _evaluation(policy, inventory, images, index, now, observations or Observations())
    decisions = {image.digest: _decide(image, bench) for image in images}
    pinned = bench.pinned.keys() & inventory.versions.keys()
    young = [version for version in inventory.versions.values() if _waits(version, bench)]
    _keep(decisions, graph, young, bench)
    # Asked for whether or not something else keeps it: no other rule, hold or protection of one
    # image may let another one go.
    below = closure(graph.keeps, (digest for digest, one in decisions.items() if one.expires))
    kept = _kept_below(bench, inventory, below - decisions.keys(), index, now)
    _keep_above(decisions, graph, kept)
    doomed = _to_delete(inventory, graph, decisions, pinned)
    for digest, decision in decisions.items():
        if decision.expires and digest not in doomed:
            decisions[digest] = _needed(decision, graph, doomed)
    sides = (bench.protecting, bench.judging)
    return Decisions(
        decisions,
        doomed,
        warnings=[
            *(text for side in sides for text in side.warnings),
            *_perhaps_rolled_back(decisions.values(), bench),
        ],
        unused=[*(name for side in sides for name in side.unused), *_absent(policy, inventory)],
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
        protecting=_judgements(policy, _protections(policy), images, index, now),
        judging=_judgements(policy, policy.rules, images, index, now),
        pinned=pinned(policy, observations),
        visibility=inventory.visibility,
        known=known,
        born=Fact.PUSHED if Fact.PUSHED in inventory.facts else Fact.FIRST_SEEN,
        old_enough=now - policy.guards.min_age.delta if policy.guards.min_age.delta else None,
    )


def _protections(policy: Policy) -> list[Rule]:
    """Return the protections that match images, as rules; others name digests."""
    return [part.rule for part in policy.protect if part.rule]


def _index(policy: Policy, inventory: Inventory) -> TagIndex:
    """Match every tag, also of what is no image, against the patterns of the policy."""
    matches = [rule.match for rule in (*policy.rules, *_protections(policy))]
    return TagIndex(
        (tag for version in inventory.versions.values() for tag in version.tags), matches
    )


def _judgements(
    policy: Policy, rules: Sequence[Rule], images: Sequence[Image], index: TagIndex, now: datetime
) -> _Judgements:
    """Gather the opinions of rules by image, in the order of their names."""
    gathered: dict[Digest, list[Opinion]] = defaultdict(list)
    warnings: list[str] = []
    unused: list[str] = []
    for rule, pool in _pools(rules, images, index):
        judgement = judge(rule, pool, index, now=now, zone=policy.zone)
        warnings.extend(judgement.warnings)
        if not pool and rule.match.reads_tags:
            unused.append(rule.name)
        for digest, opinion in judgement.opinions.items():
            gathered[digest].append(opinion)
    return _Judgements(gathered, warnings, unused)


def _pools(
    rules: Sequence[Rule], images: Sequence[Image], index: TagIndex
) -> Iterator[tuple[Rule, Sequence[SelectedImage]]]:
    """Yield each rule with the images it sees; `rest` sees those that no other rule covers."""
    covered: set[Digest] = set()
    for rule in sorted(rules, key=lambda rule: (rule.match.rest is not None, rule.name)):
        left = images
        if rule.match.rest:
            left = [image for image in images if image.digest not in covered]
        pool = select(rule.match, left, index)
        if not rule.match.rest:
            covered.update(seen.image.digest for seen in pool)
        yield rule, pool


def _decide(image: Image, bench: _Evaluation) -> Decision:
    """Return the first verdict that applies, with the opinions of all."""
    protecting = [
        opinion for opinion in bench.protecting.opinions.get(image.digest, ()) if opinion.keeps
    ]
    judging = sorted(
        bench.judging.opinions.get(image.digest, ()), key=lambda opinion: not opinion.keeps
    )
    unknown = tuple(tag for tag in image.tags if tag not in bench.known)
    cause, note = _verdict(image, bench, protecting, judging, unknown)
    return Decision(image, cause, note, (*protecting, *judging), unknown)


def _verdict(
    image: Image,
    bench: _Evaluation,
    protecting: Sequence[Opinion],
    judging: Sequence[Opinion],
    unknown: Sequence[Tag],
) -> tuple[Cause, str]:
    if protecting:
        return Cause.PROTECTED, ""
    if image.digest in bench.pinned:
        return bench.pinned[image.digest]
    if any(opinion.keeps for opinion in judging):
        return Cause.RULE, ""
    if unknown and bench.policy.unmatched_tags == "keep":
        return Cause.UNMATCHED_TAG, f"tag {unknown[0]} matches no rule"
    if not judging:
        return Cause.UNCOVERED, "no rule covers it"
    return _unkept(image, bench)


def _unkept(image: Image, bench: _Evaluation) -> tuple[Cause, str]:
    """Judge an image that no rule keeps: the registry may have refused it before."""
    if refusal := _refusal(image, bench):
        return Cause.RETAINED, refusal
    return Cause.EXPIRED, ""


def _refusal(image: Image, bench: _Evaluation) -> str:
    """Say that the registry refused to delete a version, if nothing of it changed since."""
    seen = bench.observations.digests.get(image.digest)
    is_refused = seen and seen.refuses(image.version.tags, bench.visibility)
    return f"the registry refused: {seen.retained}" if seen and is_refused else ""


def _waits(version: Version, bench: _Evaluation) -> bool:
    """Whether a version is younger than `min_age`; an unknown time is young."""
    born = _born(version, bench)
    return bench.old_enough is not None and (born is None or born > bench.old_enough)


def _born(version: Version, bench: _Evaluation) -> datetime | None:
    """Return what `min_age` counts from: the push, or the moment at which a tag came later.

    A tag that is put back on an old image makes it as fresh as a push. One that came after the
    last run has been there for an unknown time.
    """
    noted = bench.observations.digests.get(version.digest)
    if noted and noted.arrived(version.tags):
        return None
    born, moved = version.time(bench.born), _moved(version)
    return max(born, moved) if born and moved else born


def _moved(version: Version) -> datetime | None:
    """Return when a tag came to a version that runs knew before; None if none did."""
    tagged, seen = version.time(Fact.TAGGED_SINCE), version.time(Fact.FIRST_SEEN)
    return tagged if tagged and (seen is None or tagged > seen) else None


def pinned(policy: Policy, observations: Observations) -> dict[Digest, tuple[Cause, str]]:
    """Return the digests that stay whatever they are: held by an undo, or named by the policy."""
    held = {
        digest: (Cause.HELD, "restored by an undo and held until it is released")
        for digest, seen in observations.digests.items()
        if seen.held
    }
    named = {
        digest: (Cause.PROTECTED, f"{part.name}: protected by digest")
        for part in sorted(policy.protect, key=attrgetter("name"))
        for digest in part.digests or ()
    }
    return held | named


def _to_delete(
    inventory: Inventory,
    graph: Graph,
    decisions: Mapping[Digest, Decision],
    pinned: Iterable[Digest],
) -> set[Digest]:
    """Return every version that nothing which stays keeps."""
    staying = {digest for digest, decision in decisions.items() if not decision.expires}
    return inventory.versions.keys() - closure(graph.keeps, staying | set(pinned))


def _keep(
    decisions: dict[Digest, Decision], graph: Graph, young: Sequence[Version], bench: _Evaluation
) -> None:
    """Keep the images that are too young, or that keep what is: until nothing of it is.

    Whether something else keeps that as well makes no difference, so that no other rule or
    protection can end the waiting.
    """
    least = bench.policy.guards.min_age
    waiting = {version.digest for version in young}
    spared: set[Digest] = set()
    for version in sorted(young, key=lambda one: _born(one, bench) or _LATEST, reverse=True):
        born = _born(version, bench)
        reached = closure(graph.kept_by, [version.digest], beyond=spared)
        spared |= reached
        moved = "" if born == version.time(bench.born) else "one of its tags is "
        for digest in reached & decisions.keys():
            if decisions[digest].expires:
                own = moved if digest == version.digest else ""
                who = own if digest in waiting else "something that belongs to it is "
                decisions[digest] = replace(
                    decisions[digest],
                    cause=Cause.YOUNG,
                    note=f"{who}younger than min_age {least}",
                    until=born + least.delta if born else None,
                )


def _absent(policy: Policy, inventory: Inventory) -> Iterator[str]:
    """Name the protections by digest of which nothing is here."""
    for part in policy.protect:
        if part.digests and inventory.versions.keys().isdisjoint(part.digests):
            yield part.name


def _perhaps_rolled_back(decisions: Iterable[Decision], bench: _Evaluation) -> Iterator[str]:
    """Say how many images go by the time of their push that may have got a tag since."""
    reading = {rule.name for rule in bench.policy.rules if Fact.PUSHED in rule.facts}
    count = sum(
        decision.expires
        and bool(decision.image.tags)
        and any(opinion.rule in reading for opinion in decision.opinions)
        and _is_tag_new(decision.image.version, bench)
        for decision in decisions
    )
    if count:
        images = "1 image with tags goes" if count == 1 else f"{count} images with tags go"
        yield (
            f"{images} by the time of the push, and no run has noted yet since when the tags are"
            " there: check that none was put back on an old image"
        )


def _is_tag_new(version: Version, bench: _Evaluation) -> bool:
    """Whether the tags of a version are not known to be as old as `min_age`."""
    tagged = version.time(Fact.TAGGED_SINCE)
    return tagged is None or (bench.old_enough is not None and tagged > bench.old_enough)


def _kept_below(
    bench: _Evaluation,
    inventory: Inventory,
    followers: Iterable[Digest],
    index: TagIndex,
    now: datetime,
) -> dict[Digest, str]:
    """Map what would go with its images, and is kept by itself, to the reason.

    It is asked for under all its tags. A tag of its own that no rule knows keeps it, as it would
    keep an image.
    """
    below = [Image(one, one.tags) for one in map(inventory.versions.__getitem__, sorted(followers))]
    found: dict[Digest, str] = {}
    for rules in (_protections(bench.policy), bench.policy.rules):
        for digest, opinion in _keeping_unranked(bench.policy, rules, below, index, now):
            found.setdefault(digest, str(opinion))
    for image in below:
        if reason := _refusal(image, bench) or _unknown_tag(inventory, image, bench):
            found.setdefault(image.digest, reason)
    return found


def _keeping_unranked(
    policy: Policy, rules: Sequence[Rule], below: Sequence[Image], index: TagIndex, now: datetime
) -> Iterator[tuple[Digest, Opinion]]:
    """Yield the opinions that keep a version whatever its rank."""
    asked = [_unranked(rule) for rule in rules]
    # A rule that keeps nothing of them only matters for what `rest` is.
    if not any(rule.match.rest for rule in asked):
        asked = [rule for rule in asked if not rule.keep.none]
    for rule, pool in _pools(asked, below, index):
        young = _young_enough(rule, pool, now)
        for digest, opinion in judge(
            rule, young, index, now=now, zone=policy.zone
        ).opinions.items():
            if opinion.keeps:
                yield digest, opinion


def _unknown_tag(inventory: Inventory, image: Image, bench: _Evaluation) -> str:
    """Name a tag of its own that no rule knows, where that keeps it."""
    if bench.policy.unmatched_tags != "keep":
        return ""
    own = image_tags(inventory, image.version)
    return next((f"tag {tag} matches no rule" for tag in own if tag not in bench.known), "")


def _young_enough(
    rule: Rule, pool: Sequence[SelectedImage], now: datetime
) -> Sequence[SelectedImage]:
    """Leave out what an unranked rule surely does not keep: most of what belongs to images.

    Judging a million versions, each with its reason in words, takes longer than all else here.
    """
    fact, within = rule.age_by.fact, rule.keep.within
    if fact is None or within is None:
        return () if rule.keep.none else pool
    times = ((seen, seen.image.version.time(fact)) for seen in pool)
    return [seen for seen, time in times if time is None or now - time < within.delta]


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


def _keep_above(
    decisions: dict[Digest, Decision], graph: Graph, kept: Mapping[Digest, str]
) -> None:
    """Keep the images that something belongs to which is kept by itself.

    Without them it would be an image in the next plan, and take the place of another one.
    """
    reached: set[Digest] = set()
    for follower, reason in kept.items():
        above = closure(graph.kept_by, [follower], beyond=reached)
        reached |= above
        for digest in above & decisions.keys():
            if decisions[digest].expires:
                note = f"{follower}, which belongs to it, stays ({reason})"
                decisions[digest] = replace(decisions[digest], cause=Cause.NEEDED, note=note)


def _needed(decision: Decision, graph: Graph, doomed: Set[Digest]) -> Decision:
    """Explain an image that a rule would let go and something that stays needs."""
    owners = [d for d in graph.kept_by[decision.image.digest] if d not in doomed]
    note = f"needed by {owners[0]}"
    return Decision(decision.image, Cause.NEEDED, note, decision.opinions)
