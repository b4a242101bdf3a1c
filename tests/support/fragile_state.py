"""A state whose owner dies in the middle of an append: before it, after it, or half way."""

from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from enum import StrEnum
from pathlib import Path

from reconciler.model.inventory import Observations
from reconciler.model.journal import Entry, Record
from reconciler.model.names import Repository
from reconciler.model.ports import Holder
from reconciler.state.local import LocalRepositoryState, LocalState
from tests.support.process_death import Killed


class Moment(StrEnum):
    """When the owner dies, seen from the disk."""

    BEFORE = "before"
    TORN = "torn"
    AFTER = "after"


class FragileState:
    """The local state, until the append it was told to die at."""

    def __init__(self, root: Path) -> None:
        """Open the state below a directory; nothing is to happen yet."""
        self._whole = LocalState(root)
        self._root = root
        self.left = 0
        """How many appends are still to come before the fatal one has been; 0 for never."""

        self.moment = Moment.BEFORE

    def die(self, at: int, moment: Moment) -> None:
        """Die at the nth append from now on."""
        self.left, self.moment = at, moment

    def of(self, repository: Repository) -> "FragileRepositoryState":
        """Open the state of one repository."""
        return FragileRepositoryState(self, self._whole.of(repository), self.journal(repository))

    def repositories(self) -> Sequence[Repository]:
        """List as the state behind does."""
        return self._whole.repositories()

    def check_writable(self) -> None:
        """Try as the state behind does."""
        self._whole.check_writable()

    def journal(self, repository: Repository) -> Path:
        """Say where the journal of a repository is."""
        return self._root / repository / "_" / "journal.jsonl"


class FragileRepositoryState:
    """One repository's part of it."""

    def __init__(self, owner: FragileState, whole: LocalRepositoryState, journal: Path) -> None:
        """Stand before a state that works."""
        self._owner = owner
        self._whole = whole
        self._journal = journal

    def records(self) -> Sequence[Record]:
        """Read as the state behind does."""
        return self._whole.records()

    def append(self, run: str, now: datetime, entries: Iterable[Entry]) -> Sequence[Record]:
        """Append, unless this is the one to die at."""
        fatal = self._owner.left == 1
        self._owner.left = max(0, self._owner.left - 1)
        if fatal and self._owner.moment is Moment.BEFORE:
            raise Killed
        size = self._journal.stat().st_size if self._journal.exists() else 0
        written = self._whole.append(run, now, entries)
        if fatal and self._owner.moment is Moment.TORN:
            self._tear(size)
        if fatal:
            raise Killed
        return written

    def note(self, run: str, now: datetime, entries: Iterable[Entry]) -> None:
        """Append, as the state behind does."""
        self.append(run, now, entries)

    def observations(self) -> Observations:
        """Read as the state behind does."""
        return self._whole.observations()

    def save_observations(self, observations: Observations) -> None:
        """Write as the state behind does."""
        self._whole.save_observations(observations)

    def lock(self, holder: Holder) -> AbstractContextManager[None]:
        """Lock as the state behind does."""
        return self._whole.lock(holder)

    def seize(self, holder: Holder, run: str) -> AbstractContextManager[None]:
        """Take the lock away as the state behind does."""
        return self._whole.seize(holder, run)

    def confirm_lock(self) -> None:
        """Look as the state behind does."""
        self._whole.confirm_lock()

    def holder(self) -> Holder | None:
        """Look as the state behind does."""
        return self._whole.holder()

    def _tear(self, size: int) -> None:
        """Keep the first half of what was just appended, as a killed write may."""
        content = self._journal.read_bytes()
        self._journal.write_bytes(content[: size + (len(content) - size) // 2])
