"""Read revisions and tracked files of the current work tree from git; nothing else runs git.

The content of a work tree may be untrusted, as the branch of a pull request is. Git must run no
program from it, fetch nothing for it, and get no secret:

- The top of the work tree is found here, by its `.git`, which git refuses to track; git is
  started there and never in a folder of the content. So it never reads a folder that was made to
  look like a bare repository, whose configuration could name programs; its own search for bare
  repositories is disabled too.
- Git gets only the variables of `_VARIABLES`, so it gets no token.
- Every call disables what would start a program or use the network. Only commands are called that
  read objects, references or the names in the index.

Source: git-config(1), `safe.bareRepository`, `protocol.allow`, `core.fsmonitor`; git(1),
`GIT_NO_LAZY_FETCH`.
"""

import os
import re
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
"""The variables that git gets: where it and the settings of its user are."""

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
"""No patterns in paths, no fetching or writing, no prompts, no replaced objects, and messages in
English."""

_SETTINGS = (
    "safe.bareRepository=explicit",
    # For a git too old for GIT_NO_LAZY_FETCH: no transport is allowed, so none starts a program.
    "protocol.allow=never",
    "core.fsmonitor=false",
    "core.hooksPath=/dev/null",
    "core.attributesFile=/dev/null",
    "credential.helper=",
)

_GITHUB = re.compile(r"(?:https://|ssh://git@|git@)github\.com[/:]([\w.-]+/[\w.-]+?)(?:\.git)?/?")

_HINT = "Comparing policies with a revision needs git and a clone of the repository."


@dataclass(frozen=True, slots=True)
class WorkTree:
    """A work tree of git. Callers check every argument, so that none from outside is an option.

    Build it with `work_tree_of`.
    """

    top: Path

    def text(self, *arguments: str) -> str:
        """Return the output of git without the last line break.

        Raises: GitError, with the error message of git.
        """
        return os.fsdecode(self.output(*arguments)).removesuffix("\n")

    def answer(self, *arguments: str) -> str | None:
        """Return the output of git without the last line break, None if git fails.

        Raises: GitError, when git cannot be run.
        """
        done = self._run(arguments, b"")
        return None if done.returncode else os.fsdecode(done.stdout).removesuffix("\n")

    def output(self, *arguments: str, given: bytes = b"") -> bytes:
        """Return the output of git; `given` is its input.

        Raises: GitError, with the error message of git.
        """
        done = self._run(arguments, given)
        if done.returncode:
            message = safe(os.fsdecode(done.stderr).strip()[:_QUOTED])
            raise _error(self.top, f"git {arguments[0]} failed: {message}")
        return done.stdout

    def path_of(self, path: Path) -> str | None:
        """Return a path relative to the top, empty for the top itself, None if it is outside.

        Links inside the work tree are not followed: git tracks the link itself.
        """
        absolute = Path(os.path.abspath(path))  # noqa: PTH100 - `resolve` would follow links
        # The folders above the top may be links, as /tmp is on some systems.
        for above in (absolute, *absolute.parents):
            if above.resolve() == self.top:
                name = absolute.relative_to(above).as_posix()
                return "" if name == "." else name
        return None

    def tracks(self, path: Path) -> bool:
        """Whether git tracks a file, or any file in a folder: then a checkout creates it.

        Raises: GitError, when git fails.
        """
        name = self.path_of(path)
        return name is not None and bool(self.output("ls-files", "-z", "--", name or "."))

    def _run(
        self, arguments: tuple[str, ...], given: bytes
    ) -> "subprocess.CompletedProcess[bytes]":
        settings = [argument for setting in _SETTINGS for argument in ("-c", setting)]
        known = {name: os.environ[name] for name in _VARIABLES if name in os.environ}
        try:
            return subprocess.run(  # noqa: S603 - callers check the arguments
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
            raise _error(self.top, f"git did not answer within {SECONDS:.0f} seconds") from None


def work_tree_of(folder: Path) -> WorkTree | None:
    """Find the work tree that contains a folder, None if there is none.

    The folder must be trusted, as the current one is, and not a name from the content of a work
    tree.

    Raises: GitError, when git refuses to read the work tree, or finds another top than we do.
    """
    absolute = folder.resolve()
    top = next((path for path in (absolute, *absolute.parents) if (path / ".git").exists()), None)
    if top is None:
        return None
    work_tree = WorkTree(top)
    reported = work_tree.text("rev-parse", "--show-toplevel")
    if Path(reported).resolve() != top:
        raise _error(top, f"git reports {safe(reported)!r} as the top of this work tree")
    return work_tree


def repository_at(url: str) -> str:
    """Return OWNER/NAME for the address of a repository of github.com; empty for any other."""
    named = _GITHUB.fullmatch(url)
    return named[1] if named else ""


def _error(folder: Path, what: str) -> GitError:
    return GitError(f"{safe(folder.as_posix())}: {what}", hint=_HINT)
