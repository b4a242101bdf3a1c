"""Rules, what they keep, and protections.

The fields are the syntax of the policy file; `docs/policies.md` explains them to its writers.
"""

from collections.abc import Iterator
from functools import cached_property
from typing import Annotated

from pydantic import Discriminator, Field, StrictBool, Tag

from reconciler.model.durations import Span
from reconciler.model.inventory import Fact
from reconciler.model.language import (
    MAX_PATTERNS,
    AgeKey,
    Count,
    Flaw,
    Label,
    OrderKey,
    PolicyPart,
    Switch,
)
from reconciler.model.match import Match
from reconciler.model.names import Digest

MAX_DIGESTS = 1_000
"""Most digests in one protection."""

BUCKETS = ("hourly", "daily", "weekly", "monthly", "yearly")


def _written_as(limit: object) -> str:
    return "span" if isinstance(limit, str) else "count"


Limit = Annotated[
    Annotated[Count, Tag("count")] | Annotated[Span, Tag("span")], Discriminator(_written_as)
]
"""How many calendar buckets to keep, or how far back they reach."""


class Keep(PolicyPart):
    """What a rule keeps of the images it covers; any one reason is enough."""

    all: Switch | None = Field(None, description="Keep every image.", examples=[True])
    none: Switch | None = Field(
        None, description="Keep no image: everything the rule covers expires.", examples=[True]
    )
    last: Count | None = Field(
        None, description="Keep this many of the newest, in each group.", examples=[10]
    )
    within: Span | None = Field(
        None, description="Keep what is younger than this.", examples=["30d"]
    )
    hourly: Limit | None = Field(
        None,
        description="Keep the newest of each hour: of so many hours with images, or that far back.",
        examples=[24, "2d"],
    )
    daily: Limit | None = Field(
        None,
        description="Keep the newest of each day: of so many days with images, or that far back.",
        examples=[7, "14d"],
    )
    weekly: Limit | None = Field(
        None,
        description="Keep the newest of each ISO week: of so many weeks, or that far back.",
        examples=[8, "12w"],
    )
    monthly: Limit | None = Field(
        None,
        description="Keep the newest of each month: of so many months, or that far back.",
        examples=[12, "366d"],
    )
    yearly: Limit | None = Field(
        None,
        description="Keep the newest of each year: of so many years, or that far back.",
        examples=[3, "1830d"],
    )
    extra: Count | None = Field(
        None,
        description="Keep this many of the newest that no other key keeps.",
        examples=[5],
    )

    @property
    def buckets(self) -> Iterator[tuple[str, Limit]]:
        """The calendar buckets in use, the finest first, each with its count or span."""
        for name in BUCKETS:
            limit: Limit | None = getattr(self, name)
            if limit is not None:
                yield name, limit

    @property
    def reads_age(self) -> bool:
        """Whether a reason here depends on how old an image is."""
        return self.within is not None or any(True for _ in self.buckets)

    @property
    def reads_order(self) -> bool:
        """Whether a reason here depends on which image is newer."""
        return self.last is not None or self.extra is not None or any(True for _ in self.buckets)

    def flaws(self) -> Iterator[Flaw]:
        """Yield missing reasons, and those that have no effect beside another one."""
        given = [name for name in type(self).model_fields if getattr(self, name) is not None]
        if not given:
            message = (
                "keep must name at least one reason to keep;"
                " write keep: {none: true} to expire every match"
            )
            yield Flaw((), message)
        for key in ("all", "none"):
            others = ", ".join(name for name in given if name != key)
            if key in given and others:
                yield Flaw((key,), f"{key!r} leaves {others} without effect; remove one side")
        for name in given:
            limit = getattr(self, name)
            # No image is younger than that, so it would expire everything without saying so.
            if isinstance(limit, Span) and not limit.delta:
                message = f"{name!r} of zero keeps nothing; write keep: {{none: true}}"
                yield Flaw((name,), message)


