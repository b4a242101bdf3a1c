"""Where a state lies that was begun when hosts were told apart by their spelling.

Earlier releases kept a state under the repository as a policy spelled it. What it holds back must
hold back the repository under its one name, so it is found, and used where it is.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from threading import Lock

from reconciler.errors import InvalidNameError, StateError
from reconciler.model.names import Repository


class Spellings:
    """The names under which the states at one place lie; they are listed once."""

    def __init__(self, place: str, listed: Callable[[], Iterable[str]]) -> None:
        """Remember how to list them; nothing is read yet."""
        self._place = place
        self._listed = listed
        self._known: Mapping[Repository, Sequence[str]] | None = None
        self._turn = Lock()

    def of(self, repository: Repository) -> str:
        """Return the name under which the state of a repository lies, or is to be begun.

        Raises: StateError, where it lies under two: neither holds all that holds back.
        """
        with self._turn:
            if self._known is None:
                self._known = _by_repository(self._listed())
        names = self._known.get(repository, ())
        if len(names) > 1:
            raise StateError(
                f"{self._place} has {len(names)} states of {repository}: {', '.join(names)}",
                hint="They are of one repository, spelled differently. Move all but the one that"
                " was written last to another place, and look there with `reconciler log` for"
                " what they hold.",
            )
        return next(iter(names), str(repository))


def repositories_in(names: Iterable[str]) -> Sequence[Repository]:
    """Return the repositories that names are of, sorted; other people's names are of none."""
    return sorted(_by_repository(names))


def _by_repository(names: Iterable[str]) -> Mapping[Repository, Sequence[str]]:
    spellings: defaultdict[Repository, list[str]] = defaultdict(list)
    for name in sorted(names):
        with suppress(InvalidNameError):
            spellings[Repository(name)].append(name)
    return spellings
