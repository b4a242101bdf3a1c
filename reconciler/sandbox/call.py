"""One HTTP call as the handlers read it, error responses, and pages with a `Link` header."""

import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote, urlencode

from starlette.datastructures import Headers, QueryParams
from starlette.requests import Request
from starlette.responses import Response

Pause = Callable[[], Awaitable[None]]
"""What a service awaits between admitting a call and handling it: latency and faults."""

_DOCUMENTATION = "https://docs.github.com/rest/packages/packages"

DEFAULT_PAGE = 30
MAX_PAGE = 100
"""Rows of a page. Source: GitHub's OpenAPI description."""


@dataclass(frozen=True, slots=True)
class Call:
    """One HTTP call.

    Shape: `target` is the path with its query as sent; `segments` is the path split at its
        slashes and only then decoded, so that an encoded slash does not split a segment.
    """

    method: str
    target: str
    segments: tuple[str, ...]
    query: QueryParams
    headers: Headers
    body: bytes

    @classmethod
    def of(cls, request: Request, body: bytes) -> "Call":
        """Read a call from its request."""
        raw_path: bytes = request.scope["raw_path"]
        path, query = raw_path.decode("latin-1"), request.scope["query_string"].decode("latin-1")
        target = f"{path}?{query}" if query else path
        segments = tuple(unquote(segment) for segment in path.split("/")[1:])
        return cls(request.method, target, segments, request.query_params, request.headers, body)

    @property
    def base_url(self) -> str:
        """The base URL that the caller used."""
        return f"http://{self.host}"

    @property
    def host(self) -> str:
        """The host and port that the caller asked for."""
        return self.headers.get("host", "localhost")

    @property
    def credential(self) -> tuple[str, str]:
        """The scheme in lower case and the credential; both empty without any."""
        scheme, _, credential = self.headers.get("authorization", "").partition(" ")
        return scheme.lower(), credential.strip()

    def number(self, name: str, default: int) -> int:
        """Return a query parameter that should be a positive number."""
        text = self.query.get(name, "")
        return int(text) if text.isascii() and text.isdigit() and int(text) > 0 else default


class RefusedError(Exception):
    """An error response that ends the handling of a call."""

    def __init__(self, response: Response) -> None:
        """Carry the answer to the caller."""
        super().__init__(f"status {response.status_code}")
        self.response = response


def json_response(
    content: Any, status: int = 200, headers: Mapping[str, str] | None = None
) -> Response:
    """Answer with JSON, in UTF-8 like both servers."""
    body = json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode()
    return Response(body, status, headers, media_type="application/json; charset=utf-8")


def github_refusal(
    status: int, message: str, headers: Mapping[str, str] | None = None
) -> RefusedError:
    """Refuse in the form of GitHub's REST API."""
    error = {"message": message, "documentation_url": _DOCUMENTATION, "status": str(status)}
    return RefusedError(json_response(error, status, headers))


def registry_refusal(
    status: int, code: str, message: str, headers: Mapping[str, str] | None = None
) -> RefusedError:
    """Refuse in the form of the OCI distribution specification."""
    errors = {"errors": [{"code": code, "message": message}]}
    return RefusedError(json_response(errors, status, headers))


@dataclass(frozen=True, slots=True)
class PageRequest:
    """One requested page; numbers begin at 1."""

    number: int
    size: int

    @classmethod
    def of(cls, call: Call) -> "PageRequest":
        """Read the page from a call's query, as leniently as GitHub."""
        size = min(call.number("per_page", DEFAULT_PAGE), MAX_PAGE)
        return cls(call.number("page", 1), size)

    @property
    def slice(self) -> slice:
        """The slice of all rows that is this page."""
        start = (self.number - 1) * self.size
        return slice(start, start + self.size)

    def link(self, call: Call, path: str, total: int) -> dict[str, str]:
        """Return the `Link` header for this page of `total` rows, if there are others."""
        # Rounded up; an empty listing has one page, too.
        last = max(-(-total // self.size), 1)
        here = min(self.number, last + 1)  # far beyond the end, `prev` is the last page
        pages = {}
        if here > 1:
            pages["prev"] = here - 1
        if here < last:
            pages |= {"next": here + 1, "last": last}
        if here > 1:
            pages["first"] = 1
        query = dict(call.query)
        parts = [
            f'<{call.base_url}/{path}?{urlencode(query | {"page": str(page)})}>; rel="{rel}"'
            for rel, page in pages.items()
        ]
        return {"link": ", ".join(parts)} if parts else {}
