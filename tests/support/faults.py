"""What can go wrong between a client and a server, as values."""

import math
from dataclasses import dataclass, field
from enum import Enum, auto
from fnmatch import fnmatchcase


@dataclass(frozen=True)
class Request:
    """What a client asked for; `path` has its query, as it stood in the request line."""

    method: str
    path: str

    def matches(self, method: str, path: str) -> bool:
        """Compare with a method (`*` is any) and a glob whose `*` crosses slashes."""
        return method in ("*", self.method) and fnmatchcase(self.path, path)


class Break(Enum):
    """How a connection ends without an answer."""

    BEFORE = auto()
    """The server never hears of the request."""
    AFTER = auto()
    """The server does what it was asked, and only its answer is lost."""


@dataclass
class Fault:
    """What happens to matching requests: a status instead of an answer, or a broken connection."""

    effect: int | Break
    method: str = "*"
    path: str = "*"
    after: int = 0
    """How many matching requests pass before it strikes."""
    times: float = math.inf
    """How many requests it strikes."""
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""

    def strikes(self, request: Request) -> bool:
        """Say whether a request is hit; both counts go down as requests match."""
        if not request.matches(self.method, self.path):
            return False
        if self.after > 0:
            self.after -= 1
            return False
        self.times -= 1
        return self.times >= 0
