"""Which images a rule applies to, by which of their tags, and whether times are known."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property

from reconciler.core.graph import Graph, image_tags
from reconciler.errors import PolicyError
from reconciler.model.inventory import Fact, Inventory, Version
from reconciler.model.match import Match
from reconciler.model.names import Digest, Tag
from reconciler.model.patterns import PatternSet, TagGlob, TagRegex
from reconciler.model.policy import Policy
from reconciler.model.rules import Rule
from reconciler.model.semver import SemVer, parse_semver

_VARYING = re.compile(r"[0-9a-f]{7,}|\d+")
"""What differs between the tags of one shape: commits, and numbers."""


@dataclass(frozen=True, slots=True)
class Image:
    """One root as the rules see it. Shape: `tags` are those that name it, sorted."""

    version: Version
    tags: tuple[Tag, ...]

    @property
    def digest(self) -> Digest:
        """Its digest."""
        return self.version.digest

    @property
    def is_orphan(self) -> bool:
        """Whether it only speaks of versions that are not here: a signature left behind."""
        if self.tags:
            return all(tag.subject for tag in self.tags)
        manifest = self.version.manifest
        return manifest is not None and manifest.subject is not None


@dataclass(frozen=True, slots=True)
class SelectedImage:
    """One image in the pool of one rule, with the tags that the selector picked."""

    image: Image
    tags: tuple[Tag, ...] = ()


def images_of(inventory: Inventory, graph: Graph) -> tuple[Image, ...]:
    """Return the roots as images, in digest order."""
    versions = (inventory.versions[digest] for digest in graph.roots)
    return tuple(Image(version, image_tags(inventory, version)) for version in versions)


class TagIndex:
    """Every tag held once against every pattern of a policy, however many rules ask.

    A tag is matched against all patterns together, which makes a million tags and a dozen
    rules cost a million matches and not twelve.
    """

    def __init__(self, tags: Iterable[Tag], matches: Iterable[Match]) -> None:
        """Index the tags of all images for the patterns of all selectors and filters."""
        self._tags = tuple(dict.fromkeys(tags))
        patterns = {
            pattern.expression: pattern for match in matches for pattern in match.every_pattern
        }
        self._hits: dict[str, set[Tag]] = {expression: set() for expression in patterns}
        hits, together = tuple(self._hits.values()), PatternSet(tuple(patterns.values()))
        for tag in self._tags:
            for position in together.matching(tag):
                hits[position].add(tag)

    @cached_property
    def versions(self) -> Mapping[Tag, SemVer]:
        """The tags that are semantic versions."""
        parsed = ((tag, parse_semver(tag)) for tag in self._tags)
        return {tag: version for tag, version in parsed if version}

    def matching(self, patterns: Sequence[TagGlob | TagRegex]) -> set[Tag]:
        """Return the tags that match at least one of the patterns."""
        return set().union(*(self._hits[pattern.expression] for pattern in patterns))

    def known(self, match: Match) -> set[Tag]:
        """Return the tags that a selector knows, image filters aside."""
        if match.semver:
            picked = {tag for tag, version in self.versions.items() if match.admits(version)}
        elif match.reads_tags:
            picked = self.matching(match.patterns)
        else:
            picked = set() if match.untagged else set(self._tags)
        return picked - self.matching(match.except_) if match.except_ else picked


def select(match: Match, images: Iterable[Image], index: TagIndex) -> list[SelectedImage]:
    """Return the pool of a rule: images with a selected tag, or all, that pass the filters.

    Shape: in the order given. `rest` is resolved by the caller, which knows the other rules.
    """
    known = index.known(match)
    passes = _image_filter(match, index)
    includes_untagged = not match.reads_tags
    candidates = (
        SelectedImage(image, tuple([tag for tag in image.tags if tag in known]))
        for image in images
        if (image.tags and not known.isdisjoint(image.tags))
        or (includes_untagged and not image.tags)
    )
    return [candidate for candidate in candidates if passes(candidate)]


def _image_filter(match: Match, index: TagIndex) -> Callable[[SelectedImage], bool]:
    """Return the test of a rule's filters, in which whatever is the same for all is done once."""
    required = [index.matching((pattern,)) for pattern in match.with_]
    refused = index.matching(match.without)
    fits = cache(match.artifact_type.matches) if match.artifact_type else None

    def passes(selected: SelectedImage) -> bool:
        image = selected.image
        return (
            not (match.every_tag and len(selected.tags) != len(image.tags))
            and all(not tags.isdisjoint(image.tags) for tags in required)
            and refused.isdisjoint(image.tags)
            and (fits is None or fits(image.version.kind))
        )

    return passes


def family(tag: str) -> str:
    """Return the shape of a tag, with a star for whatever varies."""
    return _VARYING.sub("*", tag)


def check_facts(policy: Policy, inventory: Inventory) -> None:
    """Refuse a policy whose rules need a time that nobody can give here.

    Raises: PolicyError, naming the rule, the time and what to write instead.
    """
    for rule in policy.judging:
        for fact in sorted(rule.facts - inventory.facts):
            cure = f"Write {_alternatives(rule, fact, inventory.facts)} in this rule."
            if rule not in policy.rules:
                cure = "A protection can only count from it: let `keep` be, so that it keeps all."
            raise PolicyError(
                f"{policy.name}/{rule.name}: {inventory.repository} has no `{fact}` time",
                hint=cure,
            )


def _alternatives(rule: Rule, missing: Fact, given: frozenset[Fact]) -> str:
    """Return what can stand in the rule in place of a time that is missing."""
    keys = list(_keys_reading(rule, missing))
    others = [fact for fact in (Fact.CREATED, Fact.FIRST_SEEN) if fact in given]
    choices = (" and ".join(f"`{key}: {other}`" for key in keys) for other in others)
    return " or ".join(choices) or "no ages and no ranks"


def _keys_reading(rule: Rule, fact: Fact) -> Iterator[str]:
    """Yield the keys of a rule that read a time."""
    if rule.keep.reads_age and rule.age_by.fact == fact:
        yield "age_by"
    if rule.keep.reads_order and rule.order.fact == fact:
        yield "order_by"
