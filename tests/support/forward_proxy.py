"""A forward proxy on loopback: it answers CONNECT, and knows where each host really is."""

import select
import socket
import socketserver
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import Thread

_SECONDS = 20.0
_MOST = 65_536


@dataclass
class ForwardProxy:
    """Where it is, and what it was asked for.

    Shape: `servers` maps `host:port`, as a client names it, to the address on this machine.
    """

    servers: Mapping[str, tuple[str, int]]
    address: str = ""
    asked: list[str] = field(default_factory=list)

    @contextmanager
    def serve(self) -> Iterator["ForwardProxy"]:
        """Serve until the block ends."""
        handler = type("Handler", (_Handler,), {"proxy": self})
        with socketserver.ThreadingTCPServer(("127.0.0.1", 0), handler) as server:
            server.daemon_threads = True
            self.address = f"127.0.0.1:{server.server_address[1]}"
            Thread(target=server.serve_forever, daemon=True).start()
            try:
                yield self
            finally:
                server.shutdown()


class _Handler(socketserver.StreamRequestHandler):
    """One connection: a CONNECT, and then bytes in both directions."""

    proxy: ForwardProxy

    def handle(self) -> None:
        """Answer the request, and pass on what follows."""
        method, target, *_ = self.rfile.readline().decode().split(" ")
        while self.rfile.readline().strip():
            pass
        self.proxy.asked.append(f"{method} {target}")
        server = self.proxy.servers.get(target)
        if method != "CONNECT" or server is None:
            self.wfile.write(b"HTTP/1.1 403 Forbidden by the proxy\r\ncontent-length: 0\r\n\r\n")
            return
        with socket.create_connection(server, _SECONDS) as upstream:
            self.wfile.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
            _relay(self.connection, upstream)


def _relay(client: socket.socket, server: socket.socket) -> None:
    """Copy bytes until either side closes."""
    other = {client: server, server: client}
    while True:
        for ready in select.select([client, server], [], [], _SECONDS)[0]:
            content = ready.recv(_MOST)
            if not content:
                return
            other[ready].sendall(content)
