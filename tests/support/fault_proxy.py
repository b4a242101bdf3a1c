"""A reverse proxy on loopback that remembers every request and breaks those it is told to."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx

from tests.support.faults import Break, Fault, Request

_SECONDS = 30.0
_NOT_FORWARDED = ("connection", "content-encoding", "content-length", "transfer-encoding")


class FaultProxy(ThreadingHTTPServer):
    """Stands before the server at `upstream`; `url` and `host` are for the client under test.

    Use `fault_proxy` to get one that serves.
    """

    def __init__(self, upstream: str) -> None:
        """Bind a free port."""
        super().__init__(("127.0.0.1", 0), _Handler)
        self._upstream = httpx.Client(base_url=upstream, trust_env=False, timeout=_SECONDS)
        self._lock = threading.Lock()
        self._faults: list[Fault] = []
        self._requests: list[Request] = []

    @property
    def host(self) -> str:
        """The proxy's host and port."""
        return f"127.0.0.1:{self.server_port}"

    @property
    def url(self) -> str:
        """The proxy's address."""
        return f"http://{self.host}"

    def inject(self, fault: Fault) -> None:
        """Let a fault strike from now on; of several that match, the first one does."""
        with self._lock:
            self._faults.append(fault)

    def heal(self) -> None:
        """Forget all faults."""
        with self._lock:
            self._faults.clear()

    def requests(self, method: str = "*", path: str = "*") -> list[Request]:
        """List what was asked so far, in order, broken requests included."""
        with self._lock:
            return [request for request in self._requests if request.matches(method, path)]

    def meet(self, request: Request) -> Fault | None:
        """Remember a request and find the fault that strikes it."""
        with self._lock:
            self._requests.append(request)
            return next((fault for fault in self._faults if fault.strikes(request)), None)

    def forward(self, request: Request, headers: httpx.Headers, body: bytes) -> httpx.Response:
        """Ask the server. It sees the proxy's own host name, so its links lead back here."""
        return self._upstream.request(request.method, request.path, headers=headers, content=body)

    def server_close(self) -> None:
        """Free the port and the connections to the server."""
        super().server_close()
        self._upstream.close()


class _Handler(BaseHTTPRequestHandler):
    """One connection of a client."""

    protocol_version = "HTTP/1.1"
    server: FaultProxy

    def respond(self) -> None:
        """Forward one request, or let a fault strike it."""
        request = Request(self.command, self.path)
        headers = httpx.Headers(self.headers.items())
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        match self.server.meet(request):
            case None:
                self._send(self.server.forward(request, headers, body))
            case Fault(effect=Break.BEFORE):
                self.close_connection = True
            case Fault(effect=Break.AFTER):
                self.server.forward(request, headers, body)
                self.close_connection = True
            case Fault(effect=int(status), headers=extra, body=text):
                self._send(httpx.Response(status, headers=extra, content=text))

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = respond  # noqa: N815 - http.server

    def _send(self, reply: httpx.Response) -> None:
        """Pass an answer on, with the length that a HEAD has been told."""
        self.send_response_only(reply.status_code)
        for name, value in reply.headers.multi_items():
            if name not in _NOT_FORWARDED:
                self.send_header(name, value)
        length = len(reply.content)
        if self.command == "HEAD":
            length = int(reply.headers.get("Content-Length", 0))
        self.send_header("Content-Length", str(length))
        self.end_headers()
        self.wfile.write(reply.content)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - http.server's name
        """Say nothing; `requests` tells what was asked."""


@contextmanager
def fault_proxy(upstream: str) -> Iterator[FaultProxy]:
    """Serve a proxy before `upstream` until the block ends."""
    with FaultProxy(upstream) as proxy:
        thread = threading.Thread(target=proxy.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield proxy
        finally:
            proxy.shutdown()
            thread.join()
