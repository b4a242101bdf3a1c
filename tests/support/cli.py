"""The command line as users run it: a process of its own, with both its streams.

Each process is forked from one that did nothing but import the program: it has its own number,
files, signals and death, and only the import is saved, which takes longer than most commands.
"""

import multiprocessing
import os
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from multiprocessing.process import BaseProcess
from multiprocessing.synchronize import Barrier
from pathlib import Path
from signal import SIGCONT, SIGSTOP, Signals

from reconciler.__main__ import run

SECONDS = 120
"""Longest that one command may take, in seconds."""

PROCESSES = multiprocessing.get_context("forkserver")
PROCESSES.set_forkserver_preload(["tests.support.imported"])

_GLANCE = 0.02
"""Seconds between two looks at what a command does."""


@dataclass(frozen=True)
class Ended:
    """How a command ended: its exit code and what it wrote."""

    code: int
    stdout: str
    stderr: str

    @property
    def last_line(self) -> str:
        """The line that machines read."""
        return self.stdout.rstrip().rpartition("\n")[2]


@dataclass(frozen=True)
class Running:
    """A command at work."""

    process: BaseProcess
    stdout: Path
    stderr: Path
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
        return self.stderr.read_text("utf-8")

    def send(self, number: Signals) -> None:
        """Send it a signal."""
        os.kill(self.pid, number)

    def kill(self) -> None:
        """End it at once, without any chance to tidy up."""
        self.process.kill()
        self.process.join(SECONDS)

    def pause(self) -> None:
        """Stop it where it is, and wait until it has stopped."""
        self.send(SIGSTOP)
        self.await_that(lambda: self._status("State").startswith("T"))

    def resume(self) -> None:
        """Let it continue."""
        self.send(SIGCONT)

    def catches(self, number: Signals) -> bool:
        """Whether it has a handler for a signal, as the kernel reports."""
        return bool(int(self._status("SigCgt"), 16) >> (number - 1) & 1)

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
        # A terminal has nothing to read back.
        written = (path.read_text("utf-8") if path.is_file() else "" for path in self._streams)
        return Ended(code, *written)

    @property
    def _streams(self) -> tuple[Path, Path]:
        return self.stdout, self.stderr

    def _status(self, name: str) -> str:
        """Read one line of what the kernel reports about it."""
        lines = Path(f"/proc/{self.pid}/status").read_text().splitlines()
        return next(line.split()[1] for line in lines if line.startswith(f"{name}:"))


def start(
    command: Callable[[], int],
    folder: Path,
    environment: Mapping[str, str],
    streams: tuple[Path, Path],
    *,
    name: str = "reconciler",
    gate: Barrier | None = None,
) -> Running:
    """Start a process that calls `command` in a folder and exits with the code it returns.

    Its stdout and stderr are the files `streams`; it reads nothing. It begins when as many
    processes as the `gate` counts have come to it.
    """
    for path in streams:
        path.touch()
    process = PROCESSES.Process(
        target=_become,
        args=(command, folder, dict(environment), streams, gate),
        name=name,
        daemon=True,
    )
    process.start()
    return Running(process, *streams, gate)


def _become(
    command: Callable[[], int],
    folder: Path,
    environment: Mapping[str, str],
    streams: tuple[Path, Path],
    gate: Barrier | None,
) -> None:
    """Be the command: in its folder and environment, with its streams in files."""
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    for descriptor, path in enumerate(streams, start=1):
        with path.open("wb") as file:
            os.dup2(file.fileno(), descriptor)
    if gate:
        gate.wait(SECONDS)
    raise SystemExit(command())


@dataclass(frozen=True)
class CommandLine:
    """Runs commands in one folder, which holds `policies/` and the state."""

    folder: Path
    environment: Mapping[str, str]

    def __call__(self, *arguments: str, more: Mapping[str, str] | None = None) -> Ended:
        """Run `reconciler` with arguments and wait for it."""
        with self.running(*arguments, more=more) as command:
            return command.wait()

    @contextmanager
    def running(
        self,
        *arguments: str,
        more: Mapping[str, str] | None = None,
        terminal: Path | None = None,
    ) -> Iterator[Running]:
        """Start `reconciler` with arguments; it is killed at the end, if it still runs.

        Its stderr may be a `terminal`.
        """
        environment = {**os.environ, **self.environment, **(more or {})}
        with tempfile.TemporaryDirectory() as place:
            streams = (Path(place, "stdout"), terminal or Path(place, "stderr"))
            command = start(partial(run, arguments), self.folder, environment, streams)
            try:
                yield command
            finally:
                command.kill()

    def write_policy(self, text: str) -> Path:
        """Put one policy file in its place."""
        path = self.folder / "policies" / "policy.yaml"
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
        return path
