"""Select the images that a rule covers, and the tags by which it matches them.

Also check that the registry and the state provide the times that the rules of a policy read.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from typing import NamedTuple

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
"""The part that differs between tags of one shape: commit hashes and numbers."""


@dataclass(frozen=True, slots=True)
class Image:
    """One root. Shape: `tags` are those that name it, sorted; see `image_tags`."""

    version: Version
    tags: tuple[Tag, ...]

    @property
    def digest(self) -> Digest:
        """The digest of its version."""
        return self.version.digest

    @property
    def is_orphan(self) -> bool:
        """Whether it is a referrer whose subject was deleted, such as a leftover signature."""
        if self.tags:
            return self.tags[0].subject is not None and all(tag.subject for tag in self.tags)
        manifest = self.version.manifest
        return manifest is not None and manifest.subject is not None


class SelectedImage(NamedTuple):
    """One image that a rule covers, with the tags that its selector matches."""

    image: Image
    tags: tuple[Tag, ...] = ()


def images_of(inventory: Inventory, graph: Graph) -> tuple[Image, ...]:
    """Return the roots as images, in digest order."""
    versions = (inventory.versions[digest] for digest in graph.roots)
    return tuple(Image(version, image_tags(inventory, version)) for version in versions)


class TagIndex:
    """The tags of a repository, each matched once against all patterns of a policy together.

    So a million tags and a dozen rules take one million matches, and not twelve million.
    """

    def __init__(self, tags: Iterable[Tag], matches: Iterable[Match]) -> None:
        """Match all tags against the patterns of all selectors and filters."""
        # A dict and not a set, so that the order is the same in every run.
        self._tags = tuple(dict.fromkeys(tags))
        patterns = {
            pattern.expression: pattern for match in matches for pattern in match.every_pattern
        }
        self._hits: dict[str, set[Tag]] = {expression: set() for expression in patterns}
        self._known: dict[Match, frozenset[Tag]] = {}
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

    def known(self, match: Match) -> frozenset[Tag]:
        """Return the tags that a selector matches, without regard to its image filters."""
        # Asked for images, for followers, and for the tags that any rule matches.
        if match not in self._known:
            self._known[match] = frozenset(self._matched(match))
        return self._known[match]

    def _matched(self, match: Match) -> set[Tag]:
        if match.semver:
            picked = {tag for tag, version in self.versions.items() if match.admits(version)}
        elif match.reads_tags:
            picked = self.matching(match.patterns)
        else:
            picked = set() if match.untagged else set(self._tags)
        return picked - self.matching(match.except_) if match.except_ else picked


def select(match: Match, images: Iterable[Image], index: TagIndex) -> list[SelectedImage]:
    """Return the images that a rule covers: those its selector matches and its filters accept.

    Shape: in the order given. `rest` is resolved by the caller, which knows the other rules.
    """
    known = index.known(match)
    # Policies are often written for more kinds of tags than one repository has.
    if match.reads_tags and not known:
        return []
    passes = _image_filter(match, index)
    includes_untagged = not match.reads_tags
    # A list inside: a tuple of a generator is slower, and there may be a million images.
    return [
        SelectedImage(image, tuple([tag for tag in image.tags if tag in known]))
        for image in images
        if (not known.isdisjoint(image.tags) if image.tags else includes_untagged)
        and (passes is None or passes(image))
        and not (match.every_tag and not known.issuperset(image.tags))
    ]


def _image_filter(match: Match, index: TagIndex) -> Callable[[Image], bool] | None:
    """Return the filters of a rule as one function, if it has any; patterns are matched once."""
    if not (match.with_ or match.without or match.artifact_type):
        return None
    required = [index.matching((pattern,)) for pattern in match.with_]
    refused = index.matching(match.without)
    fits = cache(match.artifact_type.matches) if match.artifact_type else None

    def passes(image: Image) -> bool:
        return (
            (fits is None or fits(image.version.kind))
            and all(not tags.isdisjoint(image.tags) for tags in required)
            and refused.isdisjoint(image.tags)
        )

    return passes


def family(tag: str) -> str:
    """Return the shape of a tag, with a star for each number or commit hash."""
    return _VARYING.sub("*", tag)


def check_facts(policy: Policy, inventory: Inventory) -> None:
    """Refuse a policy whose rules need a time that neither registry nor state can give.

    Raises: PolicyError, naming the rule, the time and what to write instead.
    """
    for rule in policy.judging:
        # Sorted, so that the same policy always gives the same message.
        for fact in sorted(rule.facts - inventory.facts):
            cure = f"Write {_alternatives(rule, fact, inventory.facts)} in this rule."
            if rule not in policy.rules:
                cure = "A protection cannot use another time: remove `keep`, so that it keeps all."
            raise PolicyError(
                f"{policy.name}/{rule.name}: {inventory.repository} has no `{fact}` time",
                hint=cure,
            )


def _alternatives(rule: Rule, missing: Fact, given: frozenset[Fact]) -> str:
    """Return what can be written in the rule instead of a time that is missing."""
    keys: list[str] = []
    if rule.keep.reads_age and rule.age_by.fact == missing:
        keys.append("age_by")
    if rule.keep.reads_order and rule.order.fact == missing:
        keys.append("order_by")
    # `untagged_since` and `tagged_since` are no substitutes: not every image has them.
    others = [fact for fact in (Fact.CREATED, Fact.FIRST_SEEN) if fact in given]
    choices = (" and ".join(f"`{key}: {other}`" for key in keys) for other in others)
    return " or ".join(choices) or "neither ages nor ranks"
