"""Plan the restoration of what a run deleted, children first, and hold it until it is released.

An image is restored with all it lists and with its referrers, also where another run deleted them.
What would come back incomplete is left out, and a tag that another image has now stays there.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cached_property

from reconciler.core.history import Attempt
from reconciler.core.walk import closure
from reconciler.model.inventory import Observation, Observations, Version
from reconciler.model.journal import Record, Result, is_restoration
from reconciler.model.names import Digest, Mention, Repository, Tag
from reconciler.model.plan import Cause, Change, Observed, RepositoryPlan
from reconciler.model.results import Dropped

_HOLE = "a part of it cannot be restored"
_UNNAMED = "the journal does not name all that it lists, and its document cannot be read any more"
_ALONE = "what it speaks of cannot be restored"


@dataclass(frozen=True, slots=True)
class UndoRequest:
    """What is to be undone: what a run deleted, all of it or `only` what is mentioned.

    With `retag`, tags that do not come back of themselves are attached where they are free.
    """

    run: str
    only: Mention = field(default_factory=Mention)
    retag: bool = False

    def names(self, repository: Repository, attempt: Attempt) -> bool:
        """Whether a deletion in a repository is asked for."""
        return attempt.run == self.run and self.only.means(repository, attempt.tags, attempt.digest)


@dataclass(frozen=True)
class Remains:
    """One repository after deletions: what the journal tells of them, and what is there now.

    Shape: `deletions` in the order in which they were made; `present` are the versions that the
        registry can still restore, by its own id; `window` is how long it can, where it says so.
    """

    repository: Repository
    deletions: Sequence[Attempt]
    present: Mapping[str, Version]
    live: Mapping[Digest, Version]
    now: datetime
    window: timedelta | None = None
    head: str = ""
    """The hash of the last record of the journal."""

    @cached_property
    def tagged(self) -> Mapping[Tag, Digest]:
        """Each tag and the digest it points to now."""
        return {tag: version.digest for version in self.live.values() for tag in version.tags}

    def missing_tags(self, attempt: Attempt) -> list[Tag]:
        """Return the tags of a deleted version that nobody has now."""
        return [tag for tag in attempt.tags if tag not in self.tagged]

    def can_restore(self, attempt: Attempt) -> bool:
        """Whether the registry still holds what was deleted, and nobody pushed it anew."""
        return attempt.version_id in self.present and attempt.digest not in self.live


@dataclass(frozen=True, slots=True)
class Choice:
    """What of an undo can be done, last deleted first, and why the rest cannot."""

    work: Mapping[Digest, Attempt]
    lost: Mapping[Digest, str]


def plan_restorations(remains: Remains, wanted: UndoRequest) -> RepositoryPlan:
    """Plan what to restore in one repository."""
    chosen = _chosen(remains, wanted)
    choice = _choose(chosen, remains, retag=wanted.retag)
    warnings = (*_lost(choice.lost), *_conflicts(choice.work.values(), remains))
    return RepositoryPlan(
        repository=remains.repository,
        policy="",
        complete=True,
        state=remains.head,
        versions=len(remains.live),
        undo=True,
        changes=tuple(_changes(choice.work.values(), remains)),
        warnings=warnings,
    )


def narrow_restorations(
    planned: RepositoryPlan, remains: Remains, *, retag: bool
) -> tuple[tuple[Change, ...], tuple[Dropped, ...]]:
    """Hold planned restorations against this moment: what is left to do, and what is dropped."""
    by_digest = {attempt.digest: attempt for attempt in remains.deletions}
    named = [by_digest[change.digest] for change in planned.changes if change.digest in by_digest]
    choice = _choose(named, remains, retag=retag)
    work = tuple(change for change in planned.changes if change.digest in choice.work)
    dropped = (
        _dropped(change, choice, remains)
        for change in planned.changes
        if change.digest not in choice.work
    )
    return work, tuple(dropped)


def companions(deletions: Iterable[Attempt]) -> Mapping[Digest, Set[Digest]]:
    """Map each version to what comes back with it: what it lists, and what speaks of it."""
    links: dict[Digest, set[Digest]] = defaultdict(set)
    for attempt in deletions:
        links[attempt.digest].update(attempt.children)
        for subject in attempt.subjects:
            links[subject].add(attempt.digest)
    return links


def _chosen(remains: Remains, wanted: UndoRequest) -> list[Attempt]:
    """Return the deletions to take back, the last one first: children before what lists them."""
    named = [
        deletion.digest
        for deletion in remains.deletions
        if wanted.names(remains.repository, deletion)
    ]
    reached = closure(companions(remains.deletions), named)
    return [attempt for attempt in reversed(remains.deletions) if attempt.digest in reached]


def _choose(chosen: Iterable[Attempt], remains: Remains, *, retag: bool) -> Choice:
    """Part what can be done from what cannot; children come before what lists them."""
    work: dict[Digest, Attempt] = {}
    lost: dict[Digest, str] = {}
    for attempt in chosen:
        if attempt.digest in remains.live:
            if retag and remains.missing_tags(attempt):
                work[attempt.digest] = attempt
        elif not remains.can_restore(attempt):
            lost[attempt.digest] = _why_lost(attempt, remains)
        elif attempt.has_unnamed_children:
            lost[attempt.digest] = _UNNAMED
        elif not all(child in work or child in remains.live for child in attempt.children):
            lost[attempt.digest] = _HOLE
        elif attempt.subjects & lost.keys():
            lost[attempt.digest] = _ALONE
        else:
            work[attempt.digest] = attempt
    return Choice(work, lost)


def _why_lost(attempt: Attempt, remains: Remains) -> str:
    window = remains.window
    if window and attempt.at + window <= remains.now:
        return f"the registry holds deletions for {window.days} days"
    return "no longer held by the registry"


def _changes(work: Iterable[Attempt], remains: Remains) -> Iterator[Change]:
    numbers: dict[tuple[str, object], int] = {}
    for attempt in work:
        intended = attempt.intent.body
        part = (attempt.run, intended.get("component", attempt.key))
        here = remains.live.get(attempt.digest) or remains.present[attempt.version_id]
        yield Change(
            key=attempt.key,
            digest=attempt.digest,
            version_id=here.id,
            action="restore",
            component=numbers.setdefault(part, len(numbers) + 1),
            cause=Cause(intended.get("cause", Cause.EXPIRED)),
            rules=tuple(intended.get("rules", ())),
            reasons=tuple(intended.get("reasons", ())),
            observed=Observed(
                tags=attempt.tags,
                pushed=here.pushed,
                children=attempt.children,
                subject=min(attempt.subjects, default=None),
            ),
            until=attempt.at + remains.window if remains.window else None,
        )


def _lost(lost: Mapping[Digest, str]) -> Iterator[str]:
    """Say how many versions cannot be restored, and why, with an example of each reason."""
    examples = {reason: digest for digest, reason in reversed(list(lost.items()))}
    for reason, count in sorted(Counter(lost.values()).items()):
        subject = examples[reason] if count == 1 else f"{count} versions, like {examples[reason]},"
        yield f"{subject} cannot be restored: {reason}"


def _conflicts(work: Iterable[Attempt], remains: Remains) -> Iterator[str]:
    """Say which tags were given to other images since, which keep them."""
    for attempt in work:
        for tag in attempt.tags:
            holder = remains.tagged.get(tag, attempt.digest)
            if holder != attempt.digest:
                yield f"tag {tag} of {attempt.digest.short} is on {holder} now, and stays there"


def _dropped(change: Change, choice: Choice, remains: Remains) -> Dropped:
    if change.digest in remains.live:
        return Dropped(change, Result.SKIPPED_CHANGED, "it is there again")
    reason = choice.lost.get(change.digest, "")
    if reason in (_HOLE, _ALONE, _UNNAMED):
        return Dropped(change, Result.SKIPPED_REFERENCED, reason)
    return Dropped(change, Result.ABSENT, "no longer held by the registry")


def with_holds(noted: Observations, records: Iterable[Record]) -> Observations:
    """Return the observations with all that is held, by the journal, marked as held.

    Where the journal says nothing of a digest, the observations decide: an old journal may have
    been lost, or may have been written before holds were recorded.
    """
    digests = dict(noted.digests)
    for digest, last in _last_words(records).items():
        held = last.type != "release"
        seen = digests.get(digest)
        if seen is None and held:
            tags = last.body.get("tags", ()) if last.type == "intent" else ()
            seen = Observation(first_seen=last.ts, tags=tags)
        if seen is not None:
            digests[digest] = seen.model_copy(update={"held": held})
    return Observations(digests=digests)


def holds_of(
    seen: Observations,
    repository: Repository,
    mentions: Sequence[Mention],
    companions: Mapping[Digest, Set[Digest]],
) -> set[Digest]:
    """Return what is held of what is mentioned, and of what came back with it.

    No mention at all stands for everything. A part that another held image needs may be
    released: that image keeps it.
    """
    held = {digest: one.tags for digest, one in seen.digests.items() if one.held}
    named = (
        digest
        for digest, tags in held.items()
        if not mentions or any(mention.means(repository, tags, digest) for mention in mentions)
    )
    return closure(companions, named) & held.keys()


def _last_words(records: Iterable[Record]) -> dict[Digest, Record]:
    """Map each digest that was ever held to the last record that holds or releases it.

    What is meant to be restored is held from then on, whether or not a run wrote that down.
    """
    last: dict[Digest, Record] = {}
    for record in records:
        if record.type in ("hold", "release"):
            last |= {Digest(one): record for one in record.body.get("digests", ())}
        elif record.type == "intent" and is_restoration(record):
            last[Digest(record.body["digest"])] = record
    return last
