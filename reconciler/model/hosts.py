"""Hosts: the one name of each, and which of them are this machine itself."""

import re
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, ip_address
from urllib.parse import urlsplit

LOOPBACK = "127.0.0.1"
"""The one name of this machine, which is also what is connected to."""

HUB = "docker.io"
"""The one name of Docker Hub. Source: distribution/reference, "normalize"."""

_HUB_HOSTS = frozenset({HUB, "index.docker.io", "registry-1.docker.io", "registry.hub.docker.com"})
_HUB_PREFIX = "library/"
"""Where Docker Hub keeps images whose name has one part."""

_PORT = re.compile(r"(.*?)(?::([0-9]{1,5}))?", re.DOTALL)
_NUMBER = re.compile(r"[0-9]+|0[xX][0-9a-fA-F]*")
"""A last label that makes a host an address to whoever looks it up, as 127.1 is.
Source: WHATWG URL Standard, "host parsing", "ends in a number checker"."""


def is_loopback(host: str) -> bool:
    """Whether a host, with or without a port, is this machine itself."""
    try:
        name = urlsplit(f"//{host}").hostname or ""
        return name == "localhost" or ip_address(name).is_loopback
    except ValueError:
        return False


@lru_cache(maxsize=1024)
def canonical_host(host: str) -> str:
    """Return the one name of a host, whatever spelling of it is given.

    Letters are lower case, addresses are written in their short form, this machine is 127.0.0.1,
    Docker Hub is docker.io, and a port that goes without saying is left out: 443, or 80 for this
    machine, which is spoken to without TLS.

    Raises: ValueError, for a port that no server has and an address with more than one meaning.
    """
    match = _PORT.fullmatch(host.lower())
    name, digits = (match[1], match[2]) if match else (host.lower(), None)
    port = int(digits) if digits else 0
    if digits and not 0 < port < 65536:
        raise ValueError(f"there is no port {digits}")
    name = _canonical_name(name)
    usual = 80 if name == LOOPBACK else 443
    if name in _HUB_HOSTS and port in (0, usual):
        return HUB
    return f"{name}:{port}" if port and port != usual else name


def canonical_path(host: str, path: str) -> str:
    """Return the one name of a path in a registry, whose `host` is canonical.

    Docker Hub lets its own images be named by one part. A pattern of one part stands for these.
    """
    is_short = host == HUB and "/" not in path and "**" not in path
    return f"{_HUB_PREFIX}{path}" if is_short else path


def _canonical_name(name: str) -> str:
    """Return the one name of a host without its port."""
    if name == "localhost":
        return LOOPBACK
    if not name.startswith("[") and not _NUMBER.fullmatch(name.rpartition(".")[2]):
        return name
    try:
        address = ip_address(name.removeprefix("[").removesuffix("]"))
    except ValueError:
        raise ValueError(f"{name} is no address in its usual form") from None
    if isinstance(address, IPv6Address) and address.ipv4_mapped:
        address = address.ipv4_mapped
    if address in (IPv4Address(LOOPBACK), IPv6Address("::1")):
        return LOOPBACK
    # A server on all addresses of this machine would answer under each of these as well.
    if address.is_loopback or address.is_unspecified:
        raise ValueError(f"this machine is written {LOOPBACK} or localhost, and not {name}")
    return f"[{address}]" if isinstance(address, IPv6Address) else str(address)
