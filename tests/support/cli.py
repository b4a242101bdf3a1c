"""The command line as users run it: a process of its own, with both its streams."""

import os
import subprocess
import sys
from collections.abc import Mapping
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

    def write_policy(self, text: str) -> Path:
        """Put one policy file in its place."""
        path = self.folder / "policies" / "policy.yaml"
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
        return path
