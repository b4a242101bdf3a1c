"""Tokens of a registry: what to ask for, how to ask, and what comes back.

Source: distribution, docs/spec/auth/token.md and docs/spec/auth/oauth.md.
"""

import re
from dataclasses import dataclass, field
from typing import Any

import httpx

from reconciler.errors import ProtocolError
from reconciler.transport.challenges import Challenge
from reconciler.transport.credentials import Credential
from reconciler.transport.replies import json_of, place

LIFE_UNTOLD = 60.0
"""How long a token lives when its server does not say, in seconds."""

LIFE_USED = 0.9
"""The part of its life in which a token is used."""

_ENDPOINT = re.compile(r"/v2/(.+)/(?:manifests|blobs|tags|referrers)/[^/]+")
_CATALOGUE = "registry:catalog:*"
_ACTIONS = {"DELETE": "pull,delete", "PUT": "pull,push"}
_REFUSALS = frozenset({401, 403, 429, *range(500, 600)})
"""Answers of a token server that are passed on as they are."""


@dataclass(frozen=True, slots=True)
class Token:
    """A token, ready to be sent. Units: `stale_at` in seconds of a steady clock."""

    header: str = field(repr=False)
    stale_at: float


def scope_of(request: httpx.Request) -> str:
    """Name the least right that a request needs; the empty text where it needs none."""
    if request.url.path == "/v2/_catalog":
        return _CATALOGUE
    actions = _ACTIONS.get(request.method, "pull")
    repository = repository_in(request.url)
    return f"repository:{repository}:{actions}" if repository else ""


def repository_in(url: httpx.URL) -> str:
    """Return the repository's path that a registry's URL speaks of, empty where it is of none."""
    endpoint = _ENDPOINT.fullmatch(url.path)
    return endpoint[1] if endpoint else ""


def token_request(
    realm: httpx.URL, challenge: Challenge, scope: str, credential: Credential
) -> httpx.Request:
    """Ask a token server for a scope: with an identity token, a password, or nothing."""
    wanted = {"service": challenge.service, "scope": scope}
    asked = {name: value for name, value in wanted.items() if value}
    if credential.identity_token:
        grant = {"grant_type": "refresh_token", "refresh_token": credential.identity_token}
        return httpx.Request("POST", realm, data={**asked, **grant, "client_id": "reconciler"})
    request = httpx.Request("GET", realm.copy_merge_params(asked))
    if not credential.is_anonymous:
        next(httpx.BasicAuth(credential.username, credential.password).auth_flow(request))
    return request


def token_of(response: httpx.Response, now: float) -> Token | None:
    """Read a token server's answer; None where it refuses, for now or for good.

    Raises: ProtocolError, when it is neither a token nor a refusal.
    """
    if response.status_code in _REFUSALS:
        return None
    document = json_of(response) if response.status_code == 200 else None
    if not isinstance(document, dict):
        raise ProtocolError(f"{place(response)} instead of with a token")
    text = document.get("token") or document.get("access_token")
    if not (isinstance(text, str) and text and text.isascii() and text.isprintable()):
        raise ProtocolError(f"{place(response)} without a token")
    return Token(f"Bearer {text}", now + LIFE_USED * _life(document.get("expires_in")))


def _life(told: Any) -> float:
    """Read how long a token lives, in seconds; a server that tells nonsense does not tell."""
    number = isinstance(told, int | float) and not isinstance(told, bool)
    return float(told) if number and told > 0 else LIFE_UNTOLD
