"""The command line in real processes that begin with everything imported, to be had by hundreds.

Each one is forked from a process that did nothing but import: it has its own number, files, signals
and death, and only its first second is saved.
"""

import multiprocessing
import os
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count
from multiprocessing.process import BaseProcess
from multiprocessing.synchronize import Barrier
from pathlib import Path
from signal import Signals

from tests.support import killed_cli
from tests.support.cli import SECONDS, Ended

NEVER = "none:0"
"""The failpoint of those who are to live."""

_GLANCE = 0.02
"""Seconds between two looks at what a command does."""

_FORKS = multiprocessing.get_context("forkserver")
_FORKS.set_forkserver_preload(
    [f"reconciler.commands.{name}" for name in ("apply", "log", "plan", "undo")]
    + ["tests.support.killed_cli"]
)


def gate(count: int) -> Barrier:
    """Make a gate that opens when so many processes have come to it."""
    return _FORKS.Barrier(count)


@dataclass(frozen=True)
class Running:
    """A command under way."""

    process: BaseProcess
    output: Path
    """Where its streams go: this name with `.out` and `.err`."""

    gate: Barrier | None = None
    """What it waits for in the beginning; it must not vanish before."""

    @property
    def pid(self) -> int:
        """The number of the process."""
        assert self.process.pid, "it was started"
        return self.process.pid

    @property
    def lives(self) -> bool:
        """Whether it has not ended yet."""
        return self.process.is_alive()

    @property
    def said(self) -> str:
        """What it wrote to stderr so far."""
        return self.output.with_suffix(".err").read_text()

    def send(self, number: Signals) -> None:
        """Send it a signal."""
        os.kill(self.pid, number)

    def catches(self, number: Signals) -> bool:
        """Whether it has a handler for a signal, as the kernel tells."""
        status = Path(f"/proc/{self.pid}/status").read_text()
        caught = next(line for line in status.splitlines() if line.startswith("SigCgt"))
        return bool(int(caught.split()[1], 16) >> (number - 1) & 1)

    def await_that(self, happened: Callable[[], bool]) -> None:
        """Look again and again until something has happened, as long as it lives."""
        while not happened():
            assert self.lives, self.wait()
            time.sleep(_GLANCE)

    def wait(self, seconds: float = SECONDS) -> Ended:
        """Wait for its end; a negative code names the signal that killed it.

        Raises: TimeoutError, once it is killed for taking longer.
        """
        self.process.join(seconds)
        if self.lives:
            self.process.kill()
            raise TimeoutError(f"{self.process.name} took more than {seconds} seconds")
        code = self.process.exitcode
        assert code is not None, "it has ended"
        written = (self.output.with_suffix(end).read_text() for end in (".out", ".err"))
        return Ended(code, *written)


@dataclass(frozen=True)
class Forks:
    """Runs commands in one folder, which holds `policies/` and the state."""

    folder: Path
    environment: Mapping[str, str]
    _numbers: "count[int]" = field(default_factory=count)

    def __call__(self, *arguments: str, at: str = NEVER) -> Ended:
        """Run `reconciler` with arguments and wait for it; it dies at the failpoint `at:N`."""
        return self.start(*arguments, at=at).wait()

    def start(
        self,
        *arguments: str,
        at: str = NEVER,
        more: Mapping[str, str] | None = None,
        gate: Barrier | None = None,
    ) -> Running:
        """Begin to run `reconciler` with arguments, and `more` in its environment.

        Those who are given one `gate` begin together, when all of them are there.
        """
        output = self.folder / f"command-{next(self._numbers)}"
        for end in (".out", ".err"):
            output.with_suffix(end).touch()
        process = _FORKS.Process(
            target=_play,
            args=(at, arguments, self.folder, {**self.environment, **(more or {})}, output, gate),
            name=f"reconciler {' '.join(arguments)}",
            daemon=True,
        )
        process.start()
        return Running(process, output, gate)


def _play(
    failpoint: str,
    arguments: Sequence[str],
    folder: Path,
    environment: Mapping[str, str],
    output: Path,
    gate: Barrier | None,
) -> None:
    """Become the command: in its folder and environment, with its streams in files."""
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    for descriptor, end in ((1, ".out"), (2, ".err")):
        with output.with_suffix(end).open("wb") as file:
            os.dup2(file.fileno(), descriptor)
    if gate:
        gate.wait(SECONDS)
    raise SystemExit(killed_cli.play(failpoint, arguments))
