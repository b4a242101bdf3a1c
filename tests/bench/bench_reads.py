"""How fast many small documents are read: threads or asyncio, which client, how many connections.

Run by hand, with nothing else going on: `python -m tests.bench.bench_reads`. The figures in
docs/adr come from it.
"""

import asyncio
import multiprocessing
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from multiprocessing.connection import Connection

import httpx

from reconciler.transport.client import Client
from reconciler.transport.parallel import Workers
from reconciler.transport.watch import RunClock

READS = 2_000
LATENCY = 0.02
"""How long the server takes for an answer, in seconds: a registry not far away."""

WIDTHS = (10, 20, 64)
BODY = b"m" * 1_500
"""As many bytes as an index of two platforms with attestations has."""

_ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\nContent-Type: application/json\r\n\r\n"


async def _converse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answer one connection's requests, each after a while."""
    while await reader.readline():
        while await reader.readline() != b"\r\n":
            pass
        await asyncio.sleep(LATENCY)
        writer.write(_ANSWER % len(BODY) + BODY)
        await writer.drain()
    writer.close()


async def _serve(port: Connection) -> None:
    server = await asyncio.start_server(_converse, "127.0.0.1", 0)
    port.send(server.sockets[0].getsockname()[1])
    await server.serve_forever()


def _run_server(port: Connection) -> None:
    asyncio.run(_serve(port))


@contextmanager
def _server() -> Iterator[str]:
    """Serve in a process of its own, so that it takes no time from the reader."""
    ours, theirs = multiprocessing.Pipe()
    process = multiprocessing.get_context("spawn").Process(target=_run_server, args=(theirs,))
    process.start()
    yield f"http://127.0.0.1:{ours.recv()}"
    process.terminate()
    process.join()


def _limits(width: int) -> httpx.Limits:
    return httpx.Limits(max_connections=width, max_keepalive_connections=width)


def with_threads(url: str, width: int) -> None:
    """Read with httpx's client and a pool of threads."""
    with httpx.Client(base_url=url, limits=_limits(width), trust_env=False) as client:
        Workers(width).gather(lambda number: client.get(f"/{number}").content, range(READS), width)


def with_our_client(url: str, width: int) -> None:
    """Read with our own client, as a plan does: with retries, bounds and authentication."""
    _read_with(Client(url, RunClock(lambda: datetime.now(UTC))), width)


def with_httpcore(url: str, width: int) -> None:
    """Read with our own client on the connections of httpx."""
    transport = httpx.HTTPTransport(limits=_limits(width), trust_env=False)
    _read_with(Client(url, RunClock(lambda: datetime.now(UTC)), transport=transport), width)


def _read_with(client: Client, width: int) -> None:
    Workers(width).gather(lambda number: client.get(f"/{number}").content, range(READS), width)
    client.close()


def with_asyncio(url: str, width: int) -> None:
    """Read with httpx's asynchronous client and as many tasks."""
    asyncio.run(_read_all(url, width))


async def _read_all(url: str, width: int) -> None:
    numbers = iter(range(READS))

    async def work(client: httpx.AsyncClient) -> None:
        for number in numbers:
            await client.get(f"/{number}")

    async with (
        httpx.AsyncClient(base_url=url, limits=_limits(width), trust_env=False) as client,
        asyncio.TaskGroup() as tasks,
    ):
        for _ in range(width):
            tasks.create_task(work(client))


def _measure(read: Callable[[str, int], None], url: str, width: int) -> tuple[float, float]:
    """Return the best of three runs, in seconds of the clock, and of the processor."""
    runs = []
    for _ in range(3):
        wall, processor = time.perf_counter(), time.process_time()
        read(url, width)
        runs.append((time.perf_counter() - wall, time.process_time() - processor))
    return min(runs)


def main() -> None:
    """Measure every way at every width and write a table."""
    sys.stdout.write("reads with           connections   seconds   processor   at best\n")
    with _server() as url:
        for read in (with_threads, with_httpcore, with_our_client, with_asyncio):
            for width in WIDTHS:
                seconds, processor = _measure(read, url, width)
                best = READS * LATENCY / width
                sys.stdout.write(
                    f"{read.__name__:20} {width:11} {seconds:9.2f} {processor:11.2f} {best:9.2f}\n"
                )


if __name__ == "__main__":
    main()
