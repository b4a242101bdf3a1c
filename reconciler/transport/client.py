"""An HTTP client for one server: bounded, timed, and retried where that is harmless."""

from collections.abc import Mapping
from contextlib import closing, suppress
from datetime import datetime
from functools import cache
from http.cookiejar import CookieJar, DefaultCookiePolicy
from ssl import SSLContext
from threading import Lock
from urllib.request import getproxies, proxy_bypass

import httpx

from reconciler.errors import PostponedError, ProtocolError, UnreachableError
from reconciler.model.base import is_loopback, public
from reconciler.model.ports import SENDING_SECONDS
from reconciler.transport.bounds import MAX_ANSWER_BYTES, MAX_ERROR_BYTES
from reconciler.transport.limits import http_time
from reconciler.transport.pacing import AT_ONCE
from reconciler.transport.parallel import ConnectionPool
from reconciler.transport.replies import loaded, origin, place, redirected, request_text, translated
from reconciler.transport.retry import Retry
from reconciler.transport.totals import Totals
from reconciler.transport.watch import RunClock, Sent
from reconciler.transport.wire import Wire
from reconciler.version import __version__

CONNECT_SECONDS = 10.0
"""Longest wait for a connection, TLS included, in seconds."""

READ_SECONDS = 30.0
"""Longest silence while an answer is awaited or under way, in seconds."""

WRITE_SECONDS = 30.0
"""Longest time that sending one part of a request may take, in seconds."""

POOL_SECONDS = 10.0
"""Longest wait for a free connection, in seconds; a lane has one for the only request it sends."""

LANE_CONNECTIONS = 4
"""Most connections of one lane, which sends one request at a time: redirects lead elsewhere."""

MAX_REDIRECTS = 3
"""Most redirects followed for one read."""

_NEVER_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)
"""Failures that came before a request was sent."""

_TIMEOUT = httpx.Timeout(
    connect=CONNECT_SECONDS, read=READ_SECONDS, write=WRITE_SECONDS, pool=POOL_SECONDS
)


def connect(base_url: str, watch: RunClock) -> ConnectionPool:
    """Open connections to one server: HTTP/1.1, certificates checked, proxies as configured.

    There are as many as there are requests under way at once, which whoever sends them bounds.
    By `watch` each answer has an end, and the run has one, too.
    """
    certificates = _certificates()
    proxy = _proxy_for(httpx.URL(base_url))
    return ConnectionPool(lambda: Wire(watch, certificates, proxy, connections=LANE_CONNECTIONS))


@cache
def _certificates() -> SSLContext:
    """Load the authorities that this machine trusts, once: it takes longer than a request."""
    return httpx.create_ssl_context()


