"""The server: loopback only, stopped at once, and a program of its own."""

import signal
import socket
import subprocess
import sys

import httpx
import pytest

from reconciler.sandbox.faults import Fault
from reconciler.sandbox.server import Sandbox
from tests.unit.sandbox.conftest import small_package


def test_a_sandbox_listens_on_loopback_until_its_block_ends() -> None:
    sandbox = Sandbox(packages=[small_package()])

    with sandbox.serve():
        host, _, port = sandbox.host.partition(":")
        answered = httpx.get(f"{sandbox.url}/_sandbox/state").status_code

    assert (host, answered) == ("127.0.0.1", 200)
    with pytest.raises(OSError, match="refused"):
        socket.create_connection((host, int(port)))


def test_two_sandboxes_know_nothing_of_each_other() -> None:
    with Sandbox(packages=[small_package()]).serve() as full, Sandbox().serve() as empty:
        packages = [
            httpx.get(f"{sandbox.url}/_sandbox/state").json()["packages"]
            for sandbox in (full, empty)
        ]

    assert [len(found) for found in packages] == [1, 0]


def test_stopping_cuts_a_call_that_hangs() -> None:
    sandbox = Sandbox()
    sandbox.add_faults(Fault(cut="hang"))

    with sandbox.serve():
        caller = socket.create_connection(("127.0.0.1", int(sandbox.host.partition(":")[2])))
        caller.sendall(b"GET /user HTTP/1.1\r\nhost: sandbox\r\n\r\n")
        # This later call is answered, so the first one has arrived.
        httpx.get(f"{sandbox.url}/_sandbox/state")

    with caller:
        assert caller.recv(1) == b""


PROGRAM = """
from reconciler.sandbox.server import serve_forever
from reconciler.sandbox.settings import SandboxSettings
from reconciler.sandbox.settings import ticking
from datetime import UTC, datetime
start = datetime(2030, 1, 1, tzinfo=UTC)
serve_forever(SandboxSettings(now=ticking(start)), [], started=lambda url: print(url, flush=True))
"""


def test_a_sandbox_serves_as_a_program_until_it_is_interrupted() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", PROGRAM], stdout=subprocess.PIPE, text=True
    ) as run:
        assert run.stdout is not None
        url = run.stdout.readline().strip()
        date = httpx.get(f"{url}/user").headers["date"]
        run.send_signal(signal.SIGTERM)
        code = run.wait(timeout=10)

    assert date.startswith("Tue, 01 Jan 2030 00:00:")
    assert code == -signal.SIGTERM
