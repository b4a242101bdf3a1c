"""What a registry says when it refuses: its error codes and words, read as hostile text.

Source: OCI distribution-spec v1.1, "Error Codes".
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import httpx

from reconciler.model.display import safe

MAX_MESSAGE = 300
"""Longest text quoted from an answer, in characters."""

_ABSENT = frozenset({"MANIFEST_UNKNOWN", "BLOB_UNKNOWN", "NAME_UNKNOWN", "NOT_FOUND"})
"""Codes that say "not here". Source: the specification; NOT_FOUND is Harbor's."""


@dataclass(frozen=True, slots=True)
class RegistryError:
    """One error of an answer. Shape: `code` in capitals; both texts are fit to be shown."""

    code: str
    message: str = ""

    def __str__(self) -> str:
        """Show the code, and the message where there is one."""
        return f"{self.code}: {self.message}" if self.message else self.code


def errors_of(response: httpx.Response) -> tuple[RegistryError, ...]:
    """Read the errors of an answer; none where it does not hold any in the registry's format."""
    try:
        document = response.json()
    except (ValueError, RecursionError):
        return ()
    listed = document.get("errors") if isinstance(document, dict) else None
    return tuple(_errors(listed)) if isinstance(listed, list) else ()


def codes_of(response: httpx.Response) -> frozenset[str]:
    """Return the error codes of an answer."""
    return frozenset(error.code for error in errors_of(response))


def message_of(response: httpx.Response) -> str:
    """Quote what an answer says, in its errors or else in its text, bounded and harmless."""
    told = "; ".join(str(error) for error in errors_of(response))
    return _bounded(told or response.text.strip())


def says_absent(response: httpx.Response) -> bool:
    """Whether the registry itself says that what was asked for is not there.

    A bare 404 says no such thing: it may come from a proxy, or from a wrong address.
    """
    return response.status_code == 404 and bool(codes_of(response) & _ABSENT)


def _errors(listed: list[Any]) -> Iterator[RegistryError]:
    for entry in listed:
        if isinstance(entry, dict) and isinstance(code := entry.get("code"), str):
            message = entry.get("message")
            yield RegistryError(
                _bounded(code), _bounded(message) if isinstance(message, str) else ""
            )


def _bounded(text: str) -> str:
    return safe(text[:MAX_MESSAGE])
