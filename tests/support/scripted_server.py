"""A server without a network: it answers as a test says, and remembers what it was asked."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

import httpx

from reconciler.transport.client import Client
from reconciler.transport.retry import Retry
from tests.support.time import VirtualTime

REGISTRY = "https://registry.example"

Answer = httpx.Response | Exception | Callable[[httpx.Request], httpx.Response]


@dataclass
class Answers:
    """Gives one answer after the other, the last one for ever."""

    answers: list[Answer]
    requests: list[httpx.Request] = field(default_factory=list)

    def __call__(self, request: httpx.Request) -> httpx.Response:
        """Answer one request."""
        self.requests.append(request)
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        if isinstance(answer, httpx.Response):
            # Each answer is its own, since reading uses it up.
            return httpx.Response(
                answer.status_code, headers=answer.headers, content=answer.content
            )
        return answer(request)

    @property
    def asked(self) -> Sequence[str]:
        """What was asked, in order, as method and URL."""
        return [f"{request.method} {request.url}" for request in self.requests]

    @property
    def authorizations(self) -> Sequence[str]:
        """What each request was authenticated with, empty for nothing."""
        return [request.headers.get("authorization", "") for request in self.requests]


@dataclass
class Site:
    """Answers by path, with or without the query; what is not there gets a bare 404."""

    pages: dict[str, Answer]
    requests: list[httpx.Request] = field(default_factory=list)

    def __call__(self, request: httpx.Request) -> httpx.Response:
        """Answer one request."""
        self.requests.append(request)
        target = request.url.raw_path.decode()
        missing = httpx.Response(404, text="404 page not found")
        methods = (f"{request.method} ", "")
        keys = [f"{method}{path}" for path in (target, request.url.path) for method in methods]
        found = next((self.pages[key] for key in keys if key in self.pages), missing)
        return Answers([found])(request)

    def asked(self, method: str = "") -> Sequence[str]:
        """What was asked with a method, or with any, in order."""
        return [
            f"{request.method} {request.url.raw_path.decode()}"
            for request in self.requests
            if method in ("", request.method)
        ]


def client_of(
    handler: Callable[[httpx.Request], httpx.Response],
    *,
    base_url: str = REGISTRY,
    auth: httpx.Auth | None = None,
    retry: Retry | None = None,
    time: VirtualTime | None = None,
) -> Client:
    """Open a client that speaks to a function, and waits in virtual time."""
    return Client(
        base_url,
        (time or VirtualTime()).watch(),
        transport=httpx.MockTransport(handler),
        auth=auth,
        retry=retry,
    )


def streamed(*chunks: bytes) -> Callable[[httpx.Request], httpx.Response]:
    """Answer with a body that comes in pieces and names no length."""
    return lambda _: httpx.Response(200, stream=_Stream(chunks))


class _Stream(httpx.SyncByteStream):
    def __init__(self, chunks: Sequence[bytes]) -> None:
        self._chunks = chunks

    def __iter__(self) -> Iterator[bytes]:
        yield from self._chunks
