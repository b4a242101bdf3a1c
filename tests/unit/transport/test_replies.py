"""Bodies are read whole, within bounds, as what they say."""

import gzip
import tracemalloc
from collections.abc import Callable, Iterator

import httpx
import pytest

from reconciler.errors import ProtocolError
from reconciler.transport.replies import json_of
from tests.support.scripted_server import Answers, client_of, streamed


class _Sent(httpx.SyncByteStream):
    """A body that comes in one piece, and was not decoded by anybody."""

    def __init__(self, body: bytes) -> None:
        """Keep the piece."""
        self._body = body

    def __iter__(self) -> Iterator[bytes]:
        """Give it."""
        yield self._body


def compressed(body: bytes) -> Callable[[httpx.Request], httpx.Response]:
    """Answer with bytes that are said to be compressed."""
    headers = {"content-encoding": "gzip"}
    return lambda _: httpx.Response(200, headers=headers, stream=_Sent(body))


def test_a_body_within_the_limit_is_read_whole() -> None:
    response = client_of(streamed(b"1234", b"5678")).get("/v2/", limit=8)

    assert response.content == b"12345678"


def test_a_body_beyond_the_limit_is_refused_while_it_comes() -> None:
    with pytest.raises(ProtocolError, match="answered 200, with more than 7 bytes"):
        client_of(streamed(b"1234", b"5678", b"never read")).get("/v2/", limit=7)


def test_a_small_body_that_swells_is_refused_by_what_it_becomes() -> None:
    body = gzip.compress(b"0" * 1_000_000)
    server = Answers([compressed(body)])

    with pytest.raises(ProtocolError, match="more than 100000 bytes"):
        client_of(server).get("/v2/", limit=100_000)


def test_a_body_that_swells_in_one_piece_never_fills_the_memory() -> None:
    server = Answers([compressed(gzip.compress(bytes(64 * 2**20)))])
    client = client_of(server)

    tracemalloc.start()
    try:
        with pytest.raises(ProtocolError, match="more than 100000 bytes"):
            client.get("/v2/", limit=100_000)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert peak < 2 * 2**20


def test_a_compressed_body_is_kept_as_what_it_says() -> None:
    body = gzip.compress(b"plain text")
    server = Answers([compressed(body)])

    response = client_of(server).get("/v2/")

    assert response.content == b"plain text"
    assert "content-encoding" not in response.headers


def test_a_body_that_is_not_compressed_as_it_says_is_an_error_of_the_server() -> None:
    server = Answers([compressed(b"plain")])

    with pytest.raises(ProtocolError, match="GET https://registry.example/v2/: "):
        client_of(server).get("/v2/")


def test_the_headers_of_an_answer_without_body_are_kept() -> None:
    headers = {"content-length": "1234", "docker-content-digest": "sha256:00"}
    server = Answers([lambda _: httpx.Response(200, headers=headers)])

    response = client_of(server).head("/v2/a/manifests/b")

    assert response.headers["content-length"] == "1234"
    assert response.headers["docker-content-digest"] == "sha256:00"


@pytest.mark.parametrize("body", [b"", b"<html>", b'{"a": ', b"[" * 100_000, b"\xff\xfe"])
def test_what_is_not_json_is_an_error_that_names_the_call(body: bytes) -> None:
    response = client_of(Answers([httpx.Response(200, content=body)])).get("/v2/_catalog")

    with pytest.raises(ProtocolError, match="GET https://registry.example/v2/_catalog answered"):
        json_of(response)
