"""Registry tokens: parse the challenge of a 401, decide on the token server, request a token.

A registry names its token server in the challenge, so a hostile one could name any. TLS proves
that the registry named it; over plain HTTP, the challenge may come from any machine in between.

Source: distribution, docs/spec/auth/token.md and docs/spec/auth/oauth.md.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TypeAlias
from urllib.request import parse_http_list

import httpx

from reconciler.errors import ProtocolError
from reconciler.model.base import is_loopback
from reconciler.transport.credentials import Credential
from reconciler.transport.replies import json_of, place

DEFAULT_LIFE = 60.0
"""Life of a token without `expires_in`, in seconds. Source: docs/spec/auth/token.md."""

LIFE_USED = 0.9
"""The part of its life in which a token is used: a request must not outlive its token."""

_ENDPOINT = re.compile(r"/v2/(.+)/(?:manifests|blobs|tags|referrers)/[^/]+")
_CATALOGUE = "registry:catalog:*"
_ACTIONS = {"DELETE": "pull,delete", "PUT": "pull,push"}
_REFUSALS = frozenset({401, 403, 429, *range(500, 600)})
"""Statuses of a token server that become the response to the request."""

_SCHEME = re.compile(r"([A-Za-z][!-+\--<>-~]*)(?:\s+(.*))?", re.DOTALL)
_PARAMETER = re.compile(r'([A-Za-z][\w-]*)\s*=\s*(?:"(.*)"|(.*))', re.DOTALL)

RealmRule: TypeAlias = Callable[[httpx.URL, httpx.URL], bool]
"""Decides whether credentials may be sent to the realm that a registry named."""


@dataclass(frozen=True, slots=True)
class Challenge:
    """One way to authenticate. Shape: `scheme` and the names of parameters in lower case."""

    scheme: str
    parameters: Mapping[str, str] = field(default_factory=dict)

    @property
    def realm(self) -> str:
        """The address of the token server, for the scheme `bearer`."""
        return self.parameters.get("realm", "")

    @property
    def service(self) -> str:
        """The name of the registry at its token server."""
        return self.parameters.get("service", "")


def challenges_of(response: httpx.Response) -> tuple[Challenge, ...]:
    """Parse all challenges of a response, in its order; invalid ones are left out.

    Source: RFC 9110, section 11.6.1.
    """
    challenges: list[Challenge] = []
    scheme, parameters = "", dict[str, str]()
    # The comma separates challenges and also the parameters of one: a part that is no parameter
    # begins the next challenge.
    for part in parse_http_list(response.headers.get("www-authenticate", "")):
        text = part
        if not _PARAMETER.fullmatch(part) and (named := _SCHEME.fullmatch(part)):
            if scheme:
                challenges.append(Challenge(scheme, parameters))
            scheme, parameters, text = named[1].lower(), {}, named[2] or ""
        if match := _PARAMETER.fullmatch(text):
            # The first of two parameters with one name counts: none can replace the realm.
            parameters.setdefault(match[1].lower(), match[2] or match[3] or "")
    if scheme:
        challenges.append(Challenge(scheme, parameters))
    return tuple(challenges)


@dataclass(frozen=True, slots=True)
class Token:
    """A token, ready to be sent. Units: `stale_at` in seconds of a monotonic clock."""

    header: str = field(repr=False)
    stale_at: float


def scope_of(request: httpx.Request) -> str:
    """Return the smallest scope that a request needs; empty if it needs none.

    Source: distribution, docs/spec/auth/scope.md.
    """
    if request.url.path == "/v2/_catalog":
        return _CATALOGUE
    actions = _ACTIONS.get(request.method, "pull")
    repository = repository_in(request.url.path)
    return f"repository:{repository}:{actions}" if repository else ""


# Each request needs it several times.
@lru_cache(maxsize=256)
def repository_in(path: str) -> str:
    """Return the path of the repository that the path of a registry's URL names; empty for none."""
    endpoint = _ENDPOINT.fullmatch(path)
    return endpoint[1] if endpoint else ""


def token_request(
    realm: httpx.URL, challenge: Challenge, scope: str, credential: Credential
) -> httpx.Request:
    """Build the request for a token: with an identity token, a password, or anonymous."""
    wanted = {"service": challenge.service, "scope": scope}
    asked = {name: value for name, value in wanted.items() if value}
    if credential.identity_token:
        # The specification requires a `client_id`, which may be the name of the program.
        grant = {"grant_type": "refresh_token", "refresh_token": credential.identity_token}
        return httpx.Request("POST", realm, data={**asked, **grant, "client_id": "reconciler"})
    request = httpx.Request("GET", realm.copy_merge_params(asked))
    if not credential.is_anonymous:
        next(httpx.BasicAuth(credential.username, credential.password).auth_flow(request))
    return request


def token_of(response: httpx.Response, now: float) -> Token | None:
    """Parse the response of a token server; None if it refuses, for now or for good.

    Raises: ProtocolError, when it is neither a token nor a refusal.
    """
    if response.status_code in _REFUSALS:
        return None
    document = json_of(response) if response.status_code == 200 else None
    if not isinstance(document, dict):
        raise ProtocolError(f"{place(response)}, but the body is not a token response")
    # Servers with OAuth2 send the second name, older ones the first; some send both.
    text = document.get("token") or document.get("access_token")
    # It becomes a header, in which a line break would begin another one.
    if not (isinstance(text, str) and text and text.isascii() and text.isprintable()):
        raise ProtocolError(f"{place(response)} without a token")
    # An invalid life counts as none; `true` is a number to Python.
    life = document.get("expires_in")
    if not isinstance(life, int | float) or isinstance(life, bool) or not life > 0:
        life = DEFAULT_LIFE
    return Token(f"Bearer {text}", now + LIFE_USED * float(life))


def trust_over_tls(registry: httpx.URL, realm: httpx.URL) -> bool:
    """Trust any token server with TLS that a registry with TLS names.

    A registry on plain HTTP, which the user has allowed, may name only itself or this machine.
    """
    if registry.scheme == "https":
        return realm.scheme == "https"
    if realm.scheme == "http":
        return realm.host == registry.host or is_loopback(realm.host)
    return realm.scheme == "https" and realm.host == registry.host


def trust_own_host(registry: httpx.URL, realm: httpx.URL) -> bool:
    """Trust the registry's own host only: for registries that issue their tokens themselves."""
    return realm.host == registry.host and trust_over_tls(registry, realm)
