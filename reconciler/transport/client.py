"""An HTTP client for one server, with bounds on size and time; reads are retried, writes never."""

from collections.abc import Mapping
from contextlib import closing, suppress
from datetime import datetime
from functools import cache
from ssl import SSLContext
from threading import Lock
from urllib.request import getproxies, proxy_bypass

import httpx

from reconciler.errors import PostponedError, ProtocolError, UnreachableError
from reconciler.model.base import is_loopback, public
from reconciler.model.effort import SENDING_SECONDS
from reconciler.transport.bounds import (
    CONNECT_SECONDS,
    MAX_ANSWER_BYTES,
    MAX_ERROR_BYTES,
    POOL_SECONDS,
    READ_SECONDS,
    WRITE_SECONDS,
    Totals,
)
from reconciler.transport.direct import DirectTransport
from reconciler.transport.limits import http_time
from reconciler.transport.pacing import AT_ONCE
from reconciler.transport.parallel import ConnectionPool, Workers
from reconciler.transport.replies import (
    follow_redirect,
    origin,
    place,
    read_body,
    request_text,
    translate_errors,
)
from reconciler.transport.retry import Retry
from reconciler.transport.watch import RunClock, Sent
from reconciler.version import __version__

LANE_CONNECTIONS = 4
"""Most connections of one lane: it sends one request at a time, but redirects use other hosts."""

MAX_REDIRECTS = 3
"""Most redirects followed for one read: registries redirect to their storage once."""

_NEVER_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)
"""Failures before a request was sent, so that it cannot have had an effect."""

_HEADERS = {
    "user-agent": f"reconciler/{__version__}",
    "accept": "*/*",
    # One coding only, whose decoded size can be bounded while it is decoded.
    "accept-encoding": "gzip",
}
_TIMEOUT = httpx.Timeout(
    connect=CONNECT_SECONDS, read=READ_SECONDS, write=WRITE_SECONDS, pool=POOL_SECONDS
).as_dict()


def connect(base_url: str, watch: RunClock) -> ConnectionPool:
    """Open connections to one server: HTTP/1.1, certificates checked, proxies as configured.

    There are as many as requests are sent in parallel, which the caller bounds. `watch` bounds the
    time of each response and of the run.
    """
    certificates = _certificates()
    url, proxies = httpx.URL(base_url), getproxies()
    # A proxy on another machine could not reach the services of this one.
    is_direct = is_loopback(url.host) or proxy_bypass(url.host)
    proxy = None if is_direct else proxies.get(url.scheme) or proxies.get("all")
    if proxy:
        # httpcore takes as long to import as all of this package.
        from reconciler.transport.proxied import ProxiedTransport  # noqa: PLC0415 - rarely needed

        return ConnectionPool(
            lambda: ProxiedTransport(watch, certificates, proxy, connections=LANE_CONNECTIONS)
        )
    return ConnectionPool(lambda: DirectTransport(watch, certificates, LANE_CONNECTIONS))


@cache
def _certificates() -> SSLContext:
    """Load the certificate authorities that this machine trusts, once: it is slow."""
    context = httpx.create_ssl_context()
    # Servers that would choose HTTP/2 are told that it is not spoken here.
    context.set_alpn_protocols(["http/1.1"])
    return context


