"""Another process that works with a state, and is told what to do; it imports little."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Self

from reconciler.errors import ReconcilerError
from reconciler.model.ports import RepositoryState
from reconciler.state.opening import open_state_at
from tests.support.backend_settings import known
from tests.support.states import NOON, WEB, holder, intent

_ROOT = Path(__file__).parents[2]


class Actor:
    """Another process with the state of a repository open, told line by line what to do."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        """Take over a process that runs this module."""
        self._process = process

    def ask(self, command: str) -> str:
        """Have it do one thing and wait for the answer."""
        return self.tell(command).answer()

    def tell(self, command: str) -> Self:
        """Have it do one thing without waiting."""
        _pipe(self._process.stdin).write(command + "\n")
        _pipe(self._process.stdin).flush()
        return self

    def answer(self) -> str:
        """Wait for its next answer: what it did, or the name of the error."""
        return _pipe(self._process.stdout).readline().strip()

    def pause(self) -> None:
        """Stop it where it is, and wait until it has stopped."""
        self._process.send_signal(signal.SIGSTOP)
        os.waitpid(self._process.pid, os.WUNTRACED)

    def resume(self) -> None:
        """Let it go on."""
        self._process.send_signal(signal.SIGCONT)

    def kill(self) -> None:
        """End it at once, without any chance to tidy up."""
        self._process.kill()
        self._process.wait()


@contextmanager
def actor(address: str, run: str) -> Iterator[Actor]:
    """Start another process that opens the state of WEB at an address; end it afterwards."""
    command = [sys.executable, "-m", __name__, address, run]
    with subprocess.Popen(
        command, cwd=_ROOT, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        try:
            yield Actor(process)
        finally:
            process.kill()


def _pipe(stream: IO[str] | None) -> IO[str]:
    assert stream is not None, "every actor is started with pipes"
    return stream


def _act(state: RepositoryState, run: str) -> None:
    """Obey commands; what `lock` opened stays open until `release` is read."""
    for line in sys.stdin:
        match line.split():
            case ["release"]:
                return
            case ["lock"]:
                with _answered("released"), state.lock(holder(run)):
                    _say("locked")
                    _act(state, run)
            case ["append"]:
                with _answered("appended"):
                    state.append(run, NOON, [intent()])
            case ["take-turns", turns, marker]:
                with _answered("done"):
                    _take_turns(state, run, int(turns), Path(marker))


def _take_turns(state: RepositoryState, run: str, turns: int, marker: Path) -> None:
    """Get the lock so many times; two who hold it at once collide on the marker."""
    done = 0
    while done < turns:
        try:
            with state.lock(holder(run)):
                marker.touch(exist_ok=False)
                state.append(run, NOON, [intent(done)])
                marker.unlink()
                done += 1
        except ReconcilerError as error:
            if type(error).__name__ != "LockedError":
                raise


@contextmanager
def _answered(success: str) -> Iterator[None]:
    try:
        yield
        _say(success)
    except (ReconcilerError, FileExistsError) as error:
        _say(type(error).__name__)


def _say(answer: str) -> None:
    sys.stdout.write(answer + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    address, run = sys.argv[1:]
    _act(open_state_at(address, known()).of(WEB), run)
