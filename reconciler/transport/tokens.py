"""Registry tokens: the challenge of a 401, which token servers to trust, and how to ask.

A registry names its token server itself, so a hostile one could name any. TLS proves who names it;
a name received over plain HTTP may come from anybody.

Source: distribution, docs/spec/auth/token.md and docs/spec/auth/oauth.md.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias
from urllib.request import parse_http_list

import httpx

from reconciler.errors import ProtocolError
from reconciler.model.base import is_loopback
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

_SCHEME = re.compile(r"([A-Za-z][!-+\--<>-~]*)(?:\s+(.*))?", re.DOTALL)
_PARAMETER = re.compile(r'([A-Za-z][\w-]*)\s*=\s*(?:"(.*)"|(.*))', re.DOTALL)

RealmRule: TypeAlias = Callable[[httpx.URL, httpx.URL], bool]
"""Tells, for a registry and a realm that it names, whether the realm may see credentials."""


@dataclass(frozen=True, slots=True)
class Challenge:
    """One way to authenticate. Shape: `scheme` and the names of parameters in lower case."""

    scheme: str
    parameters: Mapping[str, str] = field(default_factory=dict)

    @property
    def realm(self) -> str:
        """Where to ask for a token, for the scheme `bearer`."""
        return self.parameters.get("realm", "")

    @property
    def service(self) -> str:
        """The name of the registry at its token server."""
        return self.parameters.get("service", "")


def challenges_of(response: httpx.Response) -> tuple[Challenge, ...]:
    """Read all challenges of an answer, in its order; what cannot be read is left out.

    Source: RFC 9110, section 11.6.1.
    """
    return tuple(_challenges(response.headers.get("www-authenticate", "")))


def _challenges(header: str) -> Iterator[Challenge]:
    scheme, parameters = "", dict[str, str]()
    for part in parse_http_list(header):
        text = part
        if not _PARAMETER.fullmatch(part) and (named := _SCHEME.fullmatch(part)):
            if scheme:
                yield Challenge(scheme, parameters)
            scheme, parameters, text = named[1].lower(), {}, named[2] or ""
        if match := _PARAMETER.fullmatch(text):
            parameters.setdefault(match[1].lower(), match[2] or match[3] or "")
    if scheme:
        yield Challenge(scheme, parameters)


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


def _life(expires_in: Any) -> float:
    """Read how long a token lives, in seconds; a server that tells nonsense does not tell."""
    number = isinstance(expires_in, int | float) and not isinstance(expires_in, bool)
    return float(expires_in) if number and expires_in > 0 else LIFE_UNTOLD


def named_over_tls(registry: httpx.URL, realm: httpx.URL) -> bool:
    """Trust the registry's own host, and any that it names, TLS all the way.

    A registry on plain HTTP, which somebody has allowed, may name itself or this machine.
    """
    if registry.scheme == "https":
        return realm.scheme == "https"
    if realm.scheme == "http":
        return realm.host == registry.host or is_loopback(realm.host)
    return realm.scheme == "https" and realm.host == registry.host


def on_own_host(registry: httpx.URL, realm: httpx.URL) -> bool:
    """Trust the registry's own host only: for registries known to issue their tokens themselves."""
    return realm.host == registry.host and named_over_tls(registry, realm)
