"""HTTP/1.1 to servers that are reached without a proxy, on the standard library's client.

Reads are limited by the processor, and this client takes a fifth of the time of httpcore's: see
docs/performance.md. What the two would read differently is refused here.
"""

import io
import select
import socket
import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException, HTTPResponse
from typing import Any

import httpx

from reconciler.transport.bounds import GLANCE_SECONDS, KEPT_SECONDS
from reconciler.transport.deadline import ResponseDeadline
from reconciler.transport.replies import Origin, origin
from reconciler.transport.watch import RunClock

_PIECE = 64 * 1024
"""How much of a body is read at once, in bytes: most documents are smaller."""


class DirectTransport(httpx.BaseTransport):
    """A few connections, at most one for each server; it sends one request at a time."""

    def __init__(self, watch: RunClock, certificates: ssl.SSLContext, connections: int) -> None:
        """Keep up to `connections` open, which are opened when they are needed."""
        self._watch = watch
        self._certificates = certificates
        self._most = connections
        self._idle: dict[Origin, _Connection] = {}

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request and return the response, whose body is not read yet.

        Raises: httpx.ConnectError and httpx.ConnectTimeout, when nothing was sent; other kinds of
            httpx.TransportError.
        """
        server = origin(request.url)
        connection = self._idle.pop(server, None)
        if connection and connection.is_stale():
            connection.close()
            connection = None
        connection = connection or self._open(server, request)
        try:
            answer = connection.exchange(request)
        except BaseException:
            connection.close()
            raise
        return httpx.Response(
            answer.status,
            headers=answer.getheaders(),
            stream=_Body(answer, lambda: self._keep(server, connection, answer)),
        )

    def close(self) -> None:
        """Close all connections."""
        while self._idle:
            self._idle.popitem()[1].close()

    def _open(self, server: Origin, request: httpx.Request) -> "_Connection":
        scheme, host, port = server
        seconds = request.extensions["timeout"]["connect"]
        try:
            opened = socket.create_connection((host, port), seconds)
            # Requests are small: without this, one could wait for the acknowledgement of another.
            opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if scheme == "https":
                opened = self._certificates.wrap_socket(opened, server_hostname=host)
        except TimeoutError as error:
            raise httpx.ConnectTimeout(str(error)) from error
        except OSError as error:
            raise httpx.ConnectError(str(error)) from error
        opened.settimeout(GLANCE_SECONDS)
        return _Connection(TimedSocket(opened, self._watch))

    def _keep(self, server: Origin, connection: "_Connection", answer: HTTPResponse) -> None:
        """Keep a connection whose response was read to its end; close any other."""
        is_complete = answer.isclosed() and not answer.will_close
        if not is_complete:
            connection.close()
            return
        connection.idle_since = self._watch.monotonic()
        self._idle[server] = connection
        if len(self._idle) > self._most:
            # A dict keeps the order of insertion: the first was used longest ago.
            self._idle.pop(next(iter(self._idle))).close()


class TimedSocket:
    """A connected socket whose reads and writes end with the deadline of the response.

    Shape: it has what http.client uses of a socket. The timeout of `inner` is GLANCE_SECONDS, so
        that a stop of the run is noticed while it waits.
    """

    def __init__(self, inner: socket.socket, watch: RunClock) -> None:
        """Read and write through `inner`."""
        self.inner = inner
        self.deadline = ResponseDeadline(watch)
        self.read_seconds = self.write_seconds = GLANCE_SECONDS

    def sendall(self, data: bytes) -> None:
        """Send bytes. Raises: httpx.WriteTimeout, httpx.WriteError."""
        unsent = memoryview(data)
        silent = self.deadline.monotonic() + self.write_seconds
        while unsent:
            if self.deadline.remaining(silent) <= 0:
                raise httpx.WriteTimeout("the request takes too long")
            try:
                unsent = unsent[self.inner.send(unsent) :]
                silent = self.deadline.monotonic() + self.write_seconds
            except TimeoutError:
                continue
            except OSError as error:
                raise httpx.WriteError(str(error)) from error

    def recv_into(self, buffer: memoryview) -> int:
        """Receive bytes. Raises: httpx.ReadTimeout, httpx.ReadError."""
        silent = self.deadline.monotonic() + self.read_seconds
        while True:
            if self.deadline.remaining() <= 0:
                raise httpx.ReadTimeout("the response takes too long")
            try:
                return self.inner.recv_into(buffer)
            except TimeoutError as error:
                if self.deadline.monotonic() >= silent:
                    raise httpx.ReadTimeout(str(error)) from error
            except OSError as error:
                raise httpx.ReadError(str(error)) from error

    def makefile(self, _mode: str) -> io.BufferedReader:
        """Return a reader of one response."""
        return io.BufferedReader(_SocketReader(self))

    def close(self) -> None:
        """Do nothing: http.client closes its end when the headers say so, before the body."""


class _SocketReader(io.RawIOBase):
    def __init__(self, connection: TimedSocket) -> None:
        self._connection = connection

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        return self._connection.recv_into(buffer)


@dataclass
class _Connection:
    """One connection to one server."""

    socket: TimedSocket
    idle_since: float = 0.0
    _client: HTTPConnection = field(init=False)

    def __post_init__(self) -> None:
        self._client = HTTPConnection("")
        # A request is sent on this connection or not at all.
        self._client.auto_open = 0
        self._client.sock = self.socket

    def is_stale(self) -> bool:
        """Whether it was idle for too long, or the server closed it or sent what nobody asked."""
        if self.socket.deadline.monotonic() - self.idle_since > KEPT_SECONDS:
            return True
        poll = select.poll()
        poll.register(self.socket.inner, select.POLLIN)
        return bool(poll.poll(0))

    def exchange(self, request: httpx.Request) -> HTTPResponse:
        """Send a request, and return the response when its headers have arrived."""
        self.socket.deadline.start()
        timeout = request.extensions["timeout"]
        self.socket.read_seconds, self.socket.write_seconds = timeout["read"], timeout["write"]
        target = request.url.raw_path.decode("ascii")
        with _named_by_httpx():
            self._client.putrequest(
                request.method, target, skip_host=True, skip_accept_encoding=True
            )
            for name, value in request.headers.raw:
                self._client.putheader(name, value)
            self._client.endheaders(request.content or None)
            answer = self._client.getresponse()
        _refuse_ambiguous(answer)
        return answer

    def close(self) -> None:
        self._client.close()
        self.socket.inner.close()


def _refuse_ambiguous(answer: HTTPResponse) -> None:
    """Refuse headers that leave open where the body ends.

    Source: RFC 9112, section 6.3: they are an error, and http.client takes the first.
    Raises: httpx.RemoteProtocolError.
    """
    lengths = answer.headers.get_all("content-length", [])
    codings = answer.headers.get_all("transfer-encoding", [])
    flaw = None
    if len(set(lengths)) > 1 or not all(text.isascii() and text.isdigit() for text in lengths):
        flaw = f"invalid Content-Length: {', '.join(lengths)[:100]}"
    elif codings and (lengths or [coding.lower() for coding in codings] != ["chunked"]):
        flaw = f"invalid Transfer-Encoding: {', '.join(codings)[:100]}"
    elif answer.headers.defects:
        flaw = "invalid headers"
    if flaw:
        answer.close()
        raise httpx.RemoteProtocolError(flaw)


class _Body(httpx.SyncByteStream):
    """The body of a response; the connection is given back when it is closed."""

    def __init__(self, answer: HTTPResponse, keep: Callable[[], None]) -> None:
        self._answer = answer
        self._keep = keep
        self._closed = False

    def __iter__(self) -> Iterator[bytes]:
        with _named_by_httpx():
            while piece := self._answer.read(_PIECE):
                yield piece
        # http.client reports the end of the connection like the end of the body.
        if self._answer.length:
            raise httpx.RemoteProtocolError("the connection ended before the end of the body")

    def close(self) -> None:
        if not self._closed:
            self._closed = True
            self._keep()


@contextmanager
def _named_by_httpx() -> Iterator[None]:
    """Raise the failures of http.client as those of httpx."""
    try:
        yield
    except HTTPException as error:
        raise httpx.RemoteProtocolError(str(error) or type(error).__name__) from error
    except OSError as error:
        raise httpx.ReadError(str(error)) from error
