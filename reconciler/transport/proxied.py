"""HTTP/1.1 through a proxy, with a bound on the time of each response.

httpcore knows every kind of proxy; without one, direct.py takes less processor time.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from ssl import SSLContext
from typing import Any

import httpcore
import httpx

from reconciler.model.base import public
from reconciler.transport.bounds import ANSWER_SECONDS, GLANCE_SECONDS, KEPT_SECONDS
from reconciler.transport.deadline import ResponseDeadline
from reconciler.transport.watch import RunClock

_PIECE = 64 * 1024
"""How much of a request is sent between two checks of the time, in bytes."""


class ProxiedTransport(httpx.BaseTransport):
    """A few connections through one proxy."""

    def __init__(
        self, watch: RunClock, certificates: SSLContext, proxy: str, *, connections: int
    ) -> None:
        """Open up to `connections` when they are needed, through the proxy at a URL."""
        self.proxy = proxy
        self._pool = httpcore.ConnectionPool(
            ssl_context=certificates,
            proxy=_proxy(proxy),
            max_connections=connections,
            keepalive_expiry=KEPT_SECONDS,
            network_backend=_Network(watch),
        )

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request and return the response, whose body is not read yet."""
        # The requests of a synchronous client have synchronous bodies.
        content = request.stream if isinstance(request.stream, httpx.SyncByteStream) else None
        sent = httpcore.Request(
            method=request.method,
            url=httpcore.URL(
                scheme=request.url.raw_scheme,
                host=request.url.raw_host,
                port=request.url.port,
                target=request.url.raw_path,
            ),
            headers=request.headers.raw,
            content=content,
            extensions=request.extensions,
        )
        with _named_by_httpx(self.proxy):
            answer = self._pool.handle_request(sent)
        return httpx.Response(
            answer.status,
            headers=answer.headers,
            stream=_Body(answer, self.proxy),
            extensions=answer.extensions,
        )

    def close(self) -> None:
        """Close all connections."""
        self._pool.close()


class _Body(httpx.SyncByteStream):
    """The body of a response; failures of httpcore are raised as those of httpx."""

    def __init__(self, answer: httpcore.Response, proxy: str) -> None:
        self._answer = answer
        self._proxy = proxy

    def __iter__(self) -> Iterator[bytes]:
        with _named_by_httpx(self._proxy):
            yield from self._answer.iter_stream()

    def close(self) -> None:
        self._answer.close()


class _Network(httpcore.NetworkBackend):
    """Opens connections with bounds on time."""

    def __init__(self, watch: RunClock) -> None:
        self._watch = watch
        self._sockets = httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.NetworkStream:
        opened = self._sockets.connect_tcp(host, port, timeout, local_address, socket_options)
        return TimedStream(opened, self._watch)


class TimedStream(httpcore.NetworkStream):
    """One connection, with one request and response at a time.

    Sending starts the time of the response, which ends it even if the server keeps sending single
    bytes. If the run is to stop, the time ends after LAST_SECONDS.
    """

    def __init__(self, inner: httpcore.NetworkStream, watch: RunClock) -> None:
        """Read and write through `inner`."""
        self._inner = inner
        self._watch = watch
        self._deadline = ResponseDeadline(watch)

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        """Return the next bytes. Units: `timeout` in seconds of silence.

        Raises: httpcore.ReadTimeout, after such a silence, and when the response takes too long.
        """
        silent = self._watch.monotonic() + (ANSWER_SECONDS if timeout is None else timeout)
        while True:
            remaining = self._remaining(silent)
            # In short reads, so that a run that is to stop does not wait for a silent server.
            try:
                return self._inner.read(max_bytes, min(remaining, GLANCE_SECONDS))
            except httpcore.ReadTimeout:
                if self._watch.monotonic() >= silent:
                    raise

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        """Send bytes; the time of the response starts with the first. Units: seconds."""
        self._deadline.start()
        for start in range(0, len(buffer), _PIECE):
            self._remaining()
            self._inner.write(buffer[start : start + _PIECE], timeout)

    def close(self) -> None:
        """Close the connection."""
        self._inner.close()

    def start_tls(
        self,
        ssl_context: SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore.NetworkStream:
        """Start TLS; the whole handshake is bounded by the timeout."""
        secured = self._inner.start_tls(ssl_context, server_hostname, timeout)
        return TimedStream(secured, self._watch)

    def get_extra_info(self, info: str) -> Any:
        """Return information about the socket."""
        return self._inner.get_extra_info(info)

    def _remaining(self, silent: float | None = None) -> float:
        """Return the seconds until the response or the silence ends.

        Raises: httpcore.ReadTimeout, when it has passed.
        """
        remaining = self._deadline.remaining(silent)
        if remaining <= 0:
            raise httpcore.ReadTimeout("the response takes too long")
        return remaining


def _proxy(address: str) -> httpcore.Proxy:
    known = httpx.Proxy(address)
    return httpcore.Proxy(
        httpcore.URL(
            scheme=known.url.raw_scheme,
            host=known.url.raw_host,
            port=known.url.port,
            target=known.url.raw_path,
        ),
        auth=known.raw_auth,
    )


@contextmanager
def _named_by_httpx(proxy: str) -> Iterator[None]:
    """Raise the failures of httpcore as those of httpx, with the proxy in the message."""
    try:
        yield
    # Both libraries give a failure the same name, by which the class is found.
    except (
        httpcore.TimeoutException,
        httpcore.NetworkError,
        httpcore.ProtocolError,
        httpcore.ProxyError,
        httpcore.UnsupportedProtocol,
    ) as error:
        kind = getattr(httpx, type(error).__name__, httpx.TransportError)
        # The address may have a password.
        message = f"{str(error) or type(error).__name__}, through the proxy {public(proxy)}"
        raise kind(message) from error
