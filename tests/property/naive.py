"""The rules of evaluation written down a second time: slowly, plainly, from their text alone.

It shares with Reconciler's core nothing but the nouns: links are found by asking every version
about every other, globs are held by `fnmatch`, expressions by `re`, versions by a library.

Where the text leaves something open, this is how it is read:

* A tag speaks of another version when it has `sha256-<hex>` in it, whatever stands around that,
  and that version is here and is not the one that carries it. Such tags name no image; but if any
  tag of a version says something else, all its tags count as tags of an image.
* What names a subject that is here is no image of its own, whatever tags it has. An attestation
  that an index lists beside its subject is that index's alone, if its own document says that it
  is one.
* What only speaks of versions that are not here (a signature of another repository, a referrer
  left behind) is counted apart from images, so that it uses up nobody's `last`.
* An island, versions that only keep one another alive, is judged by one of them: one with a tag of
  its own, else an index, else the lowest digest.
* The selector of a rule includes its `except`; the other filters look at whole images. So a tag
  that `except` passes over is unknown, and one that `without` looks at may be known.
* `any` and `rest` select images without tags, and images with a tag that `except` leaves over.
* "Best key" among several tags is the greatest, and the latest date is what age counts from; the
  group is that of the tag with the best key, among equals of the first tag by name.
* A time before 2013 is unknown. A date in a tag is one from 2013 until a year from now; seconds or
  milliseconds since 1970 are dates only where all values of the rule's pool are of that one kind.
* Of images with the same sort key that one is newer which was pushed later, if the registry tells
  of all of them when they were pushed; else none of them is. Where several compete for a place
  and none is newer, all of them stay.
* What has no sort key or no age (unknown time, a capture that is empty or not of its type), or one
  in the future, is new: age zero, and counted alone, so that it is kept and takes nobody's place.
* `semver` precedence knows no build metadata.
* A bucket that is given as a span keeps the newest of those images that are younger than it.
* An image that the registry refused to delete and whose tags did not change since is kept, if
  nothing else keeps it but `min_age`.
* `min_age` counts from the push, and from when a tag came to a version that an earlier run saw.
* What would go with its images is asked for as well, under all its tags: a protection or rule with
  `keep: all`, one (but for `rest`) whose `within` it is younger than, a tag of its own that no
  rule knows, and a refusal of the registry keep it. Then all that it belongs to stays, too.
* `min_age` counts for everything that an image keeps: if anything of it is too young, it waits.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from reconciler.model.inventory import Inventory, Observations, Version
from reconciler.model.manifest import ATTESTATION_TYPE
from reconciler.model.names import Digest
from reconciler.model.policy import Policy
from reconciler.model.rules import Keep, Rule
from tests.property.naive_rules import Tagged, certain, covers, judge, knows, speaks_of

Links = Sequence[tuple[Digest, Digest]]


@dataclass(frozen=True)
class NaiveVerdict:
    """What happens to one image: the cause, and which rules saw it and would keep it."""

    cause: str
    opinions: Mapping[str, bool]


class Naive:
    """One repository, one policy, one moment."""

    def __init__(
        self, policy: Policy, inventory: Inventory, now: datetime, observations: Observations
    ) -> None:
        """Find the links and the images."""
        self.policy, self.now, self.seen = policy, now, observations.digests
        self.versions = inventory.versions
        self.links = links(inventory)
        self.tags = {digest: self._image_tags(one) for digest, one in self.versions.items()}
        self.images = [Tagged(self.versions[d], self.tags[d]) for d in sorted(self.roots())]

    def verdicts(self) -> dict[Digest, NaiveVerdict]:
        """Return the verdict on each image."""
        said = self._opinions(self.policy.rules)
        causes = self._causes(said)
        return {digest: NaiveVerdict(cause, said[digest]) for digest, cause in causes.items()}

    def doomed(self) -> set[Digest]:
        """Return every version that goes."""
        return self._doomed(self._causes(self._opinions(self.policy.rules)))

    def roots(self) -> set[Digest]:
        """Tagged images, untagged ones that nothing keeps, and one of each island."""
        kept = {target for _, target in self.links}
        referrers = {digest for digest in self.versions if self._subject(digest) in self.versions}
        tagged = {digest for digest, tags in self.tags.items() if tags} - referrers
        roots = tagged | (self.versions.keys() - kept)
        adrift = self.versions.keys() - reach(self.links, roots)
        for digest in adrift:
            before = {other for other in adrift if digest in reach(self.links, [other])}
            if before <= reach(self.links, [digest]):
                roots.add(min(before, key=self._island_key))
        return roots

    def _causes(self, said: Mapping[Digest, Mapping[str, bool]]) -> dict[Digest, str]:
        protected = self._protected()
        causes = {one.digest: self._cause(one, protected, said[one.digest]) for one in self.images}
        young = {digest for digest, one in self.versions.items() if self._is_young(one)}
        for digest, cause in causes.items():
            if cause == "expired" and young & reach(self.links, [digest]):
                causes[digest] = "min-age"
        going = (digest for digest, cause in causes.items() if cause == "expired")
        kept = self._kept_below(reach(self.links, going))
        for digest, cause in causes.items():
            if cause == "expired" and kept & reach(self.links, [digest]):
                causes[digest] = "kept-below"
        doomed = self._doomed(causes)
        needed = {d for d, cause in causes.items() if cause == "expired" and d not in doomed}
        named = {d: "needed" if one == "kept-below" else one for d, one in causes.items()}
        return named | dict.fromkeys(needed, "needed")

    def _kept_below(self, below: set[Digest]) -> set[Digest]:
        """Return what belongs to images that are to go, and is kept by itself."""
        images = {image.digest for image in self.images}
        asked = [Tagged(self.versions[d], list(self.versions[d].tags)) for d in below - images]
        protections = [part.rule for part in self.policy.protect if part.rule]
        kept = {one.digest for one in asked if self._has_unknown_tag(one.digest)}
        kept |= {one.digest for one in asked if self._is_refused(one.version)}
        for rules in (protections, self.policy.rules):
            said = self._opinions([_unranked(rule) for rule in rules], asked)
            kept |= {digest for digest, opinions in said.items() if any(opinions.values())}
        return kept

    def _is_refused(self, version: Version) -> bool:
        seen = self.seen.get(version.digest)
        return bool(seen and seen.retained and seen.tags == version.tags)

    def _has_unknown_tag(self, digest: Digest) -> bool:
        rules = self.policy.rules
        known = [any(knows(rule.match, tag) for rule in rules) for tag in self.tags[digest]]
        return self.policy.unmatched_tags == "keep" and not all(known)

    def _cause(self, image: Tagged, protected: set[Digest], opinions: Mapping[str, bool]) -> str:
        """Step 5: the first verdict that applies."""
        seen = self.seen.get(image.digest)
        known = [any(knows(rule.match, tag) for rule in self.policy.rules) for tag in image.tags]
        verdicts = {
            "protected": image.digest in protected,
            "held": seen and seen.held,
            "rule": any(opinions.values()),
            "unmatched-tag": self.policy.unmatched_tags == "keep" and not all(known),
            "uncovered": not opinions,
            "retained": self._is_refused(image.version),
        }
        return next((cause for cause, applies in verdicts.items() if applies), "expired")

    def _doomed(self, causes: Mapping[Digest, str]) -> set[Digest]:
        """Step 2: kept if any owner is kept, deleted only with the last one."""
        staying = {digest for digest, cause in causes.items() if cause != "expired"}
        held = {digest for digest, seen in self.seen.items() if seen.held}
        named = {digest for part in self.policy.protect for digest in part.digests or ()}
        return self.versions.keys() - reach(self.links, staying | held | named)

    def _protected(self) -> set[Digest]:
        said = self._opinions([part.rule for part in self.policy.protect if part.rule])
        named = {digest for part in self.policy.protect for digest in part.digests or ()}
        return named | {digest for digest, opinions in said.items() if any(opinions.values())}

    def _is_young(self, version: Version) -> bool:
        least = self.policy.guards.min_age.delta
        pushed, seen = certain(version.pushed), certain(version.first_seen)
        times = [pushed]
        tagged, noted = certain(version.tagged_since), self.seen.get(version.digest)
        if pushed and tagged and (seen is None or tagged > seen):
            times.append(tagged)
        if noted and set(version.tags) - set(noted.tags if not noted.untagged_since else ()):
            times.append(None)
        return bool(least) and any(one is None or self.now - one < least for one in times)

    def _image_tags(self, version: Version) -> list[str]:
        others = self.versions.keys() - {version.digest}
        return [] if all(speaks_of(tag) in others for tag in version.tags) else list(version.tags)

    def _subject(self, digest: Digest) -> Digest | None:
        manifest = self.versions[digest].manifest
        return manifest.subject if manifest and manifest.subject != digest else None

    def _island_key(self, digest: Digest) -> tuple[bool, bool, Digest]:
        return not self.tags[digest], not self._is_index(digest), digest

    def _is_index(self, digest: Digest) -> bool:
        manifest = self.versions[digest].manifest
        return manifest is not None and manifest.shape == "index"

    def _opinions(
        self, rules: Sequence[Rule], images: Sequence[Tagged] | None = None
    ) -> dict[Digest, dict[str, bool]]:
        """Steps 3 and 4, for all rules; `rest` covers what no other rule does."""
        images = self.images if images is None else images
        said: dict[Digest, dict[str, bool]] = {image.digest: {} for image in images}
        for last in (False, True):
            pool = [image for image in images if not last or not said[image.digest]]
            for rule in (rule for rule in rules if bool(rule.match.rest) is last):
                covered = [image for image in pool if covers(rule.match, image)]
                for digest, keeps in judge(rule, covered, self.now, self.policy.zone).items():
                    said[digest][rule.name] = keeps
        return said


def _unranked(rule: Rule) -> Rule:
    """Leave of a rule what it keeps whatever else there is."""
    if rule.keep.all:
        return rule
    within = rule.keep.within if not rule.match.rest else None
    keep = Keep(within=within) if within else Keep(none=True)
    return rule.model_copy(update={"keep": keep})


def links(inventory: Inventory) -> Links:
    """Step 2: pairs of versions of which the second stays while the first does."""
    versions = list(inventory.versions.values())
    listed = {
        one.digest
        for version in versions
        if version.manifest
        for one in versions
        if one.manifest
        and one.manifest.kind == ATTESTATION_TYPE
        and {one.digest, one.manifest.subject} <= {d.digest for d in version.manifest.children}
    }
    return [(a.digest, b.digest) for a in versions for b in versions if _keeps(a, b, listed)]


def _keeps(first: Version, second: Version, listed: set[Digest]) -> bool:
    """Whether the first lists the second, or the second speaks of the first."""
    children = first.manifest.children if first.manifest else ()
    subject = second.manifest.subject if second.manifest else None
    return first.digest != second.digest and (
        any(child.digest == second.digest for child in children)
        or (subject == first.digest and second.digest not in listed)
        or any(speaks_of(tag) == first.digest for tag in second.tags)
    )


def reach(pairs: Links, start: Iterable[Digest]) -> set[Digest]:
    """Return all that can be reached along the pairs, by trying until nothing is new."""
    reached = set(start)
    while found := {target for source, target in pairs if source in reached} - reached:
        reached |= found
    return reached
