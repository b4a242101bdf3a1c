"""Where a state is: a directory, or a server by its address. A new backend is one line here."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

from reconciler.errors import SettingsError
from reconciler.model.ports import State
from reconciler.state.address import Address
from reconciler.state.local import LocalState
from reconciler.state.surroundings import Surroundings

_PASSWORD = re.compile(r"\bpassword\s*=", re.IGNORECASE)

_HELP = "Write a directory, or an address that begins with {known}."


@dataclass(frozen=True, slots=True)
class Backend:
    """The module that opens one kind of address, and the extra of this package it may need.

    It is loaded when it is needed: what it imports is large, and optional.
    """

    module: str
    extra: str = ""

    def open_at(self, address: Address, surroundings: Surroundings) -> State:
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
        open_at: Callable[[Address, Surroundings], State] = module.open_at
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


def open_state_at(place: str, surroundings: Surroundings) -> State:
    """Open the state at an address or in a directory; nothing is read or created yet.

    Raises: SettingsError, when it is neither, or when an extra is missing.
    """
    address = Address(place)
    scheme = address.scheme
    if not scheme:
        return LocalState(_directory(place))
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
