"""Parts of the policy language: names, sort keys, numbers; and problems with their place."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal, NamedTuple, Self

from pydantic import BeforeValidator, Field, StrictInt, ValidationError, model_validator
from pydantic_core import InitErrorDetails, PydanticCustomError

from reconciler.errors import PolicyError
from reconciler.model.base import Frozen
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
        """The group of the regular expression that it reads; empty if it reads a time."""
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
    """Refuse values that are equal to true but are not true, such as 1."""
    if value is not True:
        raise PydanticCustomError("switch", "can only be true")
    return value


Count = Annotated[StrictInt, Field(ge=1, le=1_000_000)]
Switch = Annotated[Literal[True], BeforeValidator(_only_true)]
"""A key that can only be true; leave it out for the opposite."""


class Flaw(NamedTuple):
    """A conflict between keys that are each valid. Shape: `at` is the path of the wrong key."""

    at: tuple[str | int, ...]
    message: str


class PolicyPart(Frozen):
    """A part of a policy that reports all its flaws at once, each at its own key."""

    def flaws(self) -> Iterator[Flaw]:
        """Yield the conflicts between its keys."""
        yield from ()

    @model_validator(mode="after")
    def _refuse_flaws(self) -> Self:
        # One `ValueError` would name no key, and hide all conflicts but the first.
        problems = [
            InitErrorDetails(
                type=PydanticCustomError("flaw", "{text}", {"text": flaw.message}),
                loc=flaw.at,
                input=None,
            )
            for flaw in self.flaws()
        ]
        if problems:
            raise ValidationError.from_exception_data(type(self).__name__, problems)
        return self


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """One mistake in a file. Units: line and column count from 1; 0 means the whole file."""

    path: str
    line: int
    column: int
    where: str
    """Policy, rule and key as the file names them; empty outside of all policies."""

    message: str

    def __str__(self) -> str:
        """Return the problem on one line, as compilers print it."""
        position = f":{self.line}:{self.column}" if self.line else ""
        return ": ".join(part for part in (self.path + position, self.where, self.message) if part)


class PolicyProblems(PolicyError):  # noqa: N818 - it is the problems, all of them
    """Policy files are invalid; the error lists every problem."""

    def __init__(self, problems: Iterable[Problem], *, hint: str = "") -> None:
        """Keep the problems in the order of files and lines; the message has a line for each."""
        self.problems = tuple(sorted(problems))
        super().__init__("\n".join(map(str, self.problems)), hint=hint)
