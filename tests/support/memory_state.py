"""A state in memory, for laws that apply thousands of plans: no disk has to be waited for."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime

from reconciler.errors import LockedError
from reconciler.model.inventory import Observations
from reconciler.model.journal import Entry, Record, chain
from reconciler.model.names import Repository
from reconciler.model.ports import Holder


class MemoryRepositoryState:
    """The state of one repository; its lock can be broken, as `lock break` does."""

    def __init__(self) -> None:
        """Begin without records, observations or a lock holder."""
        self.journal: list[Record] = []
        self.seen = Observations()
        self._holder: Holder | None = None

    def records(self) -> Sequence[Record]:
        """Return the whole journal."""
        return list(self.journal)

    def append(self, run: str, now: datetime, entries: Iterable[Entry]) -> Sequence[Record]:
        """Write entries after the last record."""
        self.confirm_lock()
        return self.forge(run, now, entries)

    def forge(self, run: str, now: datetime, entries: Iterable[Entry]) -> Sequence[Record]:
        """Write entries without the lock, as somebody who may write the file could."""
        last = self.journal[-1] if self.journal else None
        written = chain(last, run, now, entries)
        self.journal += written
        return written

    def note(self, run: str, now: datetime, entries: Iterable[Entry]) -> None:
        """Write entries at once."""
        self.append(run, now, entries)

    def observations(self) -> Observations:
        """Return the observations."""
        return self.seen

    def save_observations(self, observations: Observations) -> None:
        """Replace the observations."""
        self.confirm_lock()
        self.seen = observations

    @contextmanager
    def lock(self, holder: Holder) -> Iterator[None]:
        """Hold the lock for the length of a `with` block."""
        if self._holder:
            raise LockedError(f"run {self._holder.run} holds the lock")
        self._holder = holder
        try:
            yield
        finally:
            self._holder = None

    @contextmanager
    def seize(self, holder: Holder, run: str) -> Iterator[None]:
        """Take the lock away from a run."""
        if not self._holder or self._holder.run != run:
            raise LockedError(f"run {run} does not hold the lock")
        self._holder = None
        with self.lock(holder):
            yield

    def break_lock(self) -> None:
        """Take the lock away from whoever holds it."""
        self._holder = None

    def confirm_lock(self) -> None:
        """Make sure that the lock is held still."""
        if not self._holder:
            raise LockedError("the lock was broken")

    def holder(self) -> Holder | None:
        """Tell who holds the lock."""
        return self._holder


class MemoryState:
    """The states of all repositories."""

    def __init__(self) -> None:
        """Begin with none."""
        self._of: dict[Repository, MemoryRepositoryState] = {}

    def of(self, repository: Repository) -> MemoryRepositoryState:
        """Open the state of one repository."""
        return self._of.setdefault(repository, MemoryRepositoryState())

    def repositories(self) -> Sequence[Repository]:
        """List the repositories that have a state."""
        return sorted(self._of)

    def check_writable(self) -> None:
        """Memory can be written to."""
