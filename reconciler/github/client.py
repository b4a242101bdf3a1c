"""The client of GitHub's REST API: headers, tokens, rate limits and error responses.

Source: GitHub's OpenAPI description; "Rate limits for the REST API"; "Authenticating to the REST
API".
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Protocol

import httpx

from reconciler.errors import (
    AccessError,
    HiddenError,
    ProtocolError,
    ReconcilerError,
    UnreachableError,
)
from reconciler.model.base import safe
from reconciler.transport.auth import BearerAuth
from reconciler.transport.bounds import MAX_MESSAGE
from reconciler.transport.budget import WINDOW_SECONDS, Budget
from reconciler.transport.client import Client, connect
from reconciler.transport.limits import GITHUB, github_refusal
from reconciler.transport.pacing import LimitedTransport
from reconciler.transport.replies import pages, place
from reconciler.transport.retry import TEMPORARY, Retry
from reconciler.transport.watch import RunClock

HEADERS = {"accept": "application/vnd.github+json", "x-github-api-version": "2022-11-28"}
"""The headers of every request. Source: GitHub, "API Versions"."""

RETRY = Retry(statuses=TEMPORARY - {429})
"""A 429 is not retried: `LimitedTransport` has waited for the limit already."""

UNKNOWN_TOKEN = "GitHub does not know this token: it is expired, revoked or mistyped."  # noqa: S105
"""What a 401 means if a token was sent."""

# 304 is the answer to a conditional request whose ETag is current.
_READ = (200, 304)


class TokenKind(StrEnum):
    """The kinds of GitHub token, distinguished by their prefix; never the token itself.

    Source: GitHub, "GitHub's token formats".
    """

    NONE = "no token"
    ACTIONS = "a workflow or app token (ghs_)"
    CLASSIC = "a classic personal token (ghp_)"
    FINE_GRAINED = "a fine-grained personal token (github_pat_)"
    OTHER = "a token of another kind"

    @classmethod
    def of(cls, token: str) -> "TokenKind":
        """Return the kind of a token; the empty string is no token."""
        if not token:
            return cls.NONE
        kinds = (kind for prefix, kind in _PREFIXES.items() if token.startswith(prefix))
        return next(kinds, cls.OTHER)


_PREFIXES = {
    "ghs_": TokenKind.ACTIONS,
    "ghp_": TokenKind.CLASSIC,
    "github_pat_": TokenKind.FINE_GRAINED,
}


class Purpose(Protocol):
    """What a request is for; `str()` completes the message "GitHub refuses to ..."."""

    @property
    def denied(self) -> frozenset[int]:
        """The statuses with which GitHub reports, or hides, a missing right."""

    def hint(self, response: httpx.Response, kind: TokenKind) -> str:
        """Return what the user can do about a denied request."""


@dataclass(frozen=True, slots=True)
class GitHubClient:
    """One API, used with one token. Shape: paths begin with a slash and are encoded."""

    http: Client
    kind: TokenKind
    budget: Budget

    @classmethod
    def open(
        cls,
        api_url: str,
        token: str,
        watch: RunClock,
        *,
        points: int = GITHUB.allowed,
        minute: float = WINDOW_SECONDS,
        transport: httpx.BaseTransport | None = None,
    ) -> "GitHubClient":
        """Open an API with a token, which may be empty; nothing is sent yet.

        Units: `points` in a minute of its secondary limit; `minute` is how long that is, in
            seconds. Requests are sent through `transport` instead of the network, if given.
        """
        rules = replace(GITHUB, allowed=points)
        limited = LimitedTransport(transport or connect(api_url, watch), rules, watch, span=minute)
        auth = BearerAuth(token) if token else None
        http = Client(api_url, watch, transport=limited, auth=auth, retry=RETRY)
        return cls(http, TokenKind.of(token), limited.budget)

    def get(self, path: str, headers: Mapping[str, str] | None = None) -> httpx.Response:
        """Read a path; every status is returned."""
        return self.http.get(path, headers={**HEADERS, **(headers or {})})

    def read(
        self, path: str, purpose: Purpose, headers: Mapping[str, str] | None = None
    ) -> httpx.Response:
        """Read a path; the response is a 200, or a 304 to a conditional request.

        Raises: AccessError, UnreachableError, ProtocolError.
        """
        response = self.get(path, headers)
        if response.status_code not in _READ:
            raise failure(response, self.kind, purpose)
        return response

    def pages(self, path: str, purpose: Purpose) -> Iterator[httpx.Response]:
        """Read all pages of a listing, each when it is needed.

        Raises: AccessError, UnreachableError, ProtocolError.
        """
        return pages(lambda url: self.read(url, purpose), path)

    def write(self, method: str, path: str, body: object) -> httpx.Response:
        """Send a change as JSON, once; every status is returned.

        Raises: UnreachableError, when it is unknown whether the change was made.
        """
        headers = {**HEADERS, "content-type": "application/json"}
        return self.http.write(method, path, headers=headers, content=json.dumps(body).encode())

    def write_at_once(self, method: str, path: str) -> httpx.Response:
        """Send a change now, once, without waiting for a limit; every other status is returned.

        Raises: PostponedError, when a limit prevented it; UnreachableError, when it is unknown
            whether the change was made.
        """
        return self.http.write_at_once(method, path, headers=HEADERS)

    def close(self) -> None:
        """Close all connections."""
        self.http.close()


def reply_text(response: httpx.Response) -> str:
    """Return the message of an error response, shortened and escaped."""
    try:
        message = response.json()["message"]
    # The answer of a proxy may be any text.
    except (ValueError, RecursionError, LookupError, TypeError):
        message = response.text
    return safe(str(message).strip()[:MAX_MESSAGE])


def failure(response: httpx.Response, kind: TokenKind, purpose: Purpose) -> ReconcilerError:
    """Build the error for an unexpected response.

    It is AccessError, when a right is missing; UnreachableError, when a limit still refuses after
    all waiting; ProtocolError, for every other status.
    """
    text = f"{place(response)} {reply_text(response)!r}"
    # A limit has the same statuses as a missing right, so it is checked first.
    if github_refusal(response):
        return UnreachableError(
            f"{text}, after all waiting",
            hint="Wait for the limit to reset, or use a token with a higher one.",
        )
    if response.status_code in purpose.denied:
        return denied(response, kind, purpose)
    return ProtocolError(text)


def denied(response: httpx.Response, kind: TokenKind, purpose: Purpose) -> AccessError:
    """Build the error for a missing right: the purpose, the request, the token, and a hint."""
    kind_of_error = HiddenError if response.status_code == 404 else AccessError
    return kind_of_error(
        f"GitHub refuses to {purpose}: {place(response)} {reply_text(response)!r};"
        f" the request used {kind}",
        hint=purpose.hint(response, kind),
    )
