"""Parse GitHub's JSON of packages and versions; a missing member is an error, never a default.

Source: GitHub's OpenAPI description, schemas `package` and `package-version`.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import httpx

from reconciler.errors import InvalidNameError, ProtocolError
from reconciler.model.inventory import Version
from reconciler.model.names import Digest, Tag
from reconciler.providers.ghcr.pages import PAGE_SIZE
from reconciler.transport.replies import json_of, place


@dataclass(frozen=True, slots=True)
class PackageRow:
    """One container package. Shape: `name` may contain slashes, and does not include the owner."""

    name: str
    version_count: int
    visibility: str


def rows_of(response: httpx.Response) -> Sequence[Mapping[str, Any]]:
    """Return the rows of a listing.

    Raises: ProtocolError, when the response is not a list of objects.
    """
    rows = json_of(response)
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise ProtocolError(f"{place(response)}: the response is not a list of objects")
    return rows


def page_of(response: httpx.Response) -> tuple[tuple[Version, ...], tuple[int, ...]]:
    """Return the versions of one page in its order, and the ids of rows whose name is no digest.

    No index or subject can refer to such a row, and it has no manifest that refers to others.

    Raises: ProtocolError, when it has more rows than were requested, or a row is no version.
    """
    rows = rows_of(response)
    if len(rows) > PAGE_SIZE:
        raise ProtocolError(f"{place(response)}: {len(rows)} rows, but {PAGE_SIZE} were requested")
    try:
        unnamed = tuple(int(row["id"]) for row in rows if not _has_digest(row))
    except (LookupError, TypeError, ValueError, OverflowError) as error:
        raise ProtocolError(f"{place(response)}: not a container version: {error}") from error
    return tuple(_versions(response, filter(_has_digest, rows))), unnamed


def versions_of(response: httpx.Response) -> tuple[Version, ...]:
    """Return the versions of one page, in its order.

    Raises: as `page_of`.
    """
    return page_of(response)[0]


def version_of(response: httpx.Response) -> Version:
    """Return the version in a response."""
    (version,) = _versions(response, [_object(response)])
    return version


def package_of(response: httpx.Response) -> PackageRow:
    """Return the package in a response."""
    return _package(response, _object(response))


def packages_of(response: httpx.Response) -> tuple[PackageRow, ...]:
    """Return the packages of one page."""
    return tuple(_package(response, row) for row in rows_of(response))


def text_of(response: httpx.Response, member: str) -> str:
    """Return one member of an object, which must be a string."""
    text = _object(response).get(member)
    if not isinstance(text, str):
        raise ProtocolError(f"{place(response)}: the response has no string `{member}`")
    return text


def _has_digest(row: Mapping[str, Any]) -> bool:
    """Whether the name of a row is a digest; a row without a name fails when it is parsed."""
    name = row.get("name")
    return not isinstance(name, str) or Digest.fits(name)


def _versions(response: httpx.Response, rows: Iterable[Mapping[str, Any]]) -> Iterator[Version]:
    for row in rows:
        try:
            yield _version(row)
        except (InvalidNameError, LookupError, TypeError, ValueError, OverflowError) as error:
            raise ProtocolError(f"{place(response)}: not a container version: {error}") from error


def _version(row: Mapping[str, Any]) -> Version:
    """Parse one row; one without a list of tags is an error, since it may be tagged."""
    tags = row["metadata"]["container"]["tags"]
    if not isinstance(tags, list):
        raise TypeError("`tags` is not a list")
    pushed = datetime.fromisoformat(row["created_at"])
    if pushed.tzinfo is None:
        raise ValueError("`created_at` has no time zone")
    return Version(
        digest=Digest(row["name"]),
        tags=tuple(sorted({Tag(tag) for tag in tags})),
        id=str(int(row["id"])),
        pushed=pushed.astimezone(UTC),
    )


def _package(response: httpx.Response, row: Mapping[str, Any]) -> PackageRow:
    try:
        return PackageRow(
            str(row["name"]), int(row["version_count"]), str(row.get("visibility", ""))
        )
    except (LookupError, TypeError, ValueError, OverflowError) as error:
        raise ProtocolError(f"{place(response)}: not a package: {error}") from error


def _object(response: httpx.Response) -> Mapping[str, Any]:
    document = json_of(response)
    if not isinstance(document, dict):
        raise ProtocolError(f"{place(response)}: the response is not an object")
    return document
