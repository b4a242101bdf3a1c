"""Find states of earlier releases, which used the host as the policy spelled it.

Today a host has one canonical name. A state under another spelling of the same repository is found
and used where it is, since its holds and refusals still apply.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from threading import Lock

from reconciler.errors import InvalidNameError, StateError
from reconciler.model.names import Repository


class Spellings:
    """The names of the states in one backend; they are listed once."""

    def __init__(self, place: str, listed: Callable[[], Iterable[str]]) -> None:
        """Use a function that lists the names; nothing is read yet."""
        self._place = place
        self._listed = listed
        self._known: Mapping[Repository, Sequence[str]] | None = None
        self._mutex = Lock()

    def of(self, repository: Repository) -> str:
        """Return the name of the state of a repository, an existing or a new one.

        Raises: StateError, when there are two: neither has all holds and refusals.
        """
        with self._mutex:
            if self._known is None:
                self._known = _by_repository(self._listed())
        names = self._known.get(repository, ())
        if len(names) > 1:
            raise StateError(
                f"{self._place} has {len(names)} states of {repository}: {', '.join(names)}",
                hint="They are spellings of one repository. Move all but the one that was written"
                " last to another location, and check there with `reconciler log list` which holds"
                " they have.",
            )
        return next(iter(names), str(repository))


def repositories_in(names: Iterable[str]) -> Sequence[Repository]:
    """Return the repositories of names, sorted; a name that is no repository is left out."""
    return sorted(_by_repository(names))


def _by_repository(names: Iterable[str]) -> Mapping[Repository, Sequence[str]]:
    spellings: defaultdict[Repository, list[str]] = defaultdict(list)
    for name in sorted(names):
        with suppress(InvalidNameError):
            spellings[Repository(name)].append(name)
    return spellings
