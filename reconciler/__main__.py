"""The command line of this process: `--version` and `--help` at once, commands by their group."""

import gc
import os
import sys
from collections.abc import Callable, Sequence

_GC_THRESHOLD = 50_000
"""New objects between two searches for cycles: those of about a thousand versions."""


def answer(arguments: Sequence[str]) -> str:
    """Return what `--version`, `--help` or no argument print; empty for any other command line.

    Importing what reads command lines takes longer than all the rest of these.
    """
    match arguments:
        case ["--version"]:
            from reconciler.version import __version__

            return f"reconciler {__version__}\n"
        case [] | ["--help"] | ["-h"]:
            from shutil import get_terminal_size

            from reconciler.commands._overview import overview

            # As wide as the library makes the help of commands.
            return overview(max(min(get_terminal_size().columns, 80) - 2, 50))
        case _:
            return ""


def run(arguments: Sequence[str]) -> int:
    """Run one command line and return its exit code."""
    from reconciler.commands._group import run as run_command

    return _with_stdout(lambda: run_command(arguments))


def _with_stdout(work: Callable[[], int]) -> int:
    """Call what writes to stdout; if that cannot be written, say so and return 1.

    Everything is written when this returns, so that nothing fails while the process ends.
    """
    try:
        code = work()
        sys.stdout.flush()
    except OSError as error:
        # Errors of files have a name, and are converted where the file is opened.
        if error.filename or not _is_stdout_broken():
            raise
        _discard_stdout()
        # Whoever reads a pipe may stop, as `head` does.
        if isinstance(error, BrokenPipeError):
            return 1
        sys.stderr.write(
            f"Error: stdout cannot be written: {error.strerror}\nThe output is incomplete. Write it"
            " to another place; if this command deletes or restores, `reconciler log list` lists"
            " what it did.\n"
        )
        return 1
    return code


def _is_stdout_broken() -> bool:
    """Whether stdout, and not another file, refuses what is still to be written to it."""
    try:
        # What failed is no longer in the buffer, so something must be written.
        sys.stdout.write("\n")
        sys.stdout.flush()
    except OSError:
        return True
    return False


def _discard_stdout() -> None:
    """Send what is still to be written nowhere: otherwise Python fails once more at its end."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)


def _write(text: str) -> int:
    sys.stdout.write(text)
    return 0


def collect_rarely() -> None:
    """Look for cycles of objects less often in this process.

    A plan allocates millions of objects that live until the process ends, and hardly any cycle.
    With the usual threshold of 700, the search takes a fifth of the time of a large plan.
    """
    gc.set_threshold(_GC_THRESHOLD, *gc.get_threshold()[1:])


def load_no_plugins() -> None:
    """Let pydantic look for no plugins in this process, unless the user says which to look for.

    Looking reads the metadata of every installed package, and a plugin could change what is valid.
    """
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "1")


def skip_httpx_command() -> None:
    """Let httpx find that its own command line is not installed, in this process.

    It loads that with itself where click is installed, as it is for uvicorn: 0.11 s of processor
    time and a hundred modules for every command that contacts a registry.
    Source: httpx 0.28, `httpx/__init__.py`.
    """
    sys.modules.setdefault("httpx._main", None)  # type: ignore[arg-type]  # as import checks it


def main() -> None:
    """Run the command line of this process."""
    arguments = sys.argv[1:]
    # A shell that asks for completions gives no arguments either.
    if "_RECONCILER_COMPLETE" not in os.environ and (text := answer(arguments)):
        sys.exit(_with_stdout(lambda: _write(text)))
    collect_rarely()
    load_no_plugins()
    skip_httpx_command()
    sys.exit(run(arguments))


if __name__ == "__main__":
    main()
