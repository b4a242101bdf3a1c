"""No test leaves this machine: sockets reach loopback addresses only, whoever opens them."""

import ipaddress
import socket
import sys
from typing import Any

_LOOKUPS = {"socket.getaddrinfo", "socket.gethostbyname"}
_CALLS = {"socket.connect", "socket.sendto", "socket.sendmsg"}


def free_port() -> int:
    """Find a port that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port: int = taken.getsockname()[1]
        return port


class NetworkReachedError(AssertionError):
    """A test tried to speak with another machine."""


def forbid_network() -> None:
    """Refuse, for the life of this process, every address that is not loopback.

    An audit hook sees each connection and each name look-up, also those of libraries that
    keep their own reference to `socket`. It cannot be taken back, and no test should want to.
    """
    sys.addaudithook(_watch)


def _watch(event: str, arguments: tuple[Any, ...]) -> None:
    if event in _LOOKUPS:
        _require_loopback(arguments[0])
    elif event in _CALLS and isinstance(arguments[1], tuple):  # a plain text is a Unix socket
        _require_loopback(arguments[1][0])


def _require_loopback(host: str | bytes | None) -> None:
    """Let loopback addresses and their name pass; no host at all means loopback, too.

    Raises: NetworkReachedError, for any other host.
    """
    text = host.decode() if isinstance(host, bytes) else host
    if text in (None, "", "localhost"):
        return
    try:
        address = ipaddress.ip_address(text or "")
    except ValueError:
        raise NetworkReachedError(f"a test looked up {text}") from None
    if not address.is_loopback and not address.is_unspecified:
        raise NetworkReachedError(f"a test spoke to {text}")
