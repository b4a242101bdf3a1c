"""Addresses: which server one belongs to, and how it is shown."""

from typing import TypeAlias

import httpx

from reconciler.model.display import public, safe

Origin: TypeAlias = tuple[str, str, int]
"""Scheme, host and port: what a credential belongs to. Source: RFC 6454."""

_PORTS = {"http": 80, "https": 443}


def origin(url: httpx.URL) -> Origin:
    """Return the server that a URL belongs to; a port that goes without saying is said."""
    return url.scheme, url.host, url.port or _PORTS.get(url.scheme, 0)


def registry_url(host: str, *, plain_http: bool) -> str:
    """Return the address of a registry, without TLS only where that is allowed."""
    return f"{'http' if plain_http else 'https'}://{host}"


def request_text(request: httpx.Request) -> str:
    """Name a request for people: method and URL, without the secrets that a URL can hold."""
    return f"{request.method} {safe(public(str(request.url)))}"
