"""What every part of a policy is made of: names, sort keys, numbers, and flaws told together."""

import re
from collections.abc import Iterator
from typing import Annotated, ClassVar, Literal, NamedTuple, Self

from pydantic import BeforeValidator, Field, StrictInt, ValidationError, model_validator
from pydantic_core import InitErrorDetails, PydanticCustomError

from reconciler.model.frozen import Frozen
from reconciler.model.inventory import Fact
from reconciler.model.names import Name

MAX_PATTERNS = 200
"""Most patterns in one list of a rule."""


class Label(Name):
    """The name of a policy or rule, as it appears in reasons and logs."""

    __slots__ = ()

    _kind: ClassVar[str] = "name (lower-case letters, digits and dashes, at most 63)"
    _grammar: ClassVar[re.Pattern[str]] = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")


_FACTS = {str(fact.value): fact for fact in Fact}


class OrderKey(Name):
    """What a rule sorts by: a time, the version, or a captured text read as a type."""

    __slots__ = ()

    _kind: ClassVar[str] = (
        "sort key (pushed, created, first_seen, tagged_since, semver, int:NAME, text:NAME"
        " or date:NAME)"
    )
    _grammar: ClassVar[re.Pattern[str]] = re.compile(
        r"pushed|created|first_seen|tagged_since|semver|(?:int|text|date):[A-Za-z_]\w{0,63}"
    )

    @property
    def capture(self) -> str:
        """The group of the regular expression it reads, empty when it reads a fact."""
        return self.partition(":")[2]

    @property
    def fact(self) -> Fact | None:
        """The time it reads from the version, if it does."""
        return _FACTS.get(self)


class AgeKey(OrderKey):
    """What a rule counts age from: a time of the version, or a date in its tag."""

    __slots__ = ()

    _kind: ClassVar[str] = (
        "way to count age (pushed, created, first_seen, tagged_since, untagged_since or date:NAME)"
    )
    _grammar: ClassVar[re.Pattern[str]] = re.compile(
        r"pushed|created|first_seen|tagged_since|untagged_since|date:[A-Za-z_]\w{0,63}"
    )


def _only_true(value: object) -> object:
    """Refuse whatever merely equals true, such as 1."""
    if value is not True:
        raise PydanticCustomError("switch", "can only be true")
    return value


Count = Annotated[StrictInt, Field(ge=1, le=1_000_000)]
Switch = Annotated[Literal[True], BeforeValidator(_only_true)]
"""A key that says something by standing there; to say the opposite, leave it out."""


class Flaw(NamedTuple):
    """Keys that are each in order and do not go together. Shape: `at` leads to the culprit."""

    at: tuple[str | int, ...]
    message: str


class PolicyPart(Frozen):
    """A part of a policy that tells all its flaws at once, each at its own key."""

    def flaws(self) -> Iterator[Flaw]:
        """Yield what does not go together."""
        yield from ()

    @model_validator(mode="after")
    def _refuse_flaws(self) -> Self:
        found = [
            InitErrorDetails(
                type=PydanticCustomError("flaw", "{text}", {"text": flaw.message}),
                loc=flaw.at,
                input=None,
            )
            for flaw in self.flaws()
        ]
        if found:
            raise ValidationError.from_exception_data(type(self).__name__, found)
        return self
