"""Earlier deletions as the journal records them: what, why, how each ended, whether restored."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import cached_property

from reconciler.model.journal import (
    MAX_CHILDREN,
    ChildrenBody,
    IntentBody,
    OutcomeBody,
    Record,
    ResolveBody,
    Result,
    RunOpenBody,
    TypedRecord,
)
from reconciler.model.names import Digest, Mention, Repository, Tag

Journals = Mapping[Repository, Sequence[Record]]
"""The records of each repository, in the order they were written."""


Opened = TypedRecord[RunOpenBody]
Ended = TypedRecord[OutcomeBody | ResolveBody]


@dataclass(frozen=True)
class Attempt:
    """One attempt of a run to delete one version.

    Shape: `opened` is how the run began; `ended` is None while the outcome is not known, and
        `restored` is the record of its restoration, if it was restored.
    """

    opened: Opened | None
    intent: TypedRecord[IntentBody]
    ended: Ended | None = None
    restored: Ended | None = None
    more_children: tuple[Digest, ...] = ()
    """What it lists besides what its intent names."""

    children_read: tuple[Digest, ...] | None = None
    """What it lists by its document, where that was read instead."""

    @property
    def key(self) -> str:
        """The version's name everywhere: repository and digest."""
        return self.intent.body.version_key

    @cached_property
    def digest(self) -> Digest:
        """The version's digest."""
        return Digest(self.intent.body.digest)

    @property
    def version_id(self) -> str:
        """The registry's own name of the version, where it has one."""
        return self.intent.body.version_id

    @property
    def run(self) -> str:
        """The run that made the attempt."""
        return self.intent.run

    @cached_property
    def tags(self) -> tuple[Tag, ...]:
        """The tags that the version had."""
        return tuple(map(Tag, self.intent.body.tags))

    @property
    def visibility(self) -> str:
        """Who could see the repository then, in the registry's term; empty if it reported none."""
        return self.opened.body.visibility if self.opened else ""

    @property
    def is_abridged(self) -> bool:
        """Whether there was no room to name all the tags that it had."""
        return bool(self.intent.body.more_tags)

    @cached_property
    def children(self) -> tuple[Digest, ...]:
        """What the version lists and the registry had."""
        if self.children_read is not None:
            return self.children_read
        return (*map(Digest, self.intent.body.children), *self.more_children)

    @property
    def has_unnamed_children(self) -> bool:
        """Whether it may list more than is known: older journals name the first of many only."""
        intent = self.intent.body
        unnamed = len(intent.children) >= MAX_CHILDREN and intent.more_children is None
        missing = (intent.more_children or 0) != len(self.more_children)
        return self.children_read is None and (unnamed or missing)

    @cached_property
    def subjects(self) -> frozenset[Digest]:
        """What the version refers to: its subject, and the digests that its tags spell."""
        subject = self.intent.body.subject
        spelled = {tag.subject for tag in self.tags if tag.subject}
        return frozenset({Digest(subject)} | spelled if subject else spelled)

    @property
    def result(self) -> Result | None:
        """How it ended, None while that is not known."""
        return self.ended.body.result if self.ended else None

    @property
    def is_standing(self) -> bool:
        """Whether the version was deleted and not restored since."""
        return self.result is Result.DELETED and self.restored is None

    @property
    def may_land_late(self) -> bool:
        """Whether the registry may carry out a DELETE after the version was found to exist.

        That is possible where an answer was lost, and where a run was killed: the next run found
        the version, and a server may carry a request out after that.
        """
        by_later_run = self.ended is not None and self.ended.run != self.run
        was_open = self.result in (None, Result.UNKNOWN)
        return was_open or (self.result is Result.NOT_DONE and by_later_run)

    @property
    def at(self) -> datetime:
        """When it happened; where a later run found it out, the earliest it may have happened."""
        is_own = self.ended is not None and self.ended.run == self.run
        return self.ended.ts if self.ended and is_own else self.intent.ts

    @property
    def until(self) -> datetime | None:
        """How long the registry can restore it, as far as the run knew; None if it did not."""
        days = self.opened.body.undo_days if self.opened else None
        return self.at + timedelta(days=days) if days is not None else None


def attempts(records: Iterable[Record]) -> list[Attempt]:
    """Read every attempt from the journal of one repository, in the order they were made."""
    opened: dict[str, Opened] = {}
    made: list[Attempt] = []
    last: dict[str, int] = {}
    more: dict[str, list[Digest]] = defaultdict(list)
    for record in records:
        match record.content:
            case RunOpenBody() as body:
                opened[record.run] = TypedRecord.of(record, body)
            case ChildrenBody() as body:
                more[body.version_key] += map(Digest, body.children)
            case IntentBody(is_restoration=False) as body:
                last[body.version_key] = len(made)
                # A run that was killed before its intent may have left other children before these.
                named, count = more.pop(body.version_key, []), body.more_children or 0
                children = tuple(named[-count:] if count else ())
                intent = TypedRecord.of(record, body)
                made.append(Attempt(opened.get(record.run), intent, more_children=children))
            # An outcome without an intent is of a restoration, or of a journal that was cut off.
            case OutcomeBody() | ResolveBody() as body if body.version_key in last:
                number, ended = last[body.version_key], TypedRecord.of(record, body)
                if body.result is Result.RESTORED:
                    made[number] = replace(made[number], restored=ended)
                # A restoration that failed changes nothing about the deletion.
                elif not body.is_restoration:
                    made[number] = replace(made[number], ended=ended)
    return made


def deletions(records: Iterable[Record]) -> list[Attempt]:
    """Return the last deletion of each version, in the order in which they were made."""
    last: dict[str, Attempt] = {}
    for attempt in attempts(records):
        if attempt.result is Result.DELETED:
            # Removed first, so that the order is that of the last deletion and not of the first.
            last.pop(attempt.key, None)
            last[attempt.key] = attempt
    return list(last.values())


def late_deletions(records: Iterable[Record]) -> list[Attempt]:
    """Return what may have been deleted after it was last read, the latest attempt of each.

    Only the registry knows which of them were.
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
    matching = [
        (repository, attempt)
        for repository, records in journals.items()
        for attempt in attempts(records)
        if mention.means(repository, attempt.tags, attempt.digest)
    ]
    return sorted(matching, key=lambda pair: (pair[1].at, pair[0], pair[1].digest), reverse=True)


def last_deleting_run(journals: Journals) -> str:
    """Return the run that deleted something last, empty where none ever did."""
    done = [
        attempt
        for records in journals.values()
        for attempt in attempts(records)
        if attempt.result is Result.DELETED
    ]
    return max(done, key=lambda attempt: (attempt.at, attempt.run)).run if done else ""
