"""The opaque tokens that the registry issues, and what each of them opens."""

import secrets
from collections.abc import Set
from dataclasses import dataclass
from datetime import datetime

Grant = tuple[str, str]
"""A package path and an action: `pull` or `push`."""


@dataclass(frozen=True, slots=True)
class _Issued:
    """One token's rights and its end."""

    grants: Set[Grant]
    expires_at: datetime


class Tokens:
    """The registry tokens in circulation."""

    def __init__(self) -> None:
        """Begin with none."""
        self._issued: dict[str, _Issued] = {}

    def issue(self, grants: Set[Grant], expires_at: datetime) -> str:
        """Return a new token for these grants."""
        token = secrets.token_urlsafe(24)
        self._issued[token] = _Issued(grants, expires_at)
        return token

    def grants(self, token: str, now: datetime) -> Set[Grant] | None:
        """Return what a token opens; None when it is unknown or expired."""
        issued = self._issued.get(token)
        return issued.grants if issued and now < issued.expires_at else None

    def expire(self) -> None:
        """Let every token end now."""
        self._issued.clear()
