"""What a step writes into the log of a workflow, where a runner takes some lines for commands.

Texts of strangers are in nearly every line: tags, annotations, answers of servers, policies of a
pull request. None of them may become a command. The runner is told to take none, before anything
is done; and since it reads two streams, each at its own pace, what would be a command is broken up
in both. Only our own annotations are written between.

Source: actions/runner, ActionCommand.cs: `::` after white space at the start of a line, `##[`
anywhere in one.
"""

import io
import secrets
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from typing import TextIO

from reconciler.model.base import inert


class InertStream(io.TextIOBase):
    """A stream that writes whole lines to another one, none of which is a workflow command."""

    def __init__(self, target: TextIO) -> None:
        """Remember where lines go."""
        super().__init__()
        self._target = target
        self._rest = ""

    def writable(self) -> bool:
        """Say that it is there to be written to."""
        return True

    def write(self, text: str) -> int:
        """Write the lines that are complete; the rest waits, for a command may come in pieces."""
        *lines, self._rest = (self._rest + text).split("\n")
        self._target.write("".join(f"{inert(line)}\n" for line in lines))
        return len(text)

    def flush(self) -> None:
        """Let the complete lines be seen."""
        self._target.flush()

    def finish(self) -> None:
        """Write what has no line break as a line of its own."""
        if self._rest:
            self.write("\n")
        self.flush()


class Console:
    """The log of a step. Shape: commands are stopped but for the moment of `command`."""

    def __init__(self, target: TextIO) -> None:
        """Stop commands at once."""
        self._target = target
        self._token = ""
        self._stop()

    def command(self, lines: str) -> None:
        """Write lines of workflow commands, each of which is made and escaped by us."""
        self._resume()
        self._target.write(lines)
        self._stop()

    def _stop(self) -> None:
        # Nobody can write the line that lets commands through again without knowing this.
        self._token = secrets.token_hex(16)
        self._target.write(f"::stop-commands::{self._token}\n")
        self._target.flush()

    def _resume(self) -> None:
        self._target.write(f"::{self._token}::\n")


@contextmanager
def workflow_console() -> Iterator[Console]:
    """Guard both streams of this process for the length of a `with` block.

    Commands stay stopped after it: nothing that follows in this step is ours.
    """
    console = Console(sys.stdout)
    printed, told = InertStream(sys.stdout), InertStream(sys.stderr)
    try:
        with redirect_stdout(printed), redirect_stderr(told):
            yield console
    finally:
        printed.finish()
        told.finish()
