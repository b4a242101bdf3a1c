"""What is wrong in policy files: every problem at its place, in words that say the cure."""

from collections.abc import Iterable
from dataclasses import dataclass

from reconciler.errors import PolicyError


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """One thing to correct. Units: line and column count from 1; 0 stands for the whole file."""

    path: str
    line: int
    column: int
    where: str
    """Policy, rule and key as the file names them; empty when it lies outside of all."""

    message: str

    def __str__(self) -> str:
        """Write the problem on one line, as compilers do."""
        position = f":{self.line}:{self.column}" if self.line else ""
        return ": ".join(part for part in (self.path + position, self.where, self.message) if part)


class PolicyProblems(PolicyError):  # noqa: N818 - it is the problems, all of them
    """Policy files cannot be accepted, and here is all that is wrong with them."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        """Keep the problems in the order of files and lines; the message has a line for each."""
        self.problems = tuple(sorted(problems))
        super().__init__("\n".join(map(str, self.problems)))
