"""The command line as users run it: a process of its own, with both its streams."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

SECONDS = 120
"""Longest that one command may take, in seconds."""


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

    process: "subprocess.Popen[str]"

    @property
    def pid(self) -> int:
        """The number of its process."""
        return self.process.pid

    @property
    def lives(self) -> bool:
        """Whether it has not ended yet."""
        return self.process.poll() is None

    def kill(self) -> None:
        """End it at once, without any chance to tidy up."""
        self.process.kill()
        self.process.wait(SECONDS)

    def pause(self) -> None:
        """Stop it where it is, and wait until it has stopped."""
        self.process.send_signal(signal.SIGSTOP)
        os.waitpid(self.pid, os.WUNTRACED)

    def resume(self) -> None:
        """Let it go on."""
        self.process.send_signal(signal.SIGCONT)

    def ended(self) -> Ended:
        """Wait for its end."""
        stdout, stderr = self.process.communicate(timeout=SECONDS)
        return Ended(self.process.returncode, stdout, stderr)


@dataclass(frozen=True)
class CommandLine:
    """Runs commands in one folder, which holds `policies/` and the state."""

    folder: Path
    environment: Mapping[str, str]

    def __call__(self, *arguments: str, more: Mapping[str, str] | None = None) -> Ended:
        """Run `reconciler` with arguments and wait for it."""
        done = subprocess.run(
            [sys.executable, "-m", "reconciler", *arguments],
            cwd=self.folder,
            env={**os.environ, **self.environment, **(more or {})},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=False,
        )
        return Ended(done.returncode, done.stdout, done.stderr)

    @contextmanager
    def running(self, *arguments: str) -> Iterator["Running"]:
        """Start `reconciler` with arguments; it is killed at the end, if it still runs."""
        with subprocess.Popen(
            [sys.executable, "-m", "reconciler", *arguments],
            cwd=self.folder,
            env={**os.environ, **self.environment},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        ) as process:
            try:
                yield Running(process)
            finally:
                process.kill()

    def write_policy(self, text: str) -> Path:
        """Put one policy file in its place."""
        path = self.folder / "policies" / "policy.yaml"
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
        return path
