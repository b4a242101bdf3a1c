"""GitHub's REST API: headers, tokens, errors and rate limits.

Source: GitHub's OpenAPI description, and "Rate limits for the REST API".
"""

from dataclasses import replace
from enum import StrEnum

import httpx

from reconciler.model.base import safe
from reconciler.transport.auth import BearerAuth
from reconciler.transport.bounds import MAX_MESSAGE
from reconciler.transport.client import Client, connect
from reconciler.transport.limits import GITHUB
from reconciler.transport.pacing import WINDOW_SECONDS, Budget, LimitedTransport
from reconciler.transport.retry import TEMPORARY, Retry
from reconciler.transport.watch import RunClock

HEADERS = {"accept": "application/vnd.github+json", "x-github-api-version": "2022-11-28"}
"""What every call says."""

RETRY = Retry(statuses=TEMPORARY - {429})
"""A 429 is waited for by the limits; more tries would only repeat all their waiting."""


class TokenKind(StrEnum):
    """The kinds of GitHub token, told apart by their prefix; never the token itself."""

    NONE = "no token"
    ACTIONS = "a workflow or app token (ghs_)"
    CLASSIC = "a classic personal token (ghp_)"
    FINE_GRAINED = "a fine-grained personal token (github_pat_)"
    OTHER = "a token of another kind"

    @classmethod
    def of(cls, token: str) -> "TokenKind":
        """Tell the kind of a token; the empty text is none."""
        if not token:
            return cls.NONE
        kinds = (kind for prefix, kind in _PREFIXES.items() if token.startswith(prefix))
        return next(kinds, cls.OTHER)


_PREFIXES = {
    "ghs_": TokenKind.ACTIONS,
    "ghp_": TokenKind.CLASSIC,
    "github_pat_": TokenKind.FINE_GRAINED,
}


def open_github(
    api_url: str,
    token: str,
    watch: RunClock,
    *,
    points: int = GITHUB.allowed,
    minute: float = WINDOW_SECONDS,
) -> tuple[Client, Budget]:
    """Open an API with one token, which may be empty; nothing is sent yet.

    Units: `points` in a minute of its secondary limit; `minute` is how long that is, in seconds.
    """
    rules = replace(GITHUB, allowed=points)
    limited = LimitedTransport(connect(api_url, watch), rules, watch, span=minute)
    auth = BearerAuth(token) if token else None
    return Client(api_url, watch, transport=limited, auth=auth, retry=RETRY), limited.budget


def reply_text(response: httpx.Response) -> str:
    """Return GitHub's own words for a refusal, shortened and without terminal controls."""
    try:
        message = response.json()["message"]
    except (ValueError, RecursionError, LookupError, TypeError):
        message = response.text
    return safe(str(message).strip()[:MAX_MESSAGE])
