"""A registry on loopback of which one repository answers as no registry should, without end."""

import gzip
import json
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count

from tests.support.oci import document

Attack = Callable[["Handler"], None]

GOOD = document("image")
"""The one image of every other repository, which has the tag `v1`."""


_HONEST = json.dumps({"tags": ["v1"]}).encode()
_PAUSE = threading.Event()


@dataclass
class Clock:
    """A steady clock that moves on by some seconds whenever somebody looks at it."""

    step: float = 1.0
    _looks: Iterator[int] = field(default_factory=count)

    def __call__(self) -> float:
        """Tell the time in seconds."""
        return next(self._looks) * self.step


class HostileServer(ThreadingHTTPServer):
    """Answers about `evil/...` as an attack does, and about all else as a plain registry."""

    daemon_threads = True

    def __init__(self, attack: Attack) -> None:
        """Bind a free port."""
        super().__init__(("127.0.0.1", 0), Handler)
        self.attack = attack
        self.attacked = 0

    @property
    def host(self) -> str:
        """The host and port."""
        return f"127.0.0.1:{self.server_port}"


class Handler(BaseHTTPRequestHandler):
    """One connection of a client."""

    protocol_version = "HTTP/1.1"
    server: HostileServer

    def respond(self) -> None:
        """Answer one request."""
        if self.path.startswith("/v2/evil/"):
            self.server.attacked += 1
            try:
                self.server.attack(self)
            except (BrokenPipeError, ConnectionResetError):
                self.close_connection = True
            return
        if "/tags/list" in self.path:
            self.give(_HONEST)
        elif "/referrers/" in self.path:
            self.give(b"404 page not found", status=404)
        else:
            headers = {"Docker-Content-Digest": GOOD.digest, "Content-Type": GOOD.media_type}
            self.give(GOOD.content, headers)

    do_GET = do_HEAD = do_DELETE = respond  # noqa: N815 - http.server

    def give(
        self, body: bytes, headers: Mapping[str, str] | None = None, status: int = 200
    ) -> None:
        """Send one whole answer."""
        self.send_response_only(status)
        for name, value in {**(headers or {}), "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def drip(self, *pieces: bytes) -> None:
        """Send one piece after the other, slowly: a client reads each by itself."""
        self.close_connection = True
        for piece in pieces:
            self.wfile.write(piece)
            _PAUSE.wait(0.001)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - http.server's name
        """Say nothing."""


def _dripped(text: bytes) -> tuple[bytes, ...]:
    return tuple(text[index : index + 1] for index in range(len(text)))


def dripping_head(handler: Handler) -> None:
    """Send an honest answer, and the bytes of a header one by one."""
    start, end = b"HTTP/1.1 200 OK\r\nX-Slow: ", b"\r\nContent-Length: %d\r\n\r\n" % len(_HONEST)
    handler.drip(start, *_dripped(b"x" * 500), end, _HONEST)


def dripping_body(handler: Handler) -> None:
    """Send an honest answer, and the bytes of its body one by one."""
    body = b" " * 500 + _HONEST
    handler.drip(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body), *_dripped(body))


def dripping_chunks(handler: Handler) -> None:
    """Send an honest answer in one chunk whose length has many digits, one by one."""
    start = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    length = b"%x;" % len(_HONEST) + b"x" * 500
    handler.drip(start, *_dripped(length), b"\r\n", _HONEST, b"\r\n0\r\n\r\n")


def continuing(handler: Handler) -> None:
    """Send an honest answer, after saying again and again that it is about to come."""
    last = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(_HONEST)
    handler.drip(*[b"HTTP/1.1 100 Continue\r\n\r\n"] * 500, last, _HONEST)


def _encoded(body: bytes, codings: str) -> Attack:
    return lambda handler: handler.give(body, {"Content-Encoding": codings})


SWELLING: Mapping[str, Attack] = {
    "gzip": _encoded(gzip.compress(bytes(64 * 2**20)), "gzip"),
    "gzip twice": _encoded(gzip.compress(gzip.compress(bytes(64 * 2**20))), "gzip, gzip"),
    "deflate": _encoded(b"x", "deflate"),
    "brotli": _encoded(b"x", "br"),
    "many codings": _encoded(b"x", ", ".join(["gzip"] * 1000)),
}
"""Bodies that are more than was asked for once they are decoded."""


def circling(handler: Handler) -> None:
    """Link every page to the same next one."""
    link = {"Link": '</v2/evil/web/tags/list?n=1000&last=a>; rel="next"'}
    handler.give(b'{"tags": ["a"]}', link)


def endless_pages(handler: Handler) -> None:
    """Link every page to a new one, each with new names."""
    number = handler.server.attacked
    tags = [f"t{number}-{index}" for index in range(1000)]
    link = {"Link": f'</v2/evil/web/tags/list?n=1000&last={number}>; rel="next"'}
    handler.give(json.dumps({"tags": tags}).encode(), link)


def long_links(handler: Handler) -> None:
    """Link to a page whose address is as long as a header may be."""
    address = f"/v2/evil/web/tags/list?last={'a' * 50_000}{handler.server.attacked}"
    handler.give(b'{"tags": []}', {"Link": f'<{address}>; rel="next"'})


def codec(handler: Handler) -> None:
    """Refuse in words whose character set is a compression of Python's."""
    handler.give(b"denied", {"Content-Type": "text/plain; charset=zlib"}, 400)


@contextmanager
def hostile_server(attack: Attack) -> Iterator[HostileServer]:
    """Serve until the block ends."""
    with HostileServer(attack) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()
