"""What a server answered, read whole, and the error codes a registry put into it."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from reconciler.errors import ProtocolError
from reconciler.model.display import public, safe

MAX_WORDS = 300
"""Longest text quoted from an answer, in characters."""


@dataclass(frozen=True, slots=True)
class Reply:
    """One answer. Shape: `headers` with lower-case names; `url` is where it came from."""

    method: str
    url: str
    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""

    @property
    def call(self) -> str:
        """The call as errors name it: no credentials, no query."""
        return f"{self.method} {public(self.url)}"

    @property
    def content_type(self) -> str:
        """The media type, without parameters."""
        return self.headers.get("content-type", "").partition(";")[0].strip()

    def json(self) -> Any:
        """Read the body as JSON.

        Raises: ProtocolError, when it is none.
        """
        try:
            return json.loads(self.body)
        except (ValueError, RecursionError) as error:
            raise ProtocolError(
                f"{self.call}: {self.status}, but not JSON: {self.words}"
            ) from error

    @property
    def errors(self) -> tuple[tuple[str, str], ...]:
        """The (code, message) pairs of a registry's error body; empty for any other body.

        Source: OCI distribution-spec v1.1, "Error Codes".
        """
        try:
            entries = json.loads(self.body)["errors"]
            return tuple((str(one["code"]), str(one.get("message") or "")) for one in entries)
        except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
            return ()

    @property
    def codes(self) -> frozenset[str]:
        """The error codes alone."""
        return frozenset(code for code, _ in self.errors)

    @property
    def words(self) -> str:
        """What the server says of an error, fit to be shown."""
        told = "; ".join(f"{code}: {message}" for code, message in self.errors)
        text = told or self.body[: 4 * MAX_WORDS].decode(errors="replace").strip()
        return safe(public(text[:MAX_WORDS]))
