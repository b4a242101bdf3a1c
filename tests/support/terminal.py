"""A terminal that a command writes its stderr to, as a person would see it."""

import os
import pty
import subprocess
import sys
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

from tests.support.cli import SECONDS, CommandLine, Ended


def on_a_terminal(
    reconciler: CommandLine, *arguments: str, more: Mapping[str, str] | None = None
) -> Ended:
    """Run a command whose stdout is a pipe and whose stderr is a terminal."""
    ours, theirs = pty.openpty()
    environment = {**os.environ, **reconciler.environment, "TERM": "xterm", **(more or {})}
    with ThreadPoolExecutor(1) as pool:
        seen = pool.submit(_read, ours)
        done = subprocess.run(
            [sys.executable, "-m", "reconciler", *arguments],
            cwd=reconciler.folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=theirs,
            text=True,
            timeout=SECONDS,
            check=False,
        )
        os.close(theirs)
        return Ended(done.returncode, done.stdout, seen.result())


def _read(terminal: int) -> str:
    """Read until everybody who could write has closed it, which Linux tells as an error."""
    seen = bytearray()
    with suppress(OSError):
        while part := os.read(terminal, 65_536):
            seen += part
    os.close(terminal)
    return seen.decode()
