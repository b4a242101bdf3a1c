"""The log of a workflow step, in which the runner executes some lines as commands.

Nearly every line has untrusted text: tags, annotations, answers of servers, policies of a pull
request. None of it may become a command. So commands are stopped before anything is done; and as
the runner reads two streams, each at its own pace, every command is also broken up in both. Only
our own annotations are written as commands.

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
    """A stream that writes complete lines to another stream, with workflow commands broken up."""

    def __init__(self, target: TextIO) -> None:
        """Write to `target`."""
        super().__init__()
        self._target = target
        self._rest = ""

    def writable(self) -> bool:
        """Whether the stream can be written to: always."""
        return True

    def write(self, text: str) -> int:
        """Write complete lines, and buffer the rest: a command may be written in parts."""
        # The last element has no line break yet: it is the start of a line, or empty.
        *lines, self._rest = (self._rest + text).split("\n")
        self._target.write("".join(f"{inert(line)}\n" for line in lines))
        return len(text)

    def flush(self) -> None:
        """Flush the complete lines."""
        self._target.flush()

    def finish(self) -> None:
        """Write the buffered text as the last line."""
        if self._rest:
            self.write("\n")
        self.flush()


class Console:
    """The log of a step. Shape: commands are stopped except during `command`."""

    def __init__(self, target: TextIO) -> None:
        """Stop commands."""
        self._target = target
        self._token = ""
        self._stop()

    def command(self, lines: str) -> None:
        """Write workflow commands, which the caller has escaped."""
        self._target.write(f"::{self._token}::\n")
        self._target.write(lines)
        self._stop()

    def _stop(self) -> None:
        # Commands resume only with this token, which no other text can contain.
        self._token = secrets.token_hex(16)
        self._target.write(f"::stop-commands::{self._token}\n")
        self._target.flush()


@contextmanager
def workflow_console() -> Iterator[Console]:
    """Guard stdout and stderr of this process during a `with` block.

    Commands stay stopped afterwards: nothing that follows in this step is written by us.
    """
    console = Console(sys.stdout)
    output, errors = InertStream(sys.stdout), InertStream(sys.stderr)
    try:
        with redirect_stdout(output), redirect_stderr(errors):
            yield console
    finally:
        output.finish()
        errors.finish()
