"""What the rules of a policy, refusals and unmatched tags mean for each image and each follower.

Followers are the versions that are no image of their own: what an index lists, and referrers.
"""

from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from datetime import datetime
from operator import attrgetter

from reconciler.core.graph import image_tags
from reconciler.core.keep import Opinion, evaluate
from reconciler.core.select import Image, SelectedImage, TagIndex, select
from reconciler.model.causes import Cause
from reconciler.model.inventory import Fact, Inventory, Observation, Observations, Version
from reconciler.model.names import Digest, Tag
from reconciler.model.policy import Policy
from reconciler.model.rules import Keep, Rule


@dataclass(frozen=True, slots=True)
class _Opinions:
    """The opinions of several rules. Shape: `unused` names rules whose patterns match no image."""

    by_image: Mapping[Digest, Sequence[Opinion]]
    warnings: Sequence[str]
    unused: Sequence[str]


@dataclass(frozen=True, slots=True)
class Evaluation:
    """Everything that the decision on one image depends on."""

    policy: Policy
    now: datetime
    tags: TagIndex
    observations: Observations
    protections: _Opinions
    rules: _Opinions
    pinned: Mapping[Digest, tuple[Cause, str]]
    refused: Mapping[Digest, Observation]
    """The versions that the registry once refused to delete."""

    visibility: str
    known_tags: Set[Tag]
    age_fact: Fact
    """The time that `min_age` counts from."""

    young_after: datetime | None
    """Images whose age starts after this moment are too young; None when `min_age` is off."""

    @property
    def warnings(self) -> Sequence[str]:
        """What is unknown to a rule, and therefore keeps images."""
        return (*self.protections.warnings, *self.rules.warnings)

    @property
    def unused(self) -> Sequence[str]:
        """The protections and rules whose patterns match no image."""
        return (*self.protections.unused, *self.rules.unused)


