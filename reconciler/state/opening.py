"""Open the state at a directory or an address. A new backend is one line in BACKENDS."""

import re
import shlex
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

from pydantic import SecretStr

from reconciler.errors import GitError, SettingsError
from reconciler.git import work_tree_of
from reconciler.model.ports import Clock, State
from reconciler.state.address import Address
from reconciler.state.local import LocalState

_PASSWORD = re.compile(r"\bpassword\s*=", re.IGNORECASE)

_HELP = "Write a directory, or an address that begins with {known}."


@dataclass(frozen=True, slots=True)
class BackendSettings:
    """What backends need besides the address: the clock, and the API and token of GitHub."""

    clock: Clock
    github_api: str = ""
    github_token: SecretStr | None = None


@dataclass(frozen=True, slots=True)
class Backend:
    """The module that opens one kind of address, and the library that only it needs.

    It is imported when needed: its library is large and optional. Shape: `needs` is a requirement,
    the same as in the extra of pyproject.toml that brings it.
    """

    module: str
    needs: str = ""

    def open_at(self, address: Address, settings: BackendSettings) -> State:
        """Open the state at an address; nothing is sent yet.

        Raises: SettingsError, with the library that is not installed.
        """
        try:
            module = import_module(self.module)
        except ModuleNotFoundError as error:
            # A module of our own that is missing is a defect, not a library to install.
            if not self.needs or str(error.name).startswith("reconciler"):
                raise
            raise SettingsError(
                f"a state at {address.scheme}://... needs {error.name}, which is not installed",
                hint=f"Install it with: {install_command(self.needs)}",
            ) from error
        open_at: Callable[[Address, BackendSettings], State] = module.open_at
        return open_at(address, settings)


def install_command(requirement: str) -> str:
    """Return the shell command that installs a library for the interpreter that runs this.

    It names the library and never this program: nobody knows where that was installed from, and
    a package index may have another program of its name.
    """
    return f"{shlex.quote(sys.executable)} -m pip install '{requirement}'"


_BUCKETS = Backend("reconciler.state.buckets", "obstore>=0.8")
_POSTGRESQL = Backend("reconciler.state.postgresql", "psycopg[binary]>=3.2")
BACKENDS: Mapping[str, Backend] = {
    "s3": _BUCKETS,
    "gs": _BUCKETS,
    "az": _BUCKETS,
    "postgresql": _POSTGRESQL,
    "github": Backend("reconciler.state.branch"),
}
"""The backend for each scheme of an address."""


def open_state_at(place: str, settings: BackendSettings) -> State:
    """Open the state at an address or in a directory; nothing is read or created yet.

    Raises: SettingsError, when it is neither, a library is missing, or git tracks its files.
    """
    address = Address(place)
    scheme = address.scheme
    if not scheme:
        # A database connection string would be a directory with a password in its name.
        if _PASSWORD.search(place):
            raise SettingsError(
                "the location of the state contains a password and is not an address",
                hint="Write postgresql://USER@HOST/DATABASE, and set the password with PGPASSWORD.",
            )
        directory = Path(place)
        _check_untracked(directory)
        return LocalState(directory)
    backend = BACKENDS.get(scheme)
    if backend is None:
        known = ", ".join(f"{known}://" for known in BACKENDS)
        raise SettingsError(
            f"{scheme}:// is not a known state backend", hint=_HELP.format(known=known)
        )
    return backend.open_at(address, settings)


def _check_untracked(root: Path) -> None:
    """Refuse a state whose files git tracks: any author of a pull request could write it.

    Raises: SettingsError, also when git cannot determine that.
    """
    # A link to nothing does not exist for `exists`, but git can track it.
    if not (root.exists() or root.is_symlink()):
        return
    try:
        # The work tree of the current directory, since a tracked link may point out of it; and
        # the work tree of the directory itself.
        trees = [work_tree_of(folder) for folder in (Path.cwd(), root.parent)]
        tracked = any(tree.tracks(root) for tree in trees if tree)
    except GitError as error:
        raise SettingsError(
            f"{root}: git cannot determine whether it tracks files of this state: {error}",
            hint="Set --state or RECONCILER_STATE to a directory outside of the work tree, or make "
            "`git ls-files` work there.",
        ) from error
    if tracked:
        raise SettingsError(
            f"{root}: git tracks files of this state, so that any branch can change it",
            hint=f"Remove it with `git rm -r --cached {root}`, commit that, and add it to "
            ".gitignore; or set --state or RECONCILER_STATE to another directory.",
        )
