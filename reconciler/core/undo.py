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
from reconciler.model.journal import HoldBody, IntentBody, Record, ReleaseBody, Result
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

    def includes(self, repository: Repository, attempt: Attempt) -> bool:
        """Whether a deletion in a repository is asked for."""
        return attempt.run == self.run and self.only.means(repository, attempt.tags, attempt.digest)


@dataclass(frozen=True)
class UndoInput:
    """One repository after deletions: what the journal tells of them, and what is there now.

    Shape: `deletions` in the order in which they were made; `restorable` are the versions that the
        registry can still restore, by its own id; `window` is how long it can, where it says so.
    """

    repository: Repository
    deletions: Sequence[Attempt]
    restorable: Mapping[str, Version]
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
        return attempt.version_id in self.restorable and attempt.digest not in self.live


@dataclass(frozen=True, slots=True)
class RestoreSelection:
    """What of an undo can be done, last deleted first, and why the rest cannot."""

    restorable: Mapping[Digest, Attempt]
    impossible: Mapping[Digest, str]


def plan_restorations(case: UndoInput, request: UndoRequest) -> RepositoryPlan:
    """Plan what to restore in one repository."""
    chosen = _requested(case, request)
    selection = _select_restorable(chosen, case, retag=request.retag)
    warnings = (
        *_impossible_warnings(selection.impossible),
        *_moved_tag_warnings(selection.restorable.values(), case),
    )
    return RepositoryPlan(
        repository=case.repository,
        policy="",
        complete=True,
        state=case.head,
        versions=len(case.live),
        undo=True,
        changes=tuple(_changes(selection.restorable.values(), case)),
        warnings=warnings,
    )


def narrow_restorations(
    planned: RepositoryPlan, case: UndoInput, *, retag: bool
) -> tuple[tuple[Change, ...], tuple[Dropped, ...]]:
    """Hold planned restorations against this moment: what is left to do, and what is dropped."""
    by_digest = {attempt.digest: attempt for attempt in case.deletions}
    named = [by_digest[change.digest] for change in planned.changes if change.digest in by_digest]
    selection = _select_restorable(named, case, retag=retag)
    restorable = tuple(
        change for change in planned.changes if change.digest in selection.restorable
    )
    dropped = (
        _dropped(change, selection, case)
        for change in planned.changes
        if change.digest not in selection.restorable
    )
    return restorable, tuple(dropped)


def companions(deletions: Iterable[Attempt]) -> Mapping[Digest, Set[Digest]]:
    """Map each version to what comes back with it: what it lists, and what speaks of it."""
    links: dict[Digest, set[Digest]] = defaultdict(set)
    for attempt in deletions:
        links[attempt.digest].update(attempt.children)
        for subject in attempt.subjects:
            links[subject].add(attempt.digest)
    return links


def _requested(case: UndoInput, request: UndoRequest) -> list[Attempt]:
    """Return the deletions to take back, the last one first: children before what lists them."""
    named = [
        deletion.digest
        for deletion in case.deletions
        if request.includes(case.repository, deletion)
    ]
    reached = closure(companions(case.deletions), named)
    return [attempt for attempt in reversed(case.deletions) if attempt.digest in reached]


def _select_restorable(
    chosen: Iterable[Attempt], case: UndoInput, *, retag: bool
) -> RestoreSelection:
    """Part what can be done from what cannot; children come before what lists them."""
    restorable: dict[Digest, Attempt] = {}
    impossible: dict[Digest, str] = {}
    for attempt in chosen:
        if attempt.digest in case.live:
            if retag and case.missing_tags(attempt):
                restorable[attempt.digest] = attempt
        elif not case.can_restore(attempt):
            impossible[attempt.digest] = _why_impossible(attempt, case)
        elif attempt.has_unnamed_children:
            impossible[attempt.digest] = _UNNAMED
        elif not all(child in restorable or child in case.live for child in attempt.children):
            impossible[attempt.digest] = _HOLE
        elif attempt.subjects & impossible.keys():
            impossible[attempt.digest] = _ALONE
        else:
            restorable[attempt.digest] = attempt
    return RestoreSelection(restorable, impossible)


def _why_impossible(attempt: Attempt, case: UndoInput) -> str:
    window = case.window
    if window and attempt.at + window <= case.now:
        return f"the registry holds deletions for {window.days} days"
    return "no longer held by the registry"


