"""One server spoken to: reads that are tried again, writes that are sent once.

Every error of httpx ends here, as an error that names the call.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from threading import Lock
from urllib.parse import urljoin

import httpx
import stamina

from reconciler import __version__
from reconciler.errors import ProtocolError, UnreachableError
from reconciler.model.display import public
from reconciler.transport.links import origin
from reconciler.transport.reply import Reply

TIMEOUT = httpx.Timeout(connect=10, read=60, write=30, pool=None)
"""Seconds for each phase of one call; waiting for a free connection has no limit of its own."""

CONNECTIONS = httpx.Limits(max_connections=64, max_keepalive_connections=64, keepalive_expiry=30)
"""Connections to one server; `keepalive_expiry` in seconds."""

ATTEMPTS = 5
"""How often one read is tried in all."""

LONGEST_WAIT = 120.0
"""Longest that one `Retry-After` is obeyed, in seconds; a longer one ends the read."""

MAX_REDIRECTS = 3

MAX_PAGE_BYTES = 64 * 1024 * 1024
"""Largest body read, in bytes, unless the caller asks for less."""

_REDIRECTS = frozenset({301, 302, 303, 307, 308})


class TemporaryError(UnreachableError):
    """No answer, or one that may be better next time. Units: `seconds` to wait, if told."""

    hint = "Run again when the registry answers. Nothing was deleted for want of this answer."

    def __init__(self, message: str, *, seconds: float | None = None) -> None:
        """Keep how long the server asks to wait."""
        super().__init__(message)
        self.seconds = seconds


class Http:
    """An HTTP client for one server, safe to use from many threads."""

    def __init__(
        self, *, auth: httpx.Auth | None = None, transport: httpx.BaseTransport | None = None
    ) -> None:
        """Open no connection yet. `auth` speaks to this server only; `transport` is for limits."""
        self._client = httpx.Client(
            auth=auth,
            transport=transport or httpx.HTTPTransport(limits=CONNECTIONS),
            timeout=TIMEOUT,
            follow_redirects=False,
            headers={"user-agent": f"reconciler/{__version__}"},
            event_hooks={"request": [self._count]},
        )
        self._lock = Lock()
        self.requests = 0
        self.server_time: datetime | None = None

    def read(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        most: int = MAX_PAGE_BYTES,
    ) -> Reply:
        """Send a GET or HEAD until it is answered, following redirects without credentials.

        Units: `most` is the largest body accepted, in bytes.
        Raises: TemporaryError, when it was tried often enough; ProtocolError, when the body is
            too large or redirects lead nowhere.
        """
        for attempt in stamina.retry_context(
            on=_patience, attempts=ATTEMPTS, timeout=None, wait_initial=0.2, wait_max=10.0
        ):
            with attempt:
                return self._followed(method, url, headers or {}, most)
        raise AssertionError("a retry context yields at least one attempt")

    def send(self, method: str, url: str, *, headers: Mapping[str, str] | None = None) -> Reply:
        """Send a write once, whatever comes of it.

        Raises: TemporaryError, when there is no answer: it may have taken effect.
        """
        return self._once(method, url, headers or {}, MAX_PAGE_BYTES)

    def close(self) -> None:
        """Close all connections."""
        self._client.close()

    def _followed(self, method: str, url: str, headers: Mapping[str, str], most: int) -> Reply:
        """Send a read and follow its redirects; raise for answers that may be better later."""
        reply = self._once(method, url, headers, most)
        for _ in range(MAX_REDIRECTS):
            if reply.status not in _REDIRECTS:
                return _settled(reply)
            target = urljoin(reply.url, reply.headers.get("location", ""))
            if origin(reply.url)[0] == "https" and origin(target)[0] != "https":
                raise ProtocolError(f"{reply.call}: redirected to {public(target)}, without TLS")
            away = origin(target) != origin(url)
            reply = self._once(method, target, headers, most, credentials=not away)
        raise ProtocolError(f"{reply.call}: redirected more than {MAX_REDIRECTS} times")

    def _once(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str],
        most: int,
        *,
        credentials: bool = True,
    ) -> Reply:
        auth = httpx.USE_CLIENT_DEFAULT if credentials else None
        try:
            with self._client.stream(method, url, headers=dict(headers), auth=auth) as response:
                body = _body(response, most)
        except httpx.TransportError as error:
            reason = str(error) or type(error).__name__
            raise TemporaryError(f"{method} {public(url)}: no answer: {reason}") from error
        except (httpx.InvalidURL, httpx.RequestError) as error:
            raise ProtocolError(f"{method} {public(url)}: {error}") from error
        self._note_time(response.headers.get("date", ""))
        return Reply(method, url, response.status_code, _headers(response), body)

    def _count(self, _: httpx.Request) -> None:
        with self._lock:
            self.requests += 1

    def _note_time(self, date: str) -> None:
        try:
            self.server_time = parsedate_to_datetime(date)
        except ValueError:
            return


def _headers(response: httpx.Response) -> Mapping[str, str]:
    return {name.lower(): value for name, value in response.headers.items()}


def _body(response: httpx.Response, most: int) -> bytes:
    """Read a body, but no more than is accepted."""
    chunks, size = [], 0
    for chunk in response.iter_bytes():
        size += len(chunk)
        if size > most:
            call = f"{response.request.method} {public(str(response.request.url))}"
            raise ProtocolError(f"{call}: the answer is larger than {most} bytes")
        chunks.append(chunk)
    return b"".join(chunks)


def _settled(reply: Reply) -> Reply:
    """Return an answer that will not be better next time.

    Raises: TemporaryError, for a server failure or a limit.
    """
    if reply.status < 500 and reply.status not in (408, 429):
        return reply
    raise TemporaryError(
        f"{reply.call}: {reply.status}: {reply.words}",
        seconds=_retry_after(reply.headers.get("retry-after", "")),
    )


def _retry_after(value: str) -> float | None:
    """Read `Retry-After` in seconds; a date is left to the usual backoff."""
    return float(value) if value.isascii() and value.isdigit() and len(value) < 8 else None


def _patience(error: Exception) -> bool | timedelta:
    """Say whether to try again, and after how long where the server said so."""
    if not isinstance(error, TemporaryError):
        return False
    if error.seconds is None:
        return True
    return timedelta(seconds=error.seconds) if error.seconds <= LONGEST_WAIT else False
