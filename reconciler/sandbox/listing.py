"""What the versions listing shows, which may lag behind what is."""

from bisect import bisect_left, insort
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from reconciler.sandbox.settings import Lag

Key = tuple[datetime, int]
"""The place of a version in a listing: its time, then its id."""


@dataclass(frozen=True, slots=True)
class _Change:
    """A row to show with these tags or, with None, to hide, once it is due."""

    key: Key
    tags: tuple[str, ...] | None
    due_at: datetime
    due_after_reads: int


class PackageListing:
    """The rows of one package's listing, newest first."""

    def __init__(self) -> None:
        """Begin empty and without lag."""
        self.lag = Lag()
        self._keys: list[Key] = []
        self._tags: dict[int, tuple[str, ...]] = {}
        self._pending: deque[_Change] = deque()
        self._reads = 0

    def show(self, key: Key, tags: tuple[str, ...], now: datetime) -> None:
        """Show a version with these tags, at once or when the lag has passed."""
        self._change(key, tags, now)

    def hide(self, key: Key, now: datetime) -> None:
        """Stop showing a version, at once or when the lag has passed."""
        self._change(key, None, now)

    def page(
        self, number: int, size: int, now: datetime
    ) -> tuple[Sequence[tuple[int, tuple[str, ...]]], int]:
        """Return one page of ids with their tags, and the number of rows in all."""
        # The page about to be served does not count for itself: a lag of one hides one page.
        self._settle(now)
        self._reads += 1
        total = len(self._keys)
        end = max(total - (number - 1) * size, 0)
        keys = reversed(self._keys[max(end - size, 0) : end])
        return [(version_id, self._tags[version_id]) for _, version_id in keys], total

    def _change(self, key: Key, tags: tuple[str, ...] | None, now: datetime) -> None:
        change = _Change(key, tags, now + self.lag.time, self._reads + self.lag.reads)
        self._pending.append(change)
        self._settle(now)

    def _settle(self, now: datetime) -> None:
        while self._pending and self._is_due(self._pending[0], now):
            self._apply(self._pending.popleft())

    def _is_due(self, change: _Change, now: datetime) -> bool:
        return change.due_at <= now and change.due_after_reads <= self._reads

    def _apply(self, change: _Change) -> None:
        version_id = change.key[1]
        shown = version_id in self._tags
        if change.tags is not None:
            self._tags[version_id] = change.tags
            if not shown:
                insort(self._keys, change.key)
        elif shown:
            del self._tags[version_id]
            del self._keys[bisect_left(self._keys, change.key)]
