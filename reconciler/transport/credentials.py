"""Credentials, and where they came from."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeAlias


@dataclass(frozen=True, slots=True)
class Credential:
    """A user's name and password, or an identity token; the empty one is anonymous.

    Shape: `source` says for people where it was found. Nothing else is ever shown, not even
        the name, since some people are told to put their token there.
    """

    username: str = field(default="", repr=False)
    password: str = field(default="", repr=False)
    identity_token: str = field(default="", repr=False)
    source: str = "no credentials"

    @property
    def is_anonymous(self) -> bool:
        """Whether there is nothing to send."""
        return not (self.username or self.password or self.identity_token)


ANONYMOUS = Credential()

Credentials: TypeAlias = Callable[[str], Credential]
"""Finds the credential for a repository's path in one registry; the empty path is the catalogue."""


def anonymous(_: str) -> Credential:
    """Find none, for any repository."""
    return ANONYMOUS
