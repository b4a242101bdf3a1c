"""What the tags of one repository point to, read anew again and again beside its deletions.

A registry of the specification tells no news: that a tag was moved shows only to who asks for that
tag. Asking for all of them before each deletion would make deleting quadratic, so a thread does
it in rounds, and nothing is deleted on a round that began too long ago.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from threading import Condition, Thread

from reconciler.errors import EvidenceError, PostponedError
from reconciler.model.names import Digest, Repository, Tag
from reconciler.model.ports import FRESH_SECONDS, Listing
from reconciler.providers.oci.lists import READINGS, Tags, versions_of

TICK = 0.05
"""How long is slept at once while a round is awaited, in seconds."""

MAX_ROUND_SECONDS = 15 * 60.0
"""Longest that a round is awaited, in seconds."""


@dataclass(frozen=True)
class Reading:
    """What every tag of a repository pointed to. Units: seconds of a steady clock."""

    targets: Mapping[Tag, Digest]
    began: float
    ended: float

    @cached_property
    def tags(self) -> Mapping[Digest, Sequence[Tag]]:
        """The tags of each version that has any."""
        tags: defaultdict[Digest, list[Tag]] = defaultdict(list)
        for tag, digest in self.targets.items():
            tags[digest].append(tag)
        return tags


class Rounds:
    """Reads all tags of one repository in rounds, one each FRESH_SECONDS.

    Where a round takes longer, the next one begins right after it. Only a whole round replaces
    the one before it. What fails in one is raised by whoever asks for the tags: then nothing
    more may be deleted.
    """

    def __init__(
        self,
        tags: Tags,
        repository: Repository,
        first: Reading,
        monotonic: Callable[[], float],
        wait: Callable[[float], None],
    ) -> None:
        """Begin with a reading that is there; `wait` lets time pass and may raise."""
        self._tags = tags
        self._repository = repository
        self._monotonic = monotonic
        self._wait = wait
        self._changed = Condition()
        self._last = first
        self._longest = first.ended - first.began
        self._leaving: set[Tag] = set()
        self._failure: Exception | None = None
        self._ended = False

    @property
    def window(self) -> float:
        """How old, in seconds, what is known of a moved tag can be when its image is deleted.

        A round that begins FRESH_SECONDS after the last one knows of it when it ends.
        """
        return FRESH_SECONDS + 2 * self._longest

    @property
    def is_fresh(self) -> bool:
        """Whether the last whole round began late enough to delete something upon it."""
        return self._monotonic() - self._last.began <= self.window

    def await_fresh(self) -> None:
        """Wait until a round is whole that began late enough.

        Raises: what ended the rounds; PostponedError, when that takes too long.
        """
        given_up_at = self._monotonic() + MAX_ROUND_SECONDS
        while not self.is_fresh:
            self._check()
            if self._monotonic() > given_up_at:
                raise PostponedError(f"{self._repository}: reading all its tags takes too long")
            self._wait(TICK)
        self._check()

    def listing(self) -> Listing:
        """List the tags by name now, with what the last round saw, and look at new ones.

        Raises: what ended the rounds; EvidenceError.
        """
        self._check()
        known = self._last.targets
        names = self._tags.names(self._repository)
        fresh = self._tags.targets(self._repository, [tag for tag in names if tag not in known])
        return Listing(versions_of({**known, **fresh}), closed=False)

    @property
    def last(self) -> Reading:
        """The last whole round."""
        return self._last

    def expect_gone(self, tags: Iterable[Tag]) -> None:
        """Take it for no contradiction that these tags vanish: their version is being deleted."""
        self._leaving.update(tags)

    def read(self) -> None:
        """Read one round. A tag that is listed no longer is asked for all the same, once.

        Raises: EvidenceError, with all tags that are listed again and again, and point to nothing.
        """
        began = self._monotonic()
        unlisted = self._last.targets.keys() - self._leaving
        targets: dict[Tag, Digest] = {}
        lost: list[Tag] = []
        for _ in range(READINGS):
            names = self._tags.names(self._repository)
            asked = [tag for tag in names if tag not in targets]
            targets |= _standing(self._tags.targets(self._repository, asked))
            lost = [tag for tag in asked if not (tag in targets or tag in self._leaving)]
            if not lost:
                break
        unlisted -= {*targets, *lost}
        targets |= _standing(self._tags.targets(self._repository, sorted(unlisted)))
        if lost:
            raise EvidenceError(
                f"{self._repository}: these tags are listed, but the registry has no manifest for"
                f" them: {', '.join(lost)}"
            )
        self._last = Reading(targets, began, self._monotonic())
        self._longest = max(self._longest, self._last.ended - began)

    @contextmanager
    def running(self) -> Iterator[None]:
        """Read rounds in a thread for the length of a `with` block."""
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
        while not self._ended:
            try:
                self.read()
            except Exception as error:  # noqa: BLE001 - raised again where deletions wait for it
                self._failure = error
                return
            with self._changed:
                if not self._ended:
                    pause = FRESH_SECONDS - (self._last.ended - self._last.began)
                    self._changed.wait(max(pause, 0.0))

    def _check(self) -> None:
        if self._failure:
            raise self._failure


def _standing(targets: Mapping[Tag, Digest | None]) -> dict[Tag, Digest]:
    return {tag: digest for tag, digest in targets.items() if digest is not None}
