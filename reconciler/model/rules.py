"""Rules and protections: an image is judged by the one and spared by the other.

The fields are the syntax of the policy file; `docs/policies.md` explains them to its writers.
"""

from collections.abc import Iterator

from pydantic import Field, StrictBool

from reconciler.model.inventory import Fact
from reconciler.model.keep import Keep
from reconciler.model.language import MAX_PATTERNS, AgeKey, Flaw, Label, OrderKey, PolicyPart
from reconciler.model.match import Match
from reconciler.model.names import Digest

MAX_DIGESTS = 1_000
"""Most digests in one protection."""


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
        description="Which of them stay; any one reason is enough.", examples=[{"last": 10}]
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
        """The sort key in force: `semver` for a semver rule, else the time of the push."""
        return self.order_by or OrderKey("semver" if self.match.semver else "pushed")

    @property
    def facts(self) -> frozenset[Fact]:
        """The times without which this rule cannot be judged."""
        read = (
            self.order.fact if self.keep.reads_order else None,
            self.age_by.fact if self.keep.reads_age else None,
        )
        return frozenset(fact for fact in read if fact)

    def flaws(self) -> Iterator[Flaw]:
        """Yield captures that the selector does not catch, and an order it cannot give."""
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
    """Images that are kept whatever the rules say; it never expires anything."""

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
        description="The very manifests it protects.",
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
        description="Which of the matching images it protects; all unless said otherwise.",
        examples=[{"within": "90d"}],
    )

    @property
    def rule(self) -> Rule | None:
        """The rule that says which images it keeps; None for a list of digests."""
        return Rule(name=self.name, match=self.match, keep=self.keep) if self.match else None

    def flaws(self) -> Iterator[Flaw]:
        """Yield a protection of nothing, or of something that rules cannot say."""
        if (self.match is None) == (self.digests is None):
            got = "both" if self.match else "none"
            yield Flaw((), f"exactly one of match and digests is needed; got {got}")
        if self.keep.none:
            words = "a protection that keeps nothing protects nothing; remove it"
            yield Flaw(("keep", "none"), words)
        if self.opaque and not self.digests:
            words = "'opaque' needs 'digests': name each manifest to keep unread, or remove it"
            yield Flaw(("opaque",), words)
        if self.digests and "keep" in self.model_fields_set:
            yield Flaw(("keep",), "'keep' has no effect beside 'digests'; remove it")
        if self.match is not None and self.match.rest:
            yield Flaw(("match", "rest"), "'rest' has no meaning in a protection; write any: true")