class Client:
    """Reads from one server, with retries; writes to it, without.

    Redirects are followed for reads only. Credentials are sent to this server only: `auth` is used
    for requests to its scheme, host and port, and for no others.
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
        """Use the server at `base_url`, through `transport` if given."""
        self.base_url = base_url.rstrip("/")
        self._origin = origin(httpx.URL(base_url))
        self._watch = watch
        self._auth = auth or httpx.Auth()
        self._retry = retry or Retry()
        self._lock = Lock()
        self._totals = Totals(watch.monotonic)
        self._answers = 0
        self._seconds = 0.0
        self.server_time: datetime | None = None
        """The server's clock as of its last response; None before the first `Date` header."""

        # The transport is used without httpx.Client: cookies, redirects and credentials of its
        # own must not be there, and what it does for each request takes as long as the request.
        self._transport = transport or connect(base_url, watch)
        self.workers = Workers()
        """Threads for requests at the same time."""

    def successes(self, path: str) -> int:
        """Return how many reads about the repository of a path got what they requested.

        Neither retries nor requests for tokens count, so that it does not depend on what else is
        read at the same time.
        """
        return self._totals.successes(path)

    def get(
        self,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        limit: int = MAX_ANSWER_BYTES,
    ) -> httpx.Response:
        """Read a path below the base, or a URL of this server. Units: `limit` in bytes.

        Raises: UnreachableError, after the last try; ExhaustedError, when the responses about one
            repository exceed a bound in total; ProtocolError.
        """
        return self._read(self._request("GET", url, headers), limit)

    def head(self, url: str, *, headers: Mapping[str, str] | None = None) -> httpx.Response:
        """Read the headers that `get` would return."""
        return self._read(self._request("HEAD", url, headers), MAX_ANSWER_BYTES)

    def write(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        content: bytes | None = None,
    ) -> httpx.Response:
        """Send a change once, and return the response with any status.

        It is sent again only if the server rejected it with a 401, and so did not carry it out.

        Raises: UnreachableError, when it is unknown whether the change was made.
        """
        request = self._request(method, url, headers, content)
        # Not through `self._retry`: a write whose response was lost may have been carried out.
        with translate_errors(request):
            return self._exchange(request, MAX_ANSWER_BYTES)

    def write_at_once(
        self, method: str, url: str, *, headers: Mapping[str, str] | None = None
    ) -> httpx.Response:
        """Send a change now and once, or not at all, and return the response.

        The observation that it is based on must not become stale: no limit is waited for, the
        connection must be open within SENDING_SECONDS, and if a token must be requested first, or
        was rejected, the new token is for the next change.

        Raises: PostponedError, when the change was certainly not made; UnreachableError, when
            that is unknown.
        """
        request = self._request(method, url, headers)
        timeout = {**_TIMEOUT, "connect": SENDING_SECONDS, "pool": SENDING_SECONDS}
        request.extensions |= {AT_ONCE: True, "timeout": timeout}
        with translate_errors(request):
            try:
                return self._sent_once(request)
            except _NEVER_SENT as error:
                raise PostponedError(f"{request_text(request)}: not sent: {error}") from error

    def wait(self, reason: str, seconds: float) -> None:
        """Sleep before the next request, and report the wait.

        Raises: StoppedError, when the run is to stop.
        """
        self._watch.wait(reason, seconds)

    @property
    def latency(self) -> float:
        """The average time of a response, in seconds; 0 before the first."""
        return self._seconds / self._answers if self._answers else 0.0

    def monotonic(self) -> float:
        """Return the time of the monotonic clock that waits are measured by, in seconds."""
        return self._watch.monotonic()

    def close(self) -> None:
        """End the threads, and close all connections."""
        self.workers.close()
        self._transport.close()

    def _request(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str] | None,
        content: bytes | None = None,
    ) -> httpx.Request:
        """Build a request; one to another server is an error."""
        request = httpx.Request(
            method,
            # A path is appended as text: httpx would parse the whole URL three times.
            self.base_url + url if url.startswith("/") else url,
            headers=_HEADERS | {name.lower(): value for name, value in (headers or {}).items()},
            content=content,
        )
        # A link in a response may name any server, and the request would have the credentials.
        if origin(request.url) != self._origin:
            raise ProtocolError(f"{request_text(request)}: not on the server {self.base_url}")
        return request

    def _read(self, request: httpx.Request, limit: int) -> httpx.Response:
        with translate_errors(request), self._totals.awaited(request.url):
            response = self._retry.run(lambda: self._follow(request, limit), self._watch)
            # A 304 confirms what was read before.
            succeeded = response.is_success or response.status_code == httpx.codes.NOT_MODIFIED
            self._totals.count(request.url, len(response.content), succeeded=succeeded)
        if self._retry.is_temporary(response):
            raise UnreachableError(f"{place(response)} in each of {self._retry.tries} tries")
        return response

    def _follow(self, request: httpx.Request, limit: int) -> httpx.Response:
        """Send a read and follow its redirects, unless the run is to stop or a bound is reached."""
        # Before each try, since retries may go on for minutes.
        self._watch.check()
        self._totals.check(request.url)
        for _ in range(MAX_REDIRECTS + 1):
            response = self._exchange(request, limit)
            if not response.has_redirect_location:
                return response
            request = follow_redirect(request, response)
        raise ProtocolError(f"{place(response)}, after {MAX_REDIRECTS} redirects")

    def _exchange(self, request: httpx.Request, limit: int) -> httpx.Response:
        """Send one request, and the token requests that its authentication needs."""
        # A redirect to another server, such as the registry's storage, gets no credential.
        if origin(request.url) != self._origin:
            return self._send(request, limit)
        with closing(self._auth.sync_auth_flow(request)) as flow:
            sent = next(flow)
            with suppress(StopIteration):
                while True:
                    # Any other request goes to the token server, whose response is small.
                    bound = limit if sent is request else min(limit, MAX_ERROR_BYTES)
                    response = self._send(sent, bound)
                    sent = flow.send(response)
        return response

    def _sent_once(self, request: httpx.Request) -> httpx.Response:
        """Send a change, unless it needs a token first; after a 401 it is not sent again."""
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
        # Token requests and redirects are built elsewhere, and have the same bounds on time.
        request.extensions.setdefault("timeout", _TIMEOUT)
        self._watch.sent(Sent(request.method, public(str(request.url))))
        began = self._watch.monotonic()
        response = self._transport.handle_request(request)
        response.request = request
        response = read_body(response, min(limit, MAX_ERROR_BYTES) if response.is_error else limit)
        # The clock of a token server or storage is not the one that dates the versions.
        if origin(request.url) == self._origin:
            self.server_time = http_time(response.headers.get("date", "")) or self.server_time
        with self._lock:
            self._answers += 1
            self._seconds += self._watch.monotonic() - began
        return response
