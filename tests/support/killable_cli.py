"""The command line in real processes that can be killed at a boundary, stopped and watched."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from itertools import count
from multiprocessing.synchronize import Barrier
from pathlib import Path

from tests.support import killed_cli
from tests.support.cli import PROCESSES, Ended, Running, start

NEVER = "none:0"
"""The failpoint of those who are to live."""


def gate(count: int) -> Barrier:
    """Make a gate that opens when so many processes have come to it."""
    return PROCESSES.Barrier(count)


@dataclass(frozen=True)
class KillableCommandLine:
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
        return start(
            partial(killed_cli.play, at, arguments),
            self.folder,
            {**self.environment, **(more or {})},
            (output.with_suffix(".out"), output.with_suffix(".err")),
            name=f"reconciler {' '.join(arguments)}",
            gate=gate,
        )
