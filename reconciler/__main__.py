"""The command line of this process: `--version` and `--help` at once, commands by their group."""

import gc
import os
import sys
from collections.abc import Sequence

_GC_THRESHOLD = 50_000
"""New objects between two searches for cycles: those of about a thousand versions."""


def answer(arguments: Sequence[str]) -> str:
    """Return what `--version` or `--help` alone print; empty for any other command line.

    Importing what reads command lines takes longer than all the rest of these two.
    """
    match arguments:
        case ["--version"]:
            from reconciler.version import __version__

            return f"reconciler {__version__}\n"
        case ["--help"]:
            from shutil import get_terminal_size

            from reconciler.commands._overview import overview

            # As wide as the library makes the help of commands.
            return overview(max(min(get_terminal_size().columns, 80) - 2, 50))
        case _:
            return ""


def run(arguments: Sequence[str]) -> int:
    """Run one command line and return its exit code."""
    from reconciler.commands._group import run as run_command

    return run_command(arguments)


def collect_rarely() -> None:
    """Look for cycles of objects less often in this process.

    A plan allocates millions of objects that live until the process ends, and hardly any cycle.
    With the usual threshold of 700, the search takes a fifth of the time of a large plan.
    """
    gc.set_threshold(_GC_THRESHOLD, *gc.get_threshold()[1:])


def load_no_plugins() -> None:
    """Let pydantic look for no plugins in this process.

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
    if text := answer(arguments):
        sys.stdout.write(text)
        return
    collect_rarely()
    load_no_plugins()
    skip_httpx_command()
    sys.exit(run(arguments))


if __name__ == "__main__":
    main()
