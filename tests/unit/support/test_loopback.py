"""The guard that keeps every test on this machine."""

import socket

import httpx
import pytest

from tests.support.loopback import NetworkReachedError


def test_a_name_outside_is_not_even_looked_up() -> None:
    with pytest.raises(NetworkReachedError, match="a test looked up ghcr.io"):
        httpx.get("https://ghcr.io/v2/", trust_env=False)


@pytest.mark.parametrize(
    ("family", "address"),
    [(socket.AF_INET, ("192.0.2.1", 443)), (socket.AF_INET6, ("2001:db8::1", 443))],
)
def test_an_address_outside_is_refused(family: int, address: tuple[str, int]) -> None:
    with (
        socket.socket(family, socket.SOCK_STREAM) as opened,
        pytest.raises(NetworkReachedError, match="a test spoke to"),
    ):
        opened.connect(address)


def test_a_datagram_outside_is_refused() -> None:
    with (
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as opened,
        pytest.raises(NetworkReachedError, match="a test spoke to 192.0.2.1"),
    ):
        opened.sendto(b"", ("192.0.2.1", 53))


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_this_machine_is_allowed(host: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]

        with socket.create_connection((host, port)) as connected:
            assert connected.getpeername() == ("127.0.0.1", port)
