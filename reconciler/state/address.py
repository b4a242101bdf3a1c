"""Where a state is, as somebody gave it: the one place that knows which part of it is a secret."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from urllib.parse import parse_qs, unquote

from reconciler.model.base import public, safe

_SEPARATOR = re.compile(r"[?#]")
_SHORTEST = 3
"""Shortest text that is looked for as a secret, in characters: less would mask every word."""


@dataclass(frozen=True, slots=True)
class Address:
    """A place. Shape: `text` may hold a secret; what `str` and `repr` give never does."""

    text: str = field(repr=False)

    def __str__(self) -> str:
        """Write it without user, password and query, of which only a folder of a branch is told."""
        if not self.scheme:
            return safe(self.text)
        folder = parse_qs(self._query).get("path", [""])[0] if self.scheme == "github" else ""
        return safe(f"{self.scheme}://{self._host}{f'?path={folder}' if folder else ''}")

    @property
    def scheme(self) -> str:
        """What stands before `://`; empty for a directory."""
        scheme, separator, _ = self.text.partition("://")
        return scheme if separator else ""

    @property
    def has_secret(self) -> bool:
        """Whether there is a user, a password or a query in it."""
        return self.text.partition("://")[2] != self._host

    def without_secrets(self, text: str) -> str:
        """Take this address and its secrets out of what a library says."""
        text = text.replace(self.text, str(self))
        for secret in sorted(self._secrets(), key=len, reverse=True):
            text = text.replace(secret, "***")
        return public(text)

    @property
    def _rest(self) -> str:
        return self.text.partition("://")[2]

    @property
    def _query(self) -> str:
        return self._rest[len(_SEPARATOR.split(self._rest)[0]) + 1 :]

    @property
    def _host(self) -> str:
        """Return the host and the path, after whatever may be a user and a password."""
        location = _SEPARATOR.split(self._rest)[0]
        if "@" in location:
            return location.rpartition("@")[2]
        # A password with a `?` in it is taken for a host, a port and a query.
        return "***" if "@" in self._query else location

    def _secrets(self) -> Iterator[str]:
        user = self._rest.rpartition("@")[0]
        values = [user, user.partition(":")[2], self._query if self.scheme != "github" else ""]
        values += [value for values in parse_qs(self._query).values() for value in values]
        for value in values:
            if self.scheme and len(value) >= _SHORTEST:
                yield from {value, unquote(value)}
