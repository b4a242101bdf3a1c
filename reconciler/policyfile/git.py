"""Questions to git about the work tree that a folder lies in; nothing there is changed."""

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

from reconciler.errors import PolicyError
from reconciler.model.display import safe

SECONDS = 60.0
"""Longest wait for one answer, in seconds; a partial clone may have to fetch."""

_QUOTED = 300
"""Longest text quoted from git, in characters."""

_ENVIRONMENT = {
    "GIT_LITERAL_PATHSPECS": "1",
    "GIT_OPTIONAL_LOCKS": "0",
    "GIT_TERMINAL_PROMPT": "0",
    "LC_ALL": "C",
}
"""No pattern in a path, nothing written, nobody asked, and words that are always the same."""

_HINT = "Policies can be compared with a revision of theirs where git is, inside of a clone."


@dataclass(frozen=True, slots=True)
class Git:
    """Git, run in one folder. Every argument is ours or checked; none can pass for an option."""

    folder: Path

    def text(self, *arguments: str) -> str:
        """Return what git answers, without the last line break.

        Raises: PolicyError, with git's own words.
        """
        return os.fsdecode(self.output(*arguments)).removesuffix("\n")

    def answer(self, *arguments: str) -> str | None:
        """Return what git answers, None where it has no answer."""
        done = self._run(arguments, b"")
        return None if done.returncode else os.fsdecode(done.stdout).removesuffix("\n")

    def output(self, *arguments: str, given: bytes = b"") -> bytes:
        """Return the bytes that git answers with; `given` is what it reads.

        Raises: PolicyError, with git's own words.
        """
        done = self._run(arguments, given)
        if done.returncode:
            words = safe(os.fsdecode(done.stderr).strip()[:_QUOTED])
            raise self._error(f"git {arguments[0]} failed: {words}")
        return done.stdout

    def _run(
        self, arguments: tuple[str, ...], given: bytes
    ) -> "subprocess.CompletedProcess[bytes]":
        try:
            return subprocess.run(  # noqa: S603 - the arguments are checked by whoever asks
                ["git", "-C", str(self.folder), *arguments],  # noqa: S607 - wherever it is
                input=given,
                capture_output=True,
                check=False,
                timeout=SECONDS,
                env={**os.environ, **_ENVIRONMENT},
            )
        except FileNotFoundError:
            raise self._error("git is not installed") from None
        except (OSError, ValueError) as error:
            raise self._error(f"git cannot be run ({type(error).__name__})") from None
        except subprocess.TimeoutExpired:
            raise self._error(f"git gave no answer within {SECONDS:.0f} seconds") from None

    def _error(self, what: str) -> PolicyError:
        return PolicyError(f"{safe(self.folder.as_posix())}: {what}", hint=_HINT)