def _changes(restorable: Iterable[Attempt], case: UndoInput) -> Iterator[Change]:
    numbers: dict[tuple[str, object], int] = {}
    for attempt in restorable:
        intended = attempt.intent.body
        part = (attempt.run, attempt.key if intended.component is None else intended.component)
        here = case.live.get(attempt.digest) or case.restorable[attempt.version_id]
        yield Change(
            key=attempt.key,
            digest=attempt.digest,
            version_id=here.id,
            action="restore",
            component=numbers.setdefault(part, len(numbers) + 1),
            cause=Cause(intended.cause or Cause.EXPIRED),
            rules=intended.rules,
            reasons=intended.reasons,
            observed=Observed(
                tags=attempt.tags,
                pushed=here.pushed,
                children=attempt.children,
                subject=min(attempt.subjects, default=None),
            ),
            until=attempt.at + case.window if case.window else None,
        )


def _impossible_warnings(impossible: Mapping[Digest, str]) -> Iterator[str]:
    """Say how many versions cannot be restored, and why, with an example of each reason."""
    examples = {reason: digest for digest, reason in reversed(list(impossible.items()))}
    for reason, count in sorted(Counter(impossible.values()).items()):
        subject = examples[reason] if count == 1 else f"{count} versions, like {examples[reason]},"
        yield f"{subject} cannot be restored: {reason}"


def _moved_tag_warnings(restorable: Iterable[Attempt], case: UndoInput) -> Iterator[str]:
    """Say which tags were given to other images since, which keep them."""
    for attempt in restorable:
        for tag in attempt.tags:
            holder = case.tagged.get(tag, attempt.digest)
            if holder != attempt.digest:
                yield f"tag {tag} of {attempt.digest.short} is on {holder} now, and stays there"


def _dropped(change: Change, selection: RestoreSelection, case: UndoInput) -> Dropped:
    if change.digest in case.live:
        return Dropped(change, Result.SKIPPED_CHANGED, "it is there again")
    reason = selection.impossible.get(change.digest, "")
    if reason in (_HOLE, _ALONE, _UNNAMED):
        return Dropped(change, Result.SKIPPED_REFERENCED, reason)
    return Dropped(change, Result.ABSENT, "no longer held by the registry")


def with_holds(observations: Observations, records: Iterable[Record]) -> Observations:
    """Return the observations with all that is held, by the journal, marked as held.

    Where the journal says nothing of a digest, the observations decide: an old journal may have
    been lost, or may have been written before holds were recorded.
    """
    digests = dict(observations.digests)
    for digest, last in _last_holds(records).items():
        observation = digests.get(digest)
        if observation is None and last.is_held:
            observation = Observation(first_seen=last.at, tags=last.tags)
        if observation is not None:
            digests[digest] = observation.model_copy(update={"held": last.is_held})
    return Observations(digests=digests)


def held_digests(
    observations: Observations,
    repository: Repository,
    mentions: Sequence[Mention],
    companions: Mapping[Digest, Set[Digest]],
) -> set[Digest]:
    """Return what is held of what is mentioned, and of what came back with it.

    No mention at all stands for everything. A part that another held image needs may be
    released: that image keeps it.
    """
    held_tags = {
        digest: observation.tags
        for digest, observation in observations.digests.items()
        if observation.held
    }
    named = (
        digest
        for digest, tags in held_tags.items()
        if not mentions or any(mention.means(repository, tags, digest) for mention in mentions)
    )
    return closure(companions, named) & held_tags.keys()


@dataclass(frozen=True, slots=True)
class _Hold:
    """When a version was last held or released, and its tags where the record names them."""

    at: datetime
    is_held: bool
    tags: tuple[Tag, ...] = ()


def _last_holds(records: Iterable[Record]) -> dict[Digest, _Hold]:
    """Map each digest that was ever held to what the last record about it says.

    A version that an undo intends to restore is held from then on, even without a `hold`.
    """
    last: dict[Digest, _Hold] = {}
    for record in records:
        match record.content:
            case HoldBody(digests=digests):
                last |= {Digest(digest): _Hold(record.ts, is_held=True) for digest in digests}
            case ReleaseBody(digests=digests):
                last |= {Digest(digest): _Hold(record.ts, is_held=False) for digest in digests}
            case IntentBody(is_restoration=True) as intent:
                tags = tuple(map(Tag, intent.tags))
                last[Digest(intent.digest)] = _Hold(record.ts, is_held=True, tags=tags)
    return last
