"""Pages that a server strings together with `Link` headers, followed on its own host only."""

import re
from collections.abc import Mapping
from urllib.parse import urljoin, urlsplit

from reconciler.errors import ProtocolError
from reconciler.model.display import public

MAX_PAGES = 20_000
"""Most pages of one listing; more is a server that goes in circles."""

_LINK = re.compile(r"<([^<>]{1,4096})>([^<]*)")
_REL = re.compile(r";\s*rel\s*=\s*(?:\"([^\"]*)\"|([^\s;,\"]+))", re.IGNORECASE)


def links(header: str, url: str) -> Mapping[str, str]:
    """Read a `Link` header: each relation and the absolute URL it leads to.

    Raises: ProtocolError, when a URL leads to another host, where no credential of ours belongs.
    Source: RFC 8288, "Web Linking".
    """
    found: dict[str, str] = {}
    for target, parameters in _LINK.findall(header):
        for quoted, plain in _REL.findall(parameters):
            for relation in (quoted or plain).lower().split():
                found.setdefault(relation, _own(urljoin(url, target), url))
    return found


def origin(url: str) -> tuple[str, str, int]:
    """Return scheme, host and port, by which one server is told from another."""
    parts = urlsplit(url)
    standard = 443 if parts.scheme == "https" else 80
    return parts.scheme, (parts.hostname or "").lower(), parts.port or standard


def _own(target: str, url: str) -> str:
    if origin(target) != origin(url):
        raise ProtocolError(
            f"{public(url)}: its Link header leads to another host, {public(target)}",
            hint="Nothing was sent there. Check the registry's address and any proxy before it.",
        )
    return target