def evaluation_of(
    policy: Policy,
    inventory: Inventory,
    images: Sequence[Image],
    observations: Observations,
    now: datetime,
) -> Evaluation:
    """Evaluate all rules and protections of a policy for the images of a repository."""
    # Tags of followers are matched as well: a rule that keeps a follower keeps its image.
    index = TagIndex(
        (tag for version in inventory.versions.values() for tag in version.tags),
        [rule.match for rule in (*policy.rules, *_protections(policy))],
    )
    # A protection does not make a tag known: only a rule says that such tags may expire.
    known: set[Tag] = set().union(*(index.known(rule.match) for rule in policy.rules))
    return Evaluation(
        policy=policy,
        now=now,
        tags=index,
        observations=observations,
        protections=_opinions(policy, _protections(policy), images, index, now),
        rules=_opinions(policy, policy.rules, images, index, now),
        pinned=pinned(policy, observations),
        refused={d: noted for d, noted in observations.digests.items() if noted.retained},
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
    gathered: dict[Digest, tuple[Opinion, ...]] = {}
    warnings: list[str] = []
    unused: list[str] = []
    for rule, pool in _pools(rules, images, index):
        judgement = evaluate(rule, pool, index, now=now, zone=policy.zone)
        warnings.extend(judgement.warnings)
        if not pool and rule.match.reads_tags:
            unused.append(rule.name)
        for digest, opinion in judgement.opinions.items():
            gathered[digest] = (*gathered.get(digest, ()), opinion)
    return _Opinions(gathered, warnings, unused)


def _pools(
    rules: Sequence[Rule], images: Sequence[Image], index: TagIndex
) -> Iterator[tuple[Rule, Sequence[SelectedImage]]]:
    """Yield each rule with the images it covers; `rest` covers those that no other rule does."""
    covered: set[Digest] = set()
    # Most rules read tags, and most followers have none.
    tagged = [image for image in images if image.tags]
    # `rest` comes last, when it is known what the other rules cover.
    for rule in sorted(rules, key=lambda rule: (rule.match.rest is not None, rule.name)):
        candidates = tagged if rule.match.reads_tags else images
        if rule.match.rest:
            candidates = [image for image in images if image.digest not in covered]
        pool = select(rule.match, candidates, index)
        if not rule.match.rest:
            covered.update(selected.image.digest for selected in pool)
        yield rule, pool


def refusal_of(image: Image, evaluation: Evaluation) -> str:
    """Return why the registry refused to delete a version; empty if it changed since, or did not.

    A refusal holds for the tags and the visibility that the version had then.
    """
    observation = evaluation.refused.get(image.digest)
    is_refused = observation and observation.refuses(image.version.tags, evaluation.visibility)
    return f"the registry refused: {observation.retained}" if observation and is_refused else ""


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


def kept_followers(
    evaluation: Evaluation, inventory: Inventory, followers: Container[Digest]
) -> dict[Digest, str]:
    """Map each follower that a rule, a refusal or an unmatched tag keeps to the reason.

    Each is judged by all its tags. A tag of its own that no rule matches keeps it, as it would
    keep an image.
    """
    # Protections first, so that the reason names the strongest one.
    groups = [
        _keeping_rules(rules)
        for rules in (_protections(evaluation.policy), evaluation.policy.rules)
    ]
    may_keep = _untagged_filter([rule for rules in groups for rule in rules], evaluation.now)
    # Most followers are untagged, old and of no interest to any rule: they are passed over first.
    images = [
        Image(version, version.tags)
        for digest, version in inventory.versions.items()
        if digest in followers
        and (version.tags or may_keep(version) or digest in evaluation.refused)
    ]
    reasons: dict[Digest, str] = {}
    for rules in groups:
        for digest, opinion in _kept(evaluation, rules, images):
            reasons.setdefault(digest, str(opinion))
    keeps_unmatched = evaluation.policy.unmatched_tags == "keep"
    for image in images:
        if refusal := refusal_of(image, evaluation):
            reasons.setdefault(image.digest, refusal)
        if keeps_unmatched:
            for tag in image_tags(inventory, image.version):
                if tag not in evaluation.known_tags:
                    reasons.setdefault(image.digest, f"tag {tag} matches no rule")
    return reasons


def _keeping_rules(rules: Iterable[Rule]) -> list[Rule]:
    """Return the parts of rules that may keep a follower whatever its rank."""
    unranked = [_unranked(rule) for rule in rules]
    # A rule that keeps no follower is needed only to find out what a `rest` that keeps covers.
    if any(rule.match.rest and rule.keep.all for rule in unranked):
        return unranked
    return [rule for rule in unranked if not rule.keep.none]


def _untagged_filter(rules: Iterable[Rule], now: datetime) -> Callable[[Version], bool]:
    """Return whether an untagged version is young enough for one of the rules to keep it.

    The age is tested first, since nearly all followers of what expires are too old for every rule.
    """
    after: dict[Fact, datetime] = {}
    for rule in rules:
        if not rule.match.reads_tags and not rule.keep.none:
            fact, within = rule.age_by.fact, rule.keep.within
            # It keeps followers of any age.
            if fact is None or within is None:
                return lambda _: True
            after[fact] = min(now - within.delta, after.get(fact, now))
    starts = tuple(after.items())

    def may_keep(version: Version) -> bool:
        for fact, start in starts:
            time = version.time(fact)
            if time is None or time > start:
                return True
        return False

    return may_keep


def _kept(
    evaluation: Evaluation, rules: Sequence[Rule], images: Sequence[Image]
) -> Iterator[tuple[Digest, Opinion]]:
    """Yield the opinions that keep a follower."""
    index, now, zone = evaluation.tags, evaluation.now, evaluation.policy.zone
    for rule, pool in _pools(rules, images, index):
        young = _possibly_kept(rule, pool, now)
        for digest, opinion in evaluate(rule, young, index, now=now, zone=zone).opinions.items():
            if opinion.keeps:
                yield digest, opinion


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
