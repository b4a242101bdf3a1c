"""What a rule keeps of the images it sees."""

from collections.abc import Iterator
from typing import Annotated

from pydantic import Discriminator, Field, Tag

from reconciler.model.language import Count, Flaw, PolicyPart, Switch
from reconciler.model.spans import Span

BUCKETS = ("hourly", "daily", "weekly", "monthly", "yearly")


def _written_as(limit: object) -> str:
    return "span" if isinstance(limit, str) else "count"


Limit = Annotated[
    Annotated[Count, Tag("count")] | Annotated[Span, Tag("span")], Discriminator(_written_as)
]
"""How many calendar buckets to keep, or how far back they reach."""


class Keep(PolicyPart):
    """What a rule keeps of the images it sees; any one reason is enough."""

    all: Switch | None = Field(None, description="Keep every image.", examples=[True])
    none: Switch | None = Field(
        None, description="Keep no image: everything the rule sees expires.", examples=[True]
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
        description="Keep this many of the newest that the other keys would let expire.",
        examples=[5],
    )

    @property
    def buckets(self) -> Iterator[tuple[str, Limit]]:
        """The calendar buckets asked for, finest first, each with its count or span."""
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
        """Yield reasons that are missing, or that another reason makes pointless."""
        given = [name for name in type(self).model_fields if getattr(self, name) is not None]
        if not given:
            words = (
                "keep must name at least one reason to keep;"
                " write keep: {none: true} to expire every match"
            )
            yield Flaw((), words)
        for lone in ("all", "none"):
            others = ", ".join(name for name in given if name != lone)
            if lone in given and others:
                yield Flaw((lone,), f"{lone!r} makes {others} pointless; remove one side")
        for name in given:
            limit = getattr(self, name)
            if isinstance(limit, Span) and not limit.delta:
                words = f"{name!r} of no time keeps nothing; write keep: {{none: true}}"
                yield Flaw((name,), words)
