"""Requests without a proxy: connections, bodies, bounds on time, and how failures are named."""

import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from reconciler.errors import StoppedError
from reconciler.transport.bounds import ANSWER_SECONDS, KEPT_SECONDS, LAST_SECONDS
from reconciler.transport.direct import DirectTransport, TimedSocket
from reconciler.transport.watch import RunClock
from tests.support.time import NOON, VirtualTime

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
CLOSE = b"<end>"
"""Where an answer ends in this, the server closes the connection."""

TRUSTED = ssl.create_default_context()

LIMITS = {"connect": 5.0, "read": 30.0, "write": 30.0, "pool": 5.0}


class Server:
    """Answers each request on loopback with the next of its answers, byte by byte as given."""

    def __init__(self, answers: list[bytes], context: ssl.SSLContext | None = None) -> None:
        """Listen; an empty answer closes the connection."""
        self.answers = answers
        self.requests: list[bytes] = []
        self.connections = 0
        self._context = context
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"{'https' if context else 'http'}://127.0.0.1:{self.port}"
        threading.Thread(target=self._serve, daemon=True).start()

    @property
    def port(self) -> int:
        """The port it listens on."""
        return int(self._listener.getsockname()[1])

    def close(self) -> None:
        """Stop listening."""
        self._listener.close()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            threading.Thread(target=self._converse, args=(connection,), daemon=True).start()

    def _converse(self, connection: socket.socket) -> None:
        try:
            if self._context:
                connection = self._context.wrap_socket(connection, server_side=True)
            with connection:
                while request := connection.recv(65536):
                    if request.endswith(b"\r\n\r\n") and b"Content-Length: " in request:
                        request += connection.recv(65536)  # a body may come by itself
                    self.requests.append(request)
                    answer = self.answers.pop(0)
                    connection.sendall(answer.removesuffix(CLOSE))
                    if not answer or answer.endswith(CLOSE):
                        return
        except OSError:
            return


@contextmanager
def server_with(*answers: bytes) -> Iterator[Server]:
    """Serve answers in their order."""
    server = Server(list(answers))
    yield server
    server.close()


@contextmanager
def transport(
    time: VirtualTime | None = None, trusted: ssl.SSLContext | None = None
) -> Iterator[DirectTransport]:
    """Open a transport, and close it after."""
    watch = time.watch() if time else RunClock(lambda: NOON)
    through = DirectTransport(watch, trusted or TRUSTED, connections=2)
    yield through
    through.close()


def send(through: DirectTransport, url: str, method: str = "GET", content: bytes = b"") -> str:
    """Send one request and return the body of its answer."""
    request = httpx.Request(method, url, content=content or None, extensions={"timeout": LIMITS})
    response = through.handle_request(request)
    try:
        return b"".join(response.iter_raw()).decode()
    finally:
        response.close()


def test_requests_share_a_connection() -> None:
    with server_with(OK, OK, OK) as server, transport() as through:
        bodies = [send(through, f"{server.url}/{n}") for n in range(3)]

        assert bodies == ["ok"] * 3
        assert server.connections == 1


def test_a_request_is_sent_as_it_was_built() -> None:
    with server_with(OK) as server, transport() as through:
        send(through, f"{server.url}/v2/a%2Fb?n=1", "PUT", b"content")

        head, _, body = server.requests[0].partition(b"\r\n\r\n")
        lines = head.decode().split("\r\n")
        assert lines[0] == "PUT /v2/a%2Fb?n=1 HTTP/1.1"
        assert sorted(lines[1:]) == ["Content-Length: 7", f"Host: 127.0.0.1:{server.port}"]
        assert body == b"content"


def test_a_chunked_body_is_read_to_its_end() -> None:
    chunked = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n1\r\n!\r\n0\r\n\r\n"
    with server_with(chunked, OK) as server, transport() as through:
        assert [send(through, server.url) for _ in range(2)] == ["ok!", "ok"]
        assert server.connections == 1


def test_headers_that_appear_twice_are_both_kept() -> None:
    twice = b"HTTP/1.1 200 OK\r\nLink: a\r\nLink: b\r\nContent-Length: 0\r\n\r\n"
    with server_with(twice) as server, transport() as through:
        request = httpx.Request("GET", server.url, extensions={"timeout": LIMITS})
        response = through.handle_request(request)
        response.close()

        assert response.headers.get_list("link") == ["a", "b"]


def test_a_connection_that_the_server_closed_is_not_used_again() -> None:
    with server_with(OK + CLOSE, OK) as server, transport() as through:
        send(through, server.url)
        _until(lambda: server.connections == 1 and len(server.answers) == 1)
        threading.Event().wait(0.05)  # until the end of the connection has arrived

        assert send(through, server.url, "DELETE") == "ok"
        assert server.connections == 2
        assert len(server.requests) == 2


def test_a_connection_that_sent_what_nobody_asked_for_is_not_used_again() -> None:
    stray = b"HTTP/1.1 204 No Content\r\n\r\n"
    with server_with(OK, OK) as server, transport() as through:
        send(through, server.url)
        (kept,) = through._idle.values()
        kept.socket.inner.close()
        client, theirs = socket.socketpair()
        with client, theirs:
            kept.socket.inner = client
            theirs.sendall(stray)

            assert send(through, server.url) == "ok"
            assert server.connections == 2


