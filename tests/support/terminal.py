"""A terminal that a command writes its stderr to, as a person would see it."""

import os
import pty
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from tests.support.cli import CommandLine, Ended


def on_a_terminal(
    reconciler: CommandLine, *arguments: str, more: Mapping[str, str] | None = None
) -> Ended:
    """Run a command whose stdout is a file and whose stderr is a terminal."""
    ours, theirs = pty.openpty()
    terminal = Path(os.ttyname(theirs))
    environment = {"TERM": "xterm", **(more or {})}
    with ThreadPoolExecutor(1) as pool:
        displayed = pool.submit(_read, ours)
        try:
            with reconciler.running(*arguments, more=environment, terminal=terminal) as command:
                ended = command.wait()
        finally:
            os.close(theirs)
        return replace(ended, stderr=displayed.result())


def _read(terminal: int) -> str:
    """Read until everybody who could write has closed it, which Linux tells as an error."""
    seen = bytearray()
    with suppress(OSError):
        while part := os.read(terminal, 65_536):
            seen += part
    os.close(terminal)
    return seen.decode()