class Rule(PolicyPart):
    """Covers the images its `match` selects and says which of them to keep; others expire."""

    name: Label = Field(
        description="The rule's name in plans and logs, unlike any other of the policy.",
        examples=["previews"],
    )
    match: Match = Field(
        description="Which images the rule covers.", examples=[{"tags": ["release-*"]}]
    )
    keep: Keep = Field(
        description="Which of them are kept; any one reason is enough.", examples=[{"last": 10}]
    )
    group_by: tuple[str, ...] = Field(
        (),
        max_length=MAX_PATTERNS,
        description="Count in groups: by captures of the regex, or by major and minor of a semver.",
        examples=[["pr"]],
    )
    order_by: OrderKey | None = Field(
        None,
        description="What makes an image newer: pushed, created, first_seen, tagged_since,"
        " semver, int:NAME, text:NAME or date:NAME.",
        examples=["created"],
    )
    age_by: AgeKey = Field(
        AgeKey("pushed"),
        description="What age counts from: pushed, created, first_seen, tagged_since,"
        " untagged_since or date:NAME.",
        examples=["first_seen"],
    )

    @property
    def order(self) -> OrderKey:
        """The sort key in use: by default `semver` for a semver rule, else the push time."""
        return self.order_by or OrderKey("semver" if self.match.semver else "pushed")

    @property
    def facts(self) -> frozenset[Fact]:
        """The times that this rule reads."""
        read = (
            self.order.fact if self.keep.reads_order else None,
            self.age_by.fact if self.keep.reads_age else None,
        )
        return frozenset(fact for fact in read if fact)

    def flaws(self) -> Iterator[Flaw]:
        """Yield captures that the selector does not have, and an order that it cannot give."""
        known = self.match.captures | ({"major", "minor"} if self.match.semver else set())
        for position, name in enumerate(self.group_by):
            if name not in known:
                yield Flaw(("group_by", position), self._not_captured(name))
        for key, capture in (("order_by", self.order.capture), ("age_by", self.age_by.capture)):
            if capture and capture not in self.match.captures:
                yield Flaw((key,), self._not_captured(capture))
        if self.order == "semver" and not self.match.semver:
            yield Flaw(("order_by",), "only a rule with match: {semver: ...} can order by semver")

    def _not_captured(self, name: str) -> str:
        if name in ("major", "minor") and not self.match.regex:
            return f"{name!r} is read from versions; group by it under match: {{semver: ...}}"
        captures = ", ".join(sorted(self.match.captures)) or "none"
        return f"{name!r} is not captured by match; captures here: {captures}"


class Protection(PolicyPart):
    """Images that are kept whatever the rules say; by a protection, nothing expires."""

    name: Label = Field(
        description="The protection's name in plans and logs, unlike any other of the policy.",
        examples=["moving"],
    )
    match: Match | None = Field(
        None, description="Which images it protects.", examples=[{"tags": ["latest", "main"]}]
    )
    digests: tuple[Digest, ...] | None = Field(
        None,
        min_length=1,
        max_length=MAX_DIGESTS,
        description="The manifests it protects.",
        examples=[["sha256:" + "0" * 64]],
    )
    opaque: StrictBool = Field(
        False,  # noqa: FBT003 - a default of a field
        description="Whether these manifests are kept without being read: what they list is not"
        " protected by them.",
        examples=[True],
    )
    keep: Keep = Field(
        Keep(all=True),
        description="Which of the matching images it protects; by default all.",
        examples=[{"within": "90d"}],
    )

    @cached_property
    def rule(self) -> Rule | None:
        """The rule by which it keeps images; None for a list of digests."""
        # Built once: to validate it takes as long as to judge a small repository.
        return Rule(name=self.name, match=self.match, keep=self.keep) if self.match else None

    def flaws(self) -> Iterator[Flaw]:
        """Yield a protection without effect, and keys that it cannot have."""
        if (self.match is None) == (self.digests is None):
            got = "both" if self.match else "none"
            yield Flaw((), f"exactly one of match and digests is needed; got {got}")
        # The rest has no effect: its author believes in a protection that does not exist.
        if self.keep.none:
            message = "a protection that keeps nothing protects nothing; remove it"
            yield Flaw(("keep", "none"), message)
        if self.opaque and not self.digests:
            message = "'opaque' needs 'digests': name each manifest to keep unread, or remove it"
            yield Flaw(("opaque",), message)
        if self.digests and "keep" in self.model_fields_set:
            yield Flaw(("keep",), "'keep' has no effect beside 'digests'; remove it")
        if self.match is not None and self.match.rest:
            yield Flaw(("match", "rest"), "'rest' has no meaning in a protection; write any: true")
