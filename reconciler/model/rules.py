"""The parts of a policy that judge images: selectors, what to keep, rules and protections.

The fields are the syntax of the policy file; `docs/policies.md` explains them to its writers.
"""

import re
from collections.abc import Iterator
from typing import Annotated, ClassVar, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, StrictInt, model_validator

from reconciler.model.inventory import Fact
from reconciler.model.names import Digest, Name
from reconciler.model.patterns import TagGlob, TagRegex, TypeGlob
from reconciler.model.semver import SemVerRange
from reconciler.model.spans import Span

SELECTORS = ("tags", "regex", "semver", "untagged", "any", "rest")
BUCKETS = ("hourly", "daily", "weekly", "monthly", "yearly")

Count = Annotated[StrictInt, Field(ge=1, le=1_000_000)]


class Frozen(BaseModel):
    """A value read from outside: nothing may be added to it, nothing changed."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)


class Label(Name):
    """The name of a policy or rule, as it appears in reasons and logs."""

    __slots__ = ()

    _kind: ClassVar[str] = "name (lower-case letters, digits and dashes, at most 63)"
    _grammar: ClassVar[re.Pattern[str]] = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")


class OrderKey(Name):
    """What a rule sorts by: a time, the version, or a captured text read as a type."""

    __slots__ = ()

    _kind: ClassVar[str] = (
        "sort key (pushed, created, first_seen, semver, int:NAME, text:NAME or date:NAME)"
    )
    _grammar: ClassVar[re.Pattern[str]] = re.compile(
        r"pushed|created|first_seen|semver|(?:int|text|date):[A-Za-z_]\w{0,63}"
    )

    @property
    def capture(self) -> str:
        """The group of the regular expression it reads, empty when it reads a fact."""
        return self.partition(":")[2]

    @property
    def fact(self) -> Fact | None:
        """The time it reads from the version, if it does."""
        return next((fact for fact in Fact if fact.value == self), None)


class AgeKey(OrderKey):
    """What a rule counts age from: a time of the version, or a date in its tag."""

    __slots__ = ()

    _kind: ClassVar[str] = "age (pushed, created, first_seen, untagged_since or date:NAME)"
    _grammar: ClassVar[re.Pattern[str]] = re.compile(
        r"pushed|created|first_seen|untagged_since|date:[A-Za-z_]\w{0,63}"
    )


class Match(Frozen):
    """Which images a rule sees: exactly one selector, and filters that narrow it."""

    tags: tuple[TagGlob, ...] | None = Field(None, min_length=1)
    regex: TagRegex | None = None
    semver: SemVerRange | None = None
    prerelease: Literal["exclude", "include", "only"] | None = None
    untagged: Literal[True] | None = None
    any: Literal[True] | None = None
    rest: Literal[True] | None = None
    except_: tuple[TagGlob, ...] = Field((), alias="except")
    with_: tuple[TagGlob, ...] = Field((), alias="with")
    without: tuple[TagGlob, ...] = ()
    every_tag: bool = False
    artifact_type: TypeGlob | None = None

    @property
    def selector(self) -> str:
        """The name of its one selector."""
        return self._given[0]

    @property
    def label(self) -> str:
        """The selector in a few characters, for reasons."""
        return str(self.semver or ", ".join(self.patterns) or self.selector)

    @property
    def reads_tags(self) -> bool:
        """Whether the selector picks tags rather than whole images."""
        return self.selector in ("tags", "regex", "semver")

    @property
    def captures(self) -> frozenset[str]:
        """The names that `group_by`, `order_by` and `age_by` may use."""
        return self.regex.captures if self.regex else frozenset()

    @property
    def patterns(self) -> tuple[TagGlob | TagRegex, ...]:
        """The patterns of its selector; for `semver` and whole-image selectors there are none."""
        return self.tags or ((self.regex,) if self.regex else ())

    @property
    def _given(self) -> list[str]:
        return [name for name in SELECTORS if getattr(self, name) is not None]

    @model_validator(mode="after")
    def _check(self) -> Self:
        if len(self._given) != 1:
            got = ", ".join(self._given) or "none"
            raise ValueError(f"exactly one selector of {', '.join(SELECTORS)} is needed; got {got}")
        if self.prerelease and not self.semver:
            raise ValueError("'prerelease' belongs to 'semver'; remove it or match by semver")
        if self.untagged:
            self._refuse_tag_filters()
        return self

    def _refuse_tag_filters(self) -> None:
        useless = [
            name.rstrip("_")
            for name in ("except_", "with_", "without", "every_tag")
            if getattr(self, name)
        ]
        if useless:
            raise ValueError(f"an untagged image has no tags, so remove {', '.join(useless)}")


class Keep(Frozen):
    """What a rule keeps of the images it sees; any one reason is enough."""

    all: Literal[True] | None = None
    none: Literal[True] | None = None
    last: Count | None = None
    within: Span | None = None
    hourly: Count | Span | None = None
    daily: Count | Span | None = None
    weekly: Count | Span | None = None
    monthly: Count | Span | None = None
    yearly: Count | Span | None = None
    extra: Count | None = None

    @property
    def buckets(self) -> Iterator[tuple[str, int | Span]]:
        """The calendar buckets asked for, finest first, each with its count or span."""
        for name in BUCKETS:
            limit: int | Span | None = getattr(self, name)
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

    @model_validator(mode="after")
    def _check(self) -> Self:
        given = [name for name in type(self).model_fields if getattr(self, name) is not None]
        if not given:
            raise ValueError(
                "keep must name at least one reason to keep;"
                " write keep: {none: true} to expire every match"
            )
        for lone in ("all", "none"):
            others = [name for name in given if name != lone]
            if lone in given and others:
                raise ValueError(f"'{lone}' makes {', '.join(others)} pointless; remove one side")
        if self.within is not None and not self.within.delta:
            raise ValueError("'within' of no time keeps nothing; write keep: {none: true}")
        return self


class Rule(Frozen):
    """Covers the images its `match` selects and says which of them to keep; others expire."""

    name: Label
    match: Match
    keep: Keep
    group_by: tuple[str, ...] = ()
    order_by: OrderKey | None = None
    age_by: AgeKey = AgeKey("pushed")

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

    @model_validator(mode="after")
    def _check(self) -> Self:
        known = self.match.captures
        groups = ("major", "minor") if self.match.semver else ()
        wanted = [*self.group_by, self.order.capture, self.age_by.capture]
        for name in wanted:
            if name and name not in known and name not in groups:
                captures = ", ".join(sorted(known)) or "none"
                raise ValueError(f"{name!r} is not captured by match; captures here: {captures}")
        if self.order == "semver" and not self.match.semver:
            raise ValueError("order_by: semver needs match: {semver: ...}")
        return self


class Protection(Frozen):
    """Images that are kept whatever the rules say; it never expires anything."""

    name: Label
    match: Match | None = None
    digests: tuple[Digest, ...] | None = Field(None, min_length=1)
    keep: Keep = Keep(all=True)

    @property
    def rule(self) -> Rule | None:
        """The rule that says which images it keeps; None for a list of digests."""
        return Rule(name=self.name, match=self.match, keep=self.keep) if self.match else None

    @model_validator(mode="after")
    def _check(self) -> Self:
        if (self.match is None) == (self.digests is None):
            raise ValueError("a protection needs either 'match' or 'digests'")
        if self.keep.none:
            raise ValueError("a protection that keeps nothing protects nothing; remove it")
        if self.match is not None and self.match.rest:
            raise ValueError("'rest' has no meaning in a protection; write any: true")
        return self
