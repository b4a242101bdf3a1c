"""The base of every value read from a file or the network: frozen, canonical JSON, safe text."""

import json
import re
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Any
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict

# The schemes are bounded so that a hostile text of any length is read in linear time.
_URL = re.compile(r"\b(\w{1,16}://)(?:[^\s/?#]*@)?([^\s?#]*)(?:[?#]\S*)?")

_MARK = re.compile(r"(#[^\x20-\x7e\n\r]*#[^\x20-\x7e\n\r]*)(?=\[)")
_LINE_COMMAND = re.compile(r"((?:\A|(?<=[\n\r]))[^\x21-\x7e\n\r]*:)(?=[^\x20-\x7e\n\r]*:)")
"""What the runner of GitHub Actions parses as a command; see `inert`."""

LOOPBACK = "127.0.0.1"
"""The canonical name of this machine, and the address to connect to."""

HUB = "docker.io"
"""The canonical name of Docker Hub. Source: distribution/reference, "normalize"."""

_HUB_HOSTS = frozenset({HUB, "index.docker.io", "registry-1.docker.io", "registry.hub.docker.com"})
_HUB_PREFIX = "library/"
"""The namespace of Docker Hub for images whose name has one part."""

_PORT = re.compile(r"(.*?)(?::([0-9]{1,5}))?", re.DOTALL)
_NUMBER = re.compile(r"[0-9]+|0[xX][0-9a-fA-F]*")
"""A last label with which a resolver reads the host as an IPv4 address, such as 127.1.
Source: WHATWG URL Standard, "host parsing", "ends in a number checker"."""


# Built once: `json.dumps` builds one for each call, which takes longer than a small document.
_ENCODER = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False)


class Frozen(BaseModel):
    """A value read from a file or the network: immutable, and without unknown fields."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True, defer_build=True)


def canonical(document: Any) -> bytes:
    """Write JSON in the form that is hashed: sorted keys, no spaces, UTF-8."""
    text = _ENCODER.encode(document)
    # A lone surrogate, which hostile JSON may hold, becomes the escape it came from.
    return text.encode("utf-8", "backslashreplace")


def safe(text: str) -> str:
    r"""Escape every character that a terminal interprets instead of printing it.

    Control characters (C0 and C1), line breaks, bidirectional and invisible marks become escapes
    such as `\x1b`, so that a hostile text stays on its line and cannot change the text beside it.
    """
    # The usual case, and much faster than a join.
    if text.isprintable():
        return text
    return "".join(
        letter if letter.isprintable() else letter.encode("unicode_escape").decode()
        for letter in text
    )


def public(text: str) -> str:
    """Remove the user, password, query and fragment from every URL in a text."""
    return _URL.sub(r"\1\2", text)


def inert(text: str) -> str:
    """Break up everything that the runner of GitHub Actions would parse as a command.

    A space is inserted into `::` at the start of a line, and into `##[` anywhere. White space and
    characters outside of ASCII are skipped, because the runner's comparison ignores some of them.

    Source: actions/runner, ActionCommand.cs, `TryParseV2` and `TryParse`.
    """
    return _LINE_COMMAND.sub(r"\1 ", _MARK.sub(r"\1 ", text))


def is_loopback(host: str) -> bool:
    """Whether a host, with or without a port, is this machine."""
    try:
        name = urlsplit(f"//{host}").hostname or ""
        return name == "localhost" or ip_address(name).is_loopback
    # Any other name is not resolved: what a name server answers must not decide about TLS.
    except ValueError:
        return False


@lru_cache(maxsize=1024)
def canonical_host(host: str) -> str:
    """Return the canonical name of a host.

    Letters become lower case, addresses get their short form, this machine is 127.0.0.1, Docker Hub
    is docker.io, and the default port is left out: 443, or 80 for this machine, which is used
    without TLS.

    Raises: ValueError, for an invalid port and for an ambiguous address.
    """
    match = _PORT.fullmatch(host.lower())
    name, digits = (match[1], match[2]) if match else (host.lower(), None)
    port = int(digits) if digits else 0
    if digits and not 0 < port < 65536:
        raise ValueError(f"there is no port {digits}")
    name = _canonical_name(name)
    # Docker, too, allows a registry on this machine to be used without TLS.
    usual = 80 if name == LOOPBACK else 443
    if name in _HUB_HOSTS and port in (0, usual):
        return HUB
    return f"{name}:{port}" if port and port != usual else name


def canonical_path(host: str, path: str) -> str:
    """Return the canonical name of a path in a registry, whose `host` is canonical.

    Docker Hub accepts names of one part for its own images. A pattern of one part means these.
    """
    is_short = host == HUB and "/" not in path and "**" not in path
    return f"{_HUB_PREFIX}{path}" if is_short else path


def _canonical_name(name: str) -> str:
    """Return the canonical name of a host without its port."""
    # Treated as one host: a policy for localhost must also govern what is pushed to 127.0.0.1.
    if name == "localhost":
        return LOOPBACK
    if not name.startswith("[") and not _NUMBER.fullmatch(name.rpartition(".")[2]):
        return name
    try:
        address = ip_address(name.removeprefix("[").removesuffix("]"))
    except ValueError:
        raise ValueError(f"{name} is no address in its usual form") from None
    # ::ffff:10.0.0.1 reaches the same server as 10.0.0.1. Source: RFC 4291, section 2.5.5.2.
    if isinstance(address, IPv6Address) and address.ipv4_mapped:
        address = address.ipv4_mapped
    if address in (IPv4Address(LOOPBACK), IPv6Address("::1")):
        return LOOPBACK
    # A server that listens on all addresses of this machine answers on each of these as well.
    if address.is_loopback or address.is_unspecified:
        raise ValueError(f"this machine is written {LOOPBACK} or localhost, and not {name}")
    return f"[{address}]" if isinstance(address, IPv6Address) else str(address)
