"""Open a state by its location: a directory or an address. A new backend is one line here."""

import re
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
    """The clock, and GitHub as the environment names it."""

    clock: Clock
    github_api: str = ""
    github_token: SecretStr | None = None


@dataclass(frozen=True, slots=True)
class Backend:
    """The module that opens one kind of address, and the extra of this package it may need.

    It is loaded when it is needed: what it imports is large, and optional.
    """

    module: str
    extra: str = ""

    def open_at(self, address: Address, surroundings: BackendSettings) -> State:
        """Open the state at an address; nothing is sent yet.

        Raises: SettingsError, naming the extra that is not installed.
        """
        try:
            module = import_module(self.module)
        except ModuleNotFoundError as error:
            if not self.extra or str(error.name).startswith("reconciler"):
                raise
            raise SettingsError(
                f"a state at {address.scheme}://... needs {error.name}, which is not installed",
                hint=f"Install it with: pip install 'reconciler[{self.extra}]'",
            ) from error
        open_at: Callable[[Address, BackendSettings], State] = module.open_at
        return open_at(address, surroundings)


_BUCKETS = Backend("reconciler.state.buckets", "stores")
_POSTGRESQL = Backend("reconciler.state.postgresql", "postgresql")
BACKENDS: Mapping[str, Backend] = {
    "s3": _BUCKETS,
    "gs": _BUCKETS,
    "az": _BUCKETS,
    "postgresql": _POSTGRESQL,
    "github": Backend("reconciler.state.branch"),
}
"""What opens an address, by its scheme."""


def open_state_at(place: str, surroundings: BackendSettings) -> State:
    """Open the state at an address or in a directory; nothing is read or created yet.

    Raises: SettingsError, when it is neither, when an extra is missing, or when git brought it.
    """
    address = Address(place)
    scheme = address.scheme
    if not scheme:
        directory = _directory(place)
        _refuse_tracked(directory)
        return LocalState(directory)
    backend = BACKENDS.get(scheme)
    if backend is None:
        known = ", ".join(f"{known}://" for known in BACKENDS)
        raise SettingsError(f"{scheme}:// is no place for a state", hint=_HELP.format(known=known))
    return backend.open_at(address, surroundings)


def _directory(place: str) -> Path:
    """Refuse what was meant for a database: it would be a directory whose name is a secret."""
    if _PASSWORD.search(place):
        raise SettingsError(
            "the place of the state holds a password and is no address",
            hint="Write postgresql://USER@HOST/DATABASE, and leave the password to PGPASSWORD.",
        )
    return Path(place)


def _refuse_tracked(root: Path) -> None:
    """Refuse a state that came with a checkout: whoever may open a pull request could write it.

    Raises: SettingsError, also when git cannot say.
    """
    if not (root.exists() or root.is_symlink()):
        return
    try:
        # Where the caller stands, since a tracked link may lead out; and where the directory is.
        trees = [work_tree_of(folder) for folder in (Path.cwd(), root.parent)]
        tracked = any(tree.tracks(root) for tree in trees if tree)
    except GitError as error:
        raise SettingsError(
            f"{root}: git cannot say whether this state came with the checkout: {error}",
            hint="Give --state or RECONCILER_STATE a place outside of the work tree, or make "
            "`git ls-files` work there.",
        ) from error
    if tracked:
        raise SettingsError(
            f"{root}: git tracks files of this state, so whoever writes a branch can write it",
            hint=f"Take it out with `git rm -r --cached {root}`, commit that, and name it in "
            ".gitignore; or give --state or RECONCILER_STATE another place.",
        )
