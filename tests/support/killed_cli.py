"""The command line, in a process that kills itself at a boundary: `FAILPOINT:N COMMAND...`.

`python -m tests.support.killed_cli RepositoryState.append:after:2 apply plan.json --yes` dies right
after its second append. With `none:0` it lives. The file that PASSAGES names, if any, is told of
every boundary that is passed.
"""

import os
import sys
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path

from reconciler.__main__ import run
from tests.support.failpoints import Passages, install

TRACE = "PASSAGES"
"""The environment variable that names the trace."""

BACKEND = "PASSAGES_OF_STATE"
"""The environment variable that names the state backend, where it is no directory."""


def play(failpoint: str, arguments: Sequence[str]) -> int:
    """Run a command line with boundaries around it; return its exit code if it lives."""
    fatal, _, nth = failpoint.rpartition(":")
    trace = os.environ.get(TRACE)
    passages = Passages(fatal, int(nth), Path(trace) if trace else None)
    install(passages)
    if backend := os.environ.get(BACKEND):
        import_module("tests.support.remote_failpoints").install_remote(passages, backend)
    return run(arguments)


if __name__ == "__main__":
    sys.exit(play(sys.argv[1], sys.argv[2:]))
