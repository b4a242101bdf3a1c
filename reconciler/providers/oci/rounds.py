"""Read the tags of one repository again and again, in a thread, while its images are deleted.

The OCI specification has no notifications: that a tag was moved shows only in a request for that
tag. Reading all tags before each deletion would be quadratic, so a thread reads them in rounds,
and nothing is deleted if the last complete round began too long ago. A round costs a request for
each tag, so it begins as late as it may, and only while deletions go on.
"""

import sys
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from threading import Condition, Thread

from reconciler.errors import EvidenceError, PostponedError
from reconciler.model.durations import FRESH_SECONDS
from reconciler.model.names import Digest, Repository, Tag
from reconciler.model.ports import Listing
from reconciler.providers.oci.lists import READINGS, Tags, versions_of

TICK = 0.05
"""How often to check whether a round has ended, in seconds: short beside FRESH_SECONDS."""

MAX_ROUND_SECONDS = 15 * 60.0
"""Longest wait for a round, in seconds: 100,000 tags at 20 ms and ten at once take 200 s."""

SLOWER = 1.25
"""How many times as long as the last round the next one may take without delaying a deletion."""


@dataclass(frozen=True)
class TagReading:
    """What every tag of a repository pointed to. Units: seconds of a monotonic clock."""

    targets: Mapping[Tag, Digest]
    began: float
    ended: float

    @property
    def seconds(self) -> float:
        """How long the reading took."""
        return self.ended - self.began

    @cached_property
    def tags(self) -> Mapping[Digest, Sequence[Tag]]:
        """The tags of each tagged version."""
        tags: defaultdict[Digest, list[Tag]] = defaultdict(list)
        for tag, digest in self.targets.items():
            tags[digest].append(tag)
        return tags


NEVER = TagReading({}, -sys.float_info.max, -sys.float_info.max)
"""The reading of a repository that was not read."""


class Rounds:
    """Reads all tags of one repository in rounds, while deletions need them.

    A round begins when the last one would otherwise be too old before it ends, more than
    FRESH_SECONDS after it. Only a complete round replaces the previous one. An error in a round is
    raised to the caller that next needs the tags: then nothing more may be deleted.
    """

    def __init__(
        self,
        tags: Tags,
        repository: Repository,
        first: TagReading,
        monotonic: Callable[[], float],
        wait: Callable[[float], None],
    ) -> None:
        """Start with an existing reading; `wait` sleeps and may raise."""
        self._tags = tags
        self._repository = repository
        self._monotonic = monotonic
        self._wait = wait
        self._changed = Condition()
        self._last = first
        self._longest = first.seconds
        self._needed_at = first.began
        self._leaving: set[Tag] = set()
        self._failure: Exception | None = None
        self._ended = False

    @property
    def window(self) -> float:
        """For how many seconds before a deletion a moved tag can be missed.

        A tag moved right after a round read it is read again by the next round, which is complete
        when it ends: hence FRESH_SECONDS and twice the length of a round.
        """
        return FRESH_SECONDS + 2 * self._longest

    @property
    def due_at(self) -> float:
        """When the next round should begin: as late as it can end before the last is too old."""
        return self._last.began + self.window - SLOWER * self._last.seconds

    @property
    def is_needed(self) -> bool:
        """Whether a deletion was awaited since the last round began."""
        return self._needed_at >= self._last.began

    @property
    def is_fresh(self) -> bool:
        """Whether the last complete round began recently enough to delete something."""
        return self._monotonic() - self._last.began <= self.window

    def await_fresh(self) -> None:
        """Wait for a complete round that began recently enough.

        Raises: the error that ended the rounds; PostponedError, when that takes too long.
        """
        with self._changed:
            self._needed_at = self._monotonic()
            self._changed.notify_all()
        given_up_at = self._monotonic() + MAX_ROUND_SECONDS
        while not self.is_fresh:
            self._check()
            if self._monotonic() > given_up_at:
                raise PostponedError(f"{self._repository}: reading all its tags takes too long")
            self._wait(TICK)
        self._check()

    def listing(self) -> Listing:
        """List the tags by name now, with the digests of the last round, and read new ones.

        Raises: the error that ended the rounds; EvidenceError.
        """
        self._check()
        known = self._last.targets
        names = self._tags.names(self._repository)
        fresh = self._tags.targets(self._repository, [tag for tag in names if tag not in known])
        return Listing(versions_of({**known, **fresh}), closed=False)

    @property
    def last(self) -> TagReading:
        """The last complete round."""
        return self._last

    def expect_gone(self, tags: Iterable[Tag]) -> None:
        """Accept that these tags disappear: their version is being deleted."""
        self._leaving.update(tags)

    def read(self) -> None:
        """Read one round.

        Raises: EvidenceError, with all tags that are listed each time and point to nothing.
        """
        began = self._monotonic()
        unlisted = self._last.targets.keys() - self._leaving
        targets: dict[Tag, Digest] = {}
        lost: list[Tag] = []
        for _ in range(READINGS):
            names = self._tags.names(self._repository)
            asked = [tag for tag in names if tag not in targets]
            targets |= _existing(self._tags.targets(self._repository, asked))
            lost = [tag for tag in asked if not (tag in targets or tag in self._leaving)]
            if not lost:
                break
        # A tag that is no longer listed is read once all the same: lists may lag behind.
        unlisted -= {*targets, *lost}
        targets |= _existing(self._tags.targets(self._repository, sorted(unlisted)))
        if lost:
            raise EvidenceError(
                f"{self._repository}: these tags are listed, but the registry has no manifest for"
                f" them: {', '.join(lost)}"
            )
        self._last = TagReading(targets, began, self._monotonic())
        self._longest = max(self._longest, self._last.seconds)

    @contextmanager
    def running(self) -> Iterator[None]:
        """Read rounds in a thread during a `with` block."""
        thread = Thread(target=self._run, name=f"tags of {self._repository}", daemon=True)
        thread.start()
        try:
            yield
        finally:
            with self._changed:
                self._ended = True
                self._changed.notify_all()
            thread.join()

    def _run(self) -> None:
        while self._is_due():
            try:
                self.read()
            except Exception as error:  # noqa: BLE001 - raised again where deletions wait for it
                self._failure = error
                return

    def _is_due(self) -> bool:
        """Wait until the next round is needed and due; False if the rounds have ended."""
        with self._changed:
            # While a run waits, for a limit for example, no round is needed. The listing of the
            # repository counts as the first round.
            self._changed.wait_for(lambda: self._ended or self.is_needed)
            pause = self.due_at - self._monotonic()
            if pause > 0:
                self._changed.wait_for(lambda: self._ended, pause)
            return not self._ended

    def _check(self) -> None:
        if self._failure:
            raise self._failure


def _existing(targets: Mapping[Tag, Digest | None]) -> dict[Tag, Digest]:
    return {tag: digest for tag, digest in targets.items() if digest is not None}