def test_a_connection_is_not_used_again_after_a_pause() -> None:
    time = VirtualTime()
    with server_with(OK, OK) as server, transport(time) as through:
        send(through, server.url)
        time.pass_by(KEPT_SECONDS + 1)
        send(through, server.url)

        assert server.connections == 2


def test_a_response_that_was_not_read_ends_its_connection() -> None:
    with server_with(OK, OK) as server, transport() as through:
        request = httpx.Request("GET", server.url, extensions={"timeout": LIMITS})
        through.handle_request(request).close()

        assert send(through, server.url) == "ok"
        assert server.connections == 2


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(b"", id="none"),
        pytest.param(b"no HTTP at all\r\n\r\n" + CLOSE, id="not HTTP"),
        pytest.param(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nok" + CLOSE, id="cut short"),
        pytest.param(
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\nok" + CLOSE, id="cut chunk"
        ),
        pytest.param(
            b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 4\r\n\r\nokok",
            id="two lengths",
        ),
        pytest.param(b"HTTP/1.1 200 OK\r\nContent-Length: -2\r\n\r\nok", id="no length"),
        pytest.param(
            b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
            id="length and chunks",
        ),
        pytest.param(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: br\r\n\r\nok", id="unknown coding"),
        pytest.param(b"HTTP/1.1 200 OK\r\nno header\r\n\r\nok" + CLOSE, id="broken header"),
    ],
)
def test_an_answer_that_is_not_whole_or_not_clear_is_an_error(answer: bytes) -> None:
    with (
        server_with(answer) as server,
        transport() as through,
        pytest.raises(httpx.RemoteProtocolError),
    ):
        send(through, server.url)


def test_without_a_server_nothing_was_sent() -> None:
    # Bound, so that the port is nobody else's, but not listening.
    with socket.socket() as bound, transport() as through:
        bound.bind(("127.0.0.1", 0))
        with pytest.raises(httpx.ConnectError, match="refused"):
            send(through, f"http://127.0.0.1:{bound.getsockname()[1]}/")


def test_a_certificate_is_checked(tmp_path: Path) -> None:
    authority, served = _certificate(tmp_path)
    server = Server([OK], served)
    trusted = ssl.create_default_context(cafile=authority)

    with transport() as through, pytest.raises(httpx.ConnectError, match="verify failed"):
        send(through, server.url)
    with transport(trusted=trusted) as through:
        assert send(through, server.url) == "ok"
        with pytest.raises(httpx.ConnectError, match="(?i)hostname mismatch"):
            send(through, server.url.replace("127.0.0.1", "localhost"))
    server.close()


class Drip:
    """A socket on which a byte comes every so many seconds, of a time that the test moves."""

    def __init__(self, time: VirtualTime, pause: float) -> None:
        """Let a pause pass before each byte."""
        self._time = time
        self._pause = self._ahead = pause

    def recv_into(self, buffer: memoryview) -> int:
        """Receive a byte, or wait for a second."""
        waited = min(self._ahead, 1.0)
        self._time.pass_by(waited)
        assert self._time.seconds < 2_000, "the answer never ends"
        self._ahead -= waited
        if self._ahead > 0:
            raise TimeoutError("silence")
        self._ahead = self._pause
        buffer[:1] = b"x"
        return 1


def timed(time: VirtualTime, pause: float, check: Callable[[], None] = lambda: None) -> TimedSocket:
    """Return a socket that drips."""
    inner: Any = Drip(time, pause)
    watch = RunClock(lambda: NOON, lambda: time.seconds, lambda _: check())
    timed = TimedSocket(inner, watch)
    timed.read_seconds = 30.0
    return timed


def read_on(connection: TimedSocket) -> None:
    """Read until it fails."""
    while connection.recv_into(memoryview(bytearray(10))):
        pass


@pytest.mark.parametrize("pause", [0.1, 0.9, 29.0])
def test_bytes_that_keep_coming_do_not_make_an_answer_last(pause: float) -> None:
    time = VirtualTime()

    with pytest.raises(httpx.ReadTimeout, match="takes too long"):
        read_on(timed(time, pause))

    assert time.seconds == pytest.approx(ANSWER_SECONDS, abs=1)


def test_a_silence_ends_an_answer_before_its_time() -> None:
    time = VirtualTime()

    with pytest.raises(httpx.ReadTimeout, match="silence"):
        read_on(timed(time, 1_000))

    assert time.seconds == pytest.approx(30, abs=1)


@pytest.mark.parametrize("pause", [0.5, 29.0])
def test_an_answer_under_way_has_seconds_left_once_the_run_is_to_stop(pause: float) -> None:
    time = VirtualTime()

    def stop() -> None:
        if time.seconds >= 40:
            raise StoppedError("interrupted")

    with pytest.raises(httpx.ReadTimeout):
        read_on(timed(time, pause, stop))

    assert 40 + LAST_SECONDS <= time.seconds <= 42 + LAST_SECONDS


def _until(condition: Callable[[], bool]) -> None:
    for _ in range(200):
        if condition():
            return
        threading.Event().wait(0.01)
    raise AssertionError("it never happened")


def _certificate(folder: Path) -> tuple[Path, ssl.SSLContext]:
    """Return an authority, and what a server at 127.0.0.1 that it vouches for answers with."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "test authority")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False
        )
        .sign(key, hashes.SHA256())
    )
    pem = certificate.public_bytes(serialization.Encoding.PEM)
    secret = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    (folder / "authority.pem").write_bytes(pem)
    (folder / "server.pem").write_bytes(secret + pem)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "server.pem")
    return folder / "authority.pem", context
