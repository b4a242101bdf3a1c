"""The address of a state as the user gave it, and which parts of it are secret."""

import re
from dataclasses import dataclass, field
from urllib.parse import parse_qs, unquote

from reconciler.model.base import public, safe

_SEPARATOR = re.compile(r"[?#]")
_SHORTEST = 3
"""Shortest text that is masked as a secret, in characters: a shorter one is part of any word."""


@dataclass(frozen=True, slots=True)
class Address:
    """An address. Shape: `text` may contain a secret; the results of `str` and `repr` never do."""

    text: str = field(repr=False)

    def __str__(self) -> str:
        """Return it without user, password and query, except the folder of a branch."""
        if not self.scheme:
            return safe(self.text)
        # Only the folder of a branch is public; the query of another address may contain a key.
        folder = parse_qs(self._query).get("path", [""])[0] if self.scheme == "github" else ""
        return safe(f"{self.scheme}://{self._host}{f'?path={folder}' if folder else ''}")

    @property
    def scheme(self) -> str:
        """The text before `://`; empty for a directory."""
        scheme, separator, _ = self.text.partition("://")
        return scheme if separator else ""

    @property
    def has_secret(self) -> bool:
        """Whether it has a user, a password or a query."""
        return self.text.partition("://")[2] != self._host

    def without_secrets(self, text: str) -> str:
        """Mask this address and its secrets in the message of a library."""
        text = text.replace(self.text, str(self))
        user = self._rest.rpartition("@")[0]
        values = [user, user.partition(":")[2], self._query if self.scheme != "github" else ""]
        values += [value for values in parse_qs(self._query).values() for value in values]
        # Libraries quote an address percent-encoded or decoded.
        secrets = {
            spelling
            for value in values
            if self.scheme and len(value) >= _SHORTEST
            for spelling in (value, unquote(value))
        }
        # The longest first: one secret may contain another, and its rest would remain readable.
        for secret in sorted(secrets, key=len, reverse=True):
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
        """Return the host and the path, without user and password."""
        location = _SEPARATOR.split(self._rest)[0]
        if "@" in location:
            return location.rpartition("@")[2]
        # With a `?` in the password, its first part would be displayed as the host.
        return "***" if "@" in self._query else location
