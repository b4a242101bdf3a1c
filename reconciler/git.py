"""Questions to git about the work tree that somebody stands in: the only place that runs git.

What lies in a work tree may be a stranger's, as the branch of a pull request is. Git must run
nothing of it, fetch nothing for it, and know no secret:

- The top of the work tree is found here, by its `.git`, which git refuses to track; git is
  started there and never in a folder of the content. A folder that is made to look like a bare
  repository, whose configuration could name programs, is thereby never asked about, and git is
  told not to look for one either.
- Git gets the variables of `_VARIABLES` and no other, so no token is among them.
- Whatever would start a program or reach the network is switched off for each call. Only commands
  are called that read objects, references or the names of the index.

Source: git-config(1), `safe.bareRepository`, `protocol.allow`, `core.fsmonitor`; git(1),
`GIT_NO_LAZY_FETCH`.
"""

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

from reconciler.errors import GitError
from reconciler.model.base import safe

SECONDS = 60.0
"""Longest wait for one answer, in seconds."""

_QUOTED = 300
"""Longest text quoted from git, in characters."""

_VARIABLES = (
    "PATH",
    "HOME",
    "USER",
    "LOGNAME",
    "SUDO_UID",
    "TMPDIR",
    "LD_LIBRARY_PATH",
    "XDG_CONFIG_HOME",
    "GIT_CONFIG_GLOBAL",
    "GIT_CONFIG_SYSTEM",
    "GIT_CONFIG_NOSYSTEM",
)
"""What git is told of the environment: where it and its user's own settings are."""

_ENVIRONMENT = {
    "GIT_LITERAL_PATHSPECS": "1",
    "GIT_NO_LAZY_FETCH": "1",
    "GIT_NO_REPLACE_OBJECTS": "1",
    "GIT_OPTIONAL_LOCKS": "0",
    "GIT_PAGER": "cat",
    "GIT_PROTOCOL_FROM_USER": "0",
    "GIT_TERMINAL_PROMPT": "0",
    "LC_ALL": "C",
}
"""No pattern in a path, nothing fetched or written, nobody asked; a commit's id means what it says,
and git's words are always the same."""

_SETTINGS = (
    "safe.bareRepository=explicit",
    # Also where git is too old for GIT_NO_LAZY_FETCH: no transport, so no program of one.
    "protocol.allow=never",
    "core.fsmonitor=false",
    "core.hooksPath=/dev/null",
    "core.attributesFile=/dev/null",
    "credential.helper=",
)

_HINT = "Policies can be compared with a revision of theirs where git is, inside of a clone."


@dataclass(frozen=True, slots=True)
class WorkTree:
    """A work tree of git, by its top folder. Every argument is ours or checked; none is an option.

    Build it with `work_tree_of`.
    """

    top: Path

    def text(self, *arguments: str) -> str:
        """Return what git answers, without the last line break.

        Raises: GitError, with git's own words.
        """
        return os.fsdecode(self.output(*arguments)).removesuffix("\n")

    def answer(self, *arguments: str) -> str | None:
        """Return what git answers, None where it has no answer.

        Raises: GitError, when git cannot be run.
        """
        done = self._run(arguments, b"")
        return None if done.returncode else os.fsdecode(done.stdout).removesuffix("\n")

    def output(self, *arguments: str, given: bytes = b"") -> bytes:
        """Return the bytes that git answers with; `given` is what it reads.

        Raises: GitError, with git's own words.
        """
        done = self._run(arguments, given)
        if done.returncode:
            words = safe(os.fsdecode(done.stderr).strip()[:_QUOTED])
            raise _error(self.top, f"git {arguments[0]} failed: {words}")
        return done.stdout

    def path_of(self, path: Path) -> str | None:
        """Return the name that git has for a path, empty for the top; None for one outside.

        Links inside the work tree are not followed: git tracks a link as itself.
        """
        absolute = Path(os.path.abspath(path))  # noqa: PTH100 - `resolve` would follow links
        # The way to the top may go through links, as /tmp does on some systems.
        for above in (absolute, *absolute.parents):
            if above.resolve() == self.top:
                name = absolute.relative_to(above).as_posix()
                return "" if name == "." else name
        return None

    def tracks(self, path: Path) -> bool:
        """Whether git tracks a file, or anything in a folder: then a checkout brings it.

        Raises: GitError, when git does not answer.
        """
        name = self.path_of(path)
        return name is not None and bool(self.output("ls-files", "-z", "--", name or "."))

    def _run(
        self, arguments: tuple[str, ...], given: bytes
    ) -> "subprocess.CompletedProcess[bytes]":
        settings = [word for setting in _SETTINGS for word in ("-c", setting)]
        known = {name: os.environ[name] for name in _VARIABLES if name in os.environ}
        try:
            return subprocess.run(  # noqa: S603 - the arguments are checked by whoever asks
                ["git", "--no-pager", *settings, "-C", str(self.top), *arguments],  # noqa: S607
                input=given,
                capture_output=True,
                check=False,
                timeout=SECONDS,
                env={**known, **_ENVIRONMENT},
            )
        except FileNotFoundError:
            raise _error(self.top, "git is not installed") from None
        except (OSError, ValueError) as error:
            raise _error(self.top, f"git cannot be run ({type(error).__name__})") from None
        except subprocess.TimeoutExpired:
            raise _error(self.top, f"git gave no answer within {SECONDS:.0f} seconds") from None


def work_tree_of(folder: Path) -> WorkTree | None:
    """Find the work tree that a folder lies in, None where it lies in none.

    The folder must be the caller's own choice, as the current one is, and not content of a work
    tree that somebody else wrote.

    Raises: GitError, when git will not read the work tree, or takes another folder for its top.
    """
    absolute = folder.resolve()
    top = next((path for path in (absolute, *absolute.parents) if (path / ".git").exists()), None)
    if top is None:
        return None
    found = WorkTree(top)
    told = found.text("rev-parse", "--show-toplevel")
    if Path(told).resolve() != top:
        raise _error(top, f"git takes {safe(told)!r} for the top of this work tree")
    return found


def _error(folder: Path, what: str) -> GitError:
    return GitError(f"{safe(folder.as_posix())}: {what}", hint=_HINT)
