"""Plan the restoration of what a run deleted, children first.

An image is restored with its children and its referrers, even those that another run deleted. An
image that cannot be restored completely is left out, and a tag that now points to another image is
not moved. Source: docs/undo.md, "What comes back".
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cached_property

from reconciler.core.history import Attempt
from reconciler.core.walk import closure
from reconciler.model.causes import Cause
from reconciler.model.inventory import Version
from reconciler.model.journal import Result
from reconciler.model.names import Digest, Mention, Repository, Tag
from reconciler.model.plan import RepositoryPlan
from reconciler.model.plan_rows import Change, Observed
from reconciler.model.results import Dropped

_HOLE = "a manifest that it lists cannot be restored"
_UNNAMED = "the journal does not name all its children, and its document can no longer be read"
_ALONE = "its subject cannot be restored"


@dataclass(frozen=True, slots=True)
class UndoRequest:
    """What to restore: everything that a run deleted, or `only` what is named.

    With `retag`, tags that the registry does not restore are attached where they are free.
    """

    run: str
    only: Mention = field(default_factory=Mention)
    retag: bool = False

    def includes(self, repository: Repository, attempt: Attempt) -> bool:
        """Whether a deletion in a repository is to be undone."""
        return attempt.run == self.run and self.only.means(repository, attempt.tags, attempt.digest)


@dataclass(frozen=True)
class UndoInput:
    """Inputs for undo in one repository: its recorded deletions, and what the registry has now.

    Shape: `deletions` in the order in which they were made; `restorable` are the versions that the
        registry can still restore, by its own id; `window` is for how long, where that is known.
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
        """Return the tags of a deleted version that point to nothing now."""
        return [tag for tag in attempt.tags if tag not in self.tagged]

    def can_restore(self, attempt: Attempt) -> bool:
        """Whether the registry can still restore a version, and it was not pushed again."""
        return attempt.version_id in self.restorable and attempt.digest not in self.live


@dataclass(frozen=True, slots=True)
class RestoreSelection:
    """What can be restored, the last deleted first, and why the rest cannot."""

    restorable: Mapping[Digest, Attempt]
    impossible: Mapping[Digest, str]


def plan_restorations(case: UndoInput, request: UndoRequest) -> RepositoryPlan:
    """Plan what to restore in one repository."""
    named = [
        deletion.digest
        for deletion in case.deletions
        if request.includes(case.repository, deletion)
    ]
    # Companions are restored as well, even those that were deleted by another run.
    requested = closure(companions(case.deletions), named)
    # The last one first: children were deleted after what lists them.
    chosen = [attempt for attempt in reversed(case.deletions) if attempt.digest in requested]
    selection = _select_restorable(chosen, case, retag=request.retag)
    return RepositoryPlan(
        repository=case.repository,
        policy="",
        complete=True,
        state=case.head,
        versions=len(case.live),
        undo=True,
        changes=tuple(_changes(selection.restorable.values(), case)),
        warnings=tuple(_warnings(selection, case)),
    )


def narrow_restorations(
    planned: RepositoryPlan, case: UndoInput, *, retag: bool
) -> tuple[tuple[Change, ...], tuple[Dropped, ...]]:
    """Check planned restorations against the present: what remains to be done, what is dropped."""
    by_digest = {attempt.digest: attempt for attempt in case.deletions}
    named = [by_digest[change.digest] for change in planned.changes if change.digest in by_digest]
    selection = _select_restorable(named, case, retag=retag)
    remaining: list[Change] = []
    dropped: list[Dropped] = []
    for change in planned.changes:
        reason = selection.impossible.get(change.digest, "")
        if change.digest in selection.restorable:
            remaining.append(change)
        elif change.digest in case.live:
            again = "the registry has it again"
            dropped.append(Dropped(change, Result.SKIPPED_CHANGED, again))
        elif reason in (_HOLE, _ALONE, _UNNAMED):
            dropped.append(Dropped(change, Result.SKIPPED_REFERENCED, reason))
        else:
            gone = "the registry can no longer restore it"
            dropped.append(Dropped(change, Result.ABSENT, gone))
    return tuple(remaining), tuple(dropped)


def companions(deletions: Iterable[Attempt]) -> Mapping[Digest, Set[Digest]]:
    """Map each version to those restored with it: what it lists, and what refers to it."""
    links: dict[Digest, set[Digest]] = defaultdict(set)
    # From an image to its parts only: restoring a child does not restore each index that lists it.
    for attempt in deletions:
        links[attempt.digest].update(attempt.children)
        for subject in attempt.subjects:
            links[subject].add(attempt.digest)
    return links


def _select_restorable(
    chosen: Iterable[Attempt], case: UndoInput, *, retag: bool
) -> RestoreSelection:
    """Separate what can be restored from what cannot; children come before what lists them."""
    restorable: dict[Digest, Attempt] = {}
    impossible: dict[Digest, str] = {}
    for attempt in chosen:
        # A version that exists again needs no restoration, but may have lost its tags.
        if attempt.digest in case.live:
            if retag and case.missing_tags(attempt):
                restorable[attempt.digest] = attempt
        elif not case.can_restore(attempt):
            is_too_late = case.window and attempt.at + case.window <= case.now
            impossible[attempt.digest] = (
                f"the registry keeps deleted versions for {case.window.days} days"
                if case.window and is_too_late
                else "the registry can no longer restore it"
            )
        # Without all its children, an image would come back broken.
        elif attempt.has_unnamed_children:
            impossible[attempt.digest] = _UNNAMED
        elif not all(child in restorable or child in case.live for child in attempt.children):
            impossible[attempt.digest] = _HOLE
        elif attempt.subjects & impossible.keys():
            impossible[attempt.digest] = _ALONE
        else:
            restorable[attempt.digest] = attempt
    return RestoreSelection(restorable, impossible)


def _changes(restorable: Iterable[Attempt], case: UndoInput) -> Iterator[Change]:
    numbers: dict[tuple[str, object], int] = {}
    for attempt in restorable:
        intended = attempt.intent.body
        part = (attempt.run, attempt.key if intended.component is None else intended.component)
        # A version that was pushed again has a new id.
        version = case.live.get(attempt.digest) or case.restorable[attempt.version_id]
        yield Change(
            key=attempt.key,
            digest=attempt.digest,
            version_id=version.id,
            action="restore",
            component=numbers.setdefault(part, len(numbers) + 1),
            cause=Cause(intended.cause or Cause.EXPIRED),
            rules=intended.rules,
            reasons=intended.reasons,
            observed=Observed(
                tags=attempt.tags,
                pushed=version.pushed,
                children=attempt.children,
                subject=min(attempt.subjects, default=None),
            ),
            # From the earliest time at which it may have been deleted.
            until=attempt.at + case.window if case.window else None,
        )


def _warnings(selection: RestoreSelection, case: UndoInput) -> Iterator[str]:
    """Warn of versions that cannot be restored, and of tags that point to other images now."""
    impossible = selection.impossible
    # One example of each reason: a run may have deleted thousands that cannot be restored.
    examples = {reason: digest for digest, reason in reversed(list(impossible.items()))}
    for reason, count in sorted(Counter(impossible.values()).items()):
        example = examples[reason]
        subject = example if count == 1 else f"{count} versions, such as {example},"
        yield f"{subject} cannot be restored: {reason}"
    for attempt in selection.restorable.values():
        for tag in attempt.tags:
            holder = case.tagged.get(tag, attempt.digest)
            if holder != attempt.digest:
                yield f"tag {tag} of {attempt.digest.short} now points to {holder}, and stays there"
