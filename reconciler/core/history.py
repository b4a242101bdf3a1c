"""What the journal says of earlier deletions: evidence, reason, outcome, restoration, refusals."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import cached_property

from reconciler.model.journal import MAX_CHILDREN, Record, Result, is_restoration, key_in
from reconciler.model.names import Digest, Mention, Repository, Tag

Journals = Mapping[Repository, Sequence[Record]]
"""The records of each repository, in the order they were written."""


@dataclass(frozen=True)
class Attempt:
    """One time that a run meant to delete one version.

    Shape: `opened` is how the run began; `ended` is None while nobody knows the outcome, and
        `restored` says who took the deletion back.
    """

    opened: Record | None
    intent: Record
    ended: Record | None = None
    restored: Record | None = None
    more: tuple[Digest, ...] = ()
    """What it lists besides what its intent names."""

    read: tuple[Digest, ...] | None = None
    """What it lists by its document, where that was read instead."""

    @property
    def key(self) -> str:
        """The version's name everywhere: repository and digest."""
        return key_in(self.intent.body)

    @cached_property
    def digest(self) -> Digest:
        """The version's digest."""
        return Digest(self.intent.body["digest"])

    @property
    def version_id(self) -> str:
        """The registry's own name of the version, where it has one."""
        return str(self.intent.body.get("version_id", ""))

    @property
    def run(self) -> str:
        """The run that meant to."""
        return self.intent.run

    @cached_property
    def tags(self) -> tuple[Tag, ...]:
        """The tags that the version had."""
        return tuple(map(Tag, self.intent.body.get("tags", ())))

    @property
    def visibility(self) -> str:
        """Who could see the repository then, in the registry's word; empty if it did not say."""
        return str(self.opened.body.get("visibility", "")) if self.opened else ""

    @property
    def is_abridged(self) -> bool:
        """Whether there was no room to name all the tags that it had."""
        return bool(self.intent.body.get("more_tags"))

    @cached_property
    def children(self) -> tuple[Digest, ...]:
        """What the version lists, as far as it was there."""
        if self.read is not None:
            return self.read
        return (*map(Digest, self.intent.body.get("children", ())), *self.more)

    @property
    def has_unnamed_children(self) -> bool:
        """Whether it may list more than is known: older journals name the first of many only."""
        named = len(self.intent.body.get("children", ()))
        unnamed = named >= MAX_CHILDREN and "more_children" not in self.intent.body
        missing = self.intent.body.get("more_children", 0) != len(self.more)
        return self.read is None and (unnamed or missing)

    @cached_property
    def subjects(self) -> frozenset[Digest]:
        """What the version speaks of: its subject, or whatever one of its tags spells."""
        subject = self.intent.body.get("subject")
        spelled = {tag.subject for tag in self.tags if tag.subject}
        return frozenset({Digest(subject)} | spelled if subject else spelled)

    @property
    def result(self) -> Result | None:
        """How it ended, None while nobody knows."""
        return Result(self.ended.body["result"]) if self.ended else None

    @property
    def is_standing(self) -> bool:
        """Whether the version was deleted and nobody has taken that back."""
        return self.result is Result.DELETED and self.restored is None

    @property
    def may_land_late(self) -> bool:
        """Whether a DELETE may have been on its way when it was last seen not to be done.

        So it is where an answer was lost, and where a run died: its successor saw the version
        there, and a server may carry a request out after that.
        """
        by_successor = self.ended is not None and self.ended.run != self.run
        was_open = self.result in (None, Result.UNKNOWN)
        return was_open or (self.result is Result.NOT_DONE and by_successor)

    @property
    def at(self) -> datetime:
        """When it happened; of what another run found out, the earliest it may have been."""
        is_own = self.ended is not None and self.ended.run == self.run
        return self.ended.ts if self.ended and is_own else self.intent.ts

    @property
    def until(self) -> datetime | None:
        """How long the registry holds the deletion, as far as the run knew: None if it did not."""
        days = self.opened.body.get("undo_days") if self.opened else None
        return self.at + timedelta(days=days) if days is not None else None


def attempts(records: Iterable[Record]) -> list[Attempt]:
    """Read every attempt from the journal of one repository, in the order they were made."""
    opened: dict[str, Record] = {}
    found: list[Attempt] = []
    last: dict[str, int] = {}
    more: dict[str, list[Digest]] = defaultdict(list)
    for record in records:
        key = key_in(record.body)
        if record.type == "children":
            more[key] += map(Digest, record.body["children"])
        if record.type == "run_open":
            opened[record.run] = record
        elif record.type == "intent" and not is_restoration(record):
            last[key] = len(found)
            found.append(Attempt(opened.get(record.run), record, more=_rest(record, more)))
        elif record.type in ("outcome", "resolve") and key in last:
            found[last[key]] = _updated(found[last[key]], record)
    return found


def _rest(intent: Record, more: dict[str, list[Digest]]) -> tuple[Digest, ...]:
    """Take the children that were named before an intent; a run that died may have left others."""
    named = more.pop(key_in(intent.body), [])
    count = intent.body.get("more_children", 0)
    return tuple(named[-count:]) if count else ()


def deletions(records: Iterable[Record]) -> list[Attempt]:
    """Return the last deletion of each version, in the order in which they were made."""
    last: dict[str, Attempt] = {}
    for attempt in attempts(records):
        if attempt.result is Result.DELETED:
            last.pop(attempt.key, None)
            last[attempt.key] = attempt
    return list(last.values())


def late_deletions(records: Iterable[Record]) -> list[Attempt]:
    """Return what may have been deleted after it was last looked at, the latest attempt of each.

    Only the registry can tell which of them were.
    """
    last: dict[str, Attempt] = {}
    for attempt in attempts(records):
        if attempt.result is Result.DELETED or attempt.restored:
            last.pop(attempt.key, None)
        elif attempt.may_land_late:
            last[attempt.key] = attempt
    return list(last.values())


def attempts_on(journals: Journals, mention: Mention) -> list[tuple[Repository, Attempt]]:
    """Return every attempt on what is mentioned, the latest first."""
    found = [
        (repository, attempt)
        for repository, records in journals.items()
        for attempt in attempts(records)
        if mention.means(repository, attempt.tags, attempt.digest)
    ]
    return sorted(found, key=lambda pair: (pair[1].at, pair[0], pair[1].digest), reverse=True)


def last_deleting_run(journals: Journals) -> str:
    """Return the run that deleted something last, empty where none ever did."""
    done = [one for records in journals.values() for one in _deleted(records)]
    return max(done, key=lambda one: (one.at, one.run)).run if done else ""


def _deleted(records: Iterable[Record]) -> Iterator[Attempt]:
    return (attempt for attempt in attempts(records) if attempt.result is Result.DELETED)


def _updated(attempt: Attempt, record: Record) -> Attempt:
    """Add what a record tells: the end of a deletion, or that it was taken back."""
    if record.body["result"] == Result.RESTORED:
        return replace(attempt, restored=record)
    return attempt if is_restoration(record) else replace(attempt, ended=record)