class Client:
    """Reads from one server again and again if need be; writes to it once.

    Redirects are followed for reads only. What authenticates us is sent to this server alone:
    `auth` is asked for requests to its scheme, host and port, and for no others.
    """

    def __init__(
        self,
        base_url: str,
        watch: RunClock,
        *,
        transport: httpx.BaseTransport | None = None,
        auth: httpx.Auth | None = None,
        retry: Retry | None = None,
    ) -> None:
        """Speak to the server at `base_url`, through `transport` when one is given."""
        self._origin = origin(httpx.URL(base_url))
        self._watch = watch
        self._auth = auth or httpx.Auth()
        self._retry = retry or Retry()
        self._lock = Lock()
        self._totals = Totals(watch.monotonic)
        self._requests = 0
        self._answers = 0
        self._seconds = 0.0
        self._server_time: datetime | None = None
        self._http = httpx.Client(
            base_url=base_url,
            transport=transport or connect(base_url, watch),
            timeout=_TIMEOUT,
            # One coding at most, and one whose size can be bounded while it is undone.
            headers={"User-Agent": f"reconciler/{__version__}", "Accept-Encoding": "gzip"},
            cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[])),
            event_hooks={"request": [self._count], "response": [self._note_time]},
        )

    @property
    def base_url(self) -> str:
        """The address that paths are below."""
        return str(self._http.base_url)

    @property
    def requests(self) -> int:
        """How many requests were sent, tries and tokens included."""
        return self._requests

    @property
    def server_time(self) -> datetime | None:
        """The server's clock as of its last answer; None before it told any."""
        return self._server_time

    def get(
        self,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        limit: int = MAX_ANSWER_BYTES,
    ) -> httpx.Response:
        """Read a path below the base, or a URL of this server. Units: `limit` in bytes.

        Raises: UnreachableError, after the last try; ExhaustedError, when the answers about one
            repository take too much in all; ProtocolError.
        """
        return self._read(self._request("GET", url, headers), limit)

    def head(self, url: str, *, headers: Mapping[str, str] | None = None) -> httpx.Response:
        """Ask for the headers that `get` would return."""
        return self._read(self._request("HEAD", url, headers), MAX_ANSWER_BYTES)

    def write(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        content: bytes | None = None,
    ) -> httpx.Response:
        """Send a change exactly once and return the answer, whatever it is.

        It goes a second time only if the server has refused the first for want of a token, and
        so has not carried it out.

        Raises: UnreachableError, when it is unknown whether the change was made.
        """
        request = self._request(method, url, headers, content)
        with translated(request):
            return self._exchange(request, MAX_ANSWER_BYTES)

    def write_at_once(
        self, method: str, url: str, *, headers: Mapping[str, str] | None = None
    ) -> httpx.Response:
        """Send a change at once and only once, or not at all, and return the answer.

        What was looked at before must not grow old meanwhile: no limit is waited for, a
        connection has to stand within SENDING_SECONDS, and where a token has to be fetched
        first, or was refused, it is fetched for the next time.

        Raises: PostponedError, when the change was certainly not made; UnreachableError, when
            that is unknown.
        """
        request = self._request(method, url, headers)
        timeout = {**_TIMEOUT.as_dict(), "connect": SENDING_SECONDS, "pool": SENDING_SECONDS}
        request.extensions |= {AT_ONCE: True, "timeout": timeout}
        with translated(request):
            try:
                return self._sent_once(request)
            except _NEVER_SENT as error:
                raise PostponedError(f"{request_text(request)}: not sent: {error}") from error

    def wait(self, reason: str, seconds: float) -> None:
        """Let time pass before the next request; people are told of it.

        Raises: StoppedError, when the run is to end.
        """
        self._watch.wait(reason, seconds)

    @property
    def latency(self) -> float:
        """How long an answer took on average, in seconds; 0 before there was any."""
        return self._seconds / self._answers if self._answers else 0.0

    def monotonic(self) -> float:
        """Return the time of the steady clock that waits are measured by, in seconds."""
        return self._watch.monotonic()

    def close(self) -> None:
        """Close all connections."""
        self._http.close()

    def _request(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str] | None,
        content: bytes | None = None,
    ) -> httpx.Request:
        """Build a request, and refuse one to another server."""
        request = self._http.build_request(method, url, headers=headers, content=content)
        if origin(request.url) != self._origin:
            raise ProtocolError(f"{request_text(request)}: not on the server {self._http.base_url}")
        return request

    def _read(self, request: httpx.Request, limit: int) -> httpx.Response:
        with translated(request), self._totals.awaited(request.url):
            response = self._retry.run(lambda: self._begin(request, limit), self._watch)
            self._totals.count(request.url, len(response.content))
        if self._retry.is_temporary(response):
            raise UnreachableError(f"{place(response)}, and so {self._retry.tries} times")
        return response

    def _begin(self, request: httpx.Request, limit: int) -> httpx.Response:
        """Send a read as long as the run goes on: thousands may still be to come."""
        self._watch.check()
        self._totals.check(request.url)
        return self._follow(request, limit)

    def _follow(self, request: httpx.Request, limit: int) -> httpx.Response:
        """Send a read, and again to wherever the answers send it."""
        for _ in range(MAX_REDIRECTS + 1):
            response = self._exchange(request, limit)
            if not response.has_redirect_location:
                return response
            request = redirected(request, response)
        raise ProtocolError(f"{place(response)}, after {MAX_REDIRECTS} redirects")

    def _exchange(self, request: httpx.Request, limit: int) -> httpx.Response:
        """Send one request, and what its authentication asks for before and after it."""
        if origin(request.url) != self._origin:
            return self._send(request, limit)
        with closing(self._auth.sync_auth_flow(request)) as flow:
            sent = next(flow)
            with suppress(StopIteration):
                while True:
                    # What is not the request itself asks a token server, for little.
                    bound = limit if sent is request else min(limit, MAX_ERROR_BYTES)
                    response = self._send(sent, bound)
                    sent = flow.send(response)
        return response

    def _sent_once(self, request: httpx.Request) -> httpx.Response:
        """Send a change unless its authentication needs another request before, or again."""
        begun = False
        with closing(self._auth.sync_auth_flow(request)) as flow:
            step = next(flow)
            with suppress(StopIteration):
                while True:
                    if step is request and begun:
                        raise PostponedError(
                            f"{request_text(request)}: the token had to be renewed"
                        )
                    begun = True
                    response = self._send(step, MAX_ANSWER_BYTES)
                    step = flow.send(response)
        return response

    def _send(self, request: httpx.Request, limit: int) -> httpx.Response:
        began = self._watch.monotonic()
        response = self._http.send(request, stream=True, auth=None)
        response = loaded(response, min(limit, MAX_ERROR_BYTES) if response.is_error else limit)
        with self._lock:
            self._answers += 1
            self._seconds += self._watch.monotonic() - began
        return response

    def _count(self, request: httpx.Request) -> None:
        with self._lock:
            self._requests += 1
        self._watch.sent(Sent(request.method, public(str(request.url))))

    def _note_time(self, response: httpx.Response) -> None:
        if origin(response.request.url) == self._origin:
            self._server_time = http_time(response.headers.get("date", "")) or self._server_time


def _proxy_for(url: httpx.URL) -> str | None:
    """Find the proxy that the environment names for a server; this machine needs none."""
    if is_loopback(url.host) or proxy_bypass(url.host):
        return None
    proxies = getproxies()
    return proxies.get(url.scheme) or proxies.get("all")
