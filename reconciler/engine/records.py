"""Journal records: intents before a change, outcomes after it, and those of interrupted runs."""

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence, Set
from dataclasses import dataclass
from datetime import datetime

from reconciler.model.inventory import Version
from reconciler.model.journal import (
    MAX_CHILDREN,
    ChildrenBody,
    Entry,
    IntentBody,
    OutcomeBody,
    Record,
    ResolveBody,
    Result,
    RunCloseBody,
    entry_of,
    head_of,
    open_intents,
    open_runs,
)
from reconciler.model.names import Digest, Repository
from reconciler.model.plan_rows import Change
from reconciler.model.ports import MAX_REQUEST_ID, RegistryReader, RepositoryState
from reconciler.model.results import Outcome

BATCH = 50
"""Deletions whose intents are written in one append: one write to a slow state for about fifty
requests to the registry. A component is never divided, so a batch may be larger."""

MORE_CHILDREN = 400
"""Children named in each `children` record: 30 kB of the 64 kB that a record may have."""

MAX_TAGS, MAX_RULES, MAX_REASONS = 24 * 1024, 8 * 1024, 12 * 1024
"""Room for each in one intent, in bytes of JSON, so that a record stays within its limit."""

_RESULTS = {
    (False, True): Result.NOT_DONE,
    (False, False): Result.DELETED,
    (True, True): Result.RESTORED,
    (True, False): Result.NOT_DONE,
}
"""The result of an intent, by whether it restores and whether the version exists."""


def all_intents(changes: Iterable[Change], existing: Set[Digest]) -> list[Entry]:
    """Return the intents of several deletions.

    Only children that exist are named: an undo restores them with their index, and what was
    missing before cannot come back.
    """
    return [
        entry
        for change in changes
        for entry in intents(
            change, [child for child in change.observed.children if child in existing]
        )
    ]


def intents(change: Change, children: Sequence[Digest]) -> Iterator[Entry]:
    """Return an intent, after `children` records for the children that it has no room for.

    All children are named, or an undo would restore an incomplete index. They come first, so that
    an intent that can be read has all of its children before it. Of hundreds of long tags only
    those that fit are named, and the others counted: the plan names all of them.
    """
    more = children[MAX_CHILDREN:]
    for start in range(0, len(more), MORE_CHILDREN):
        part = tuple(more[start : start + MORE_CHILDREN])
        yield entry_of(ChildrenBody(key=change.key, children=part))
    tags = tuple(_fitting(change.observed.tags, MAX_TAGS))
    body = IntentBody(
        key=change.key,
        digest=change.digest,
        version_id=change.version_id,
        action=change.action,
        component=change.component,
        tags=tags,
        children=tuple(children[:MAX_CHILDREN]),
        subject=change.observed.subject or "",
        cause=change.cause,
        rules=tuple(_fitting(change.rules, MAX_RULES)),
        reasons=tuple(_fitting(change.reasons, MAX_REASONS)),
    )
    # Keys that are not given are not written.
    omitted: dict[str, int] = {}
    if len(children) >= MAX_CHILDREN:
        omitted["more_children"] = len(more)
    if len(tags) < len(change.observed.tags):
        omitted["more_tags"] = len(change.observed.tags) - len(tags)
    yield entry_of(body.model_copy(update=omitted))


def _fitting(texts: Iterable[str], room: int) -> Iterator[str]:
    """Yield texts as long as there is room. Units: `room` in bytes of JSON."""
    for text in texts:
        room -= len(json.dumps(text)) + 1
        if room < 0:
            return
        yield text


def batches(components: Iterable[Sequence[Change]], most: int) -> Iterator[list[Sequence[Change]]]:
    """Collect components so that a batch has at most so many deletions, or is one component."""
    batch: list[Sequence[Change]] = []
    for component in components:
        if batch and sum(map(len, batch)) + len(component) > most:
            yield batch
            batch = []
        batch.append(component)
    if batch:
        yield batch


def outcome_entry(outcome: Outcome) -> Entry:
    """Return the record of how one change ended."""
    body = OutcomeBody(
        key=outcome.change.key,
        digest=outcome.change.digest,
        action=outcome.change.action,
        result=outcome.result,
        reason=outcome.reason,
        status=outcome.status,
        request_id=outcome.request_id[:MAX_REQUEST_ID],
    )
    return entry_of(body)


def counts(outcomes: Iterable[Outcome]) -> dict[str, int]:
    """Count outcomes by result, for the journal and the last line."""
    return dict(sorted(Counter(str(outcome.result) for outcome in outcomes).items()))


@dataclass(frozen=True, slots=True)
class Settled:
    """A journal in which every intent has an outcome; `resolved` counts those that had none."""

    records: Sequence[Record]
    resolved: int

    @property
    def head(self) -> str:
        """The hash of the last record, empty when there is none."""
        return head_of(self.records)


def settle(
    reader: RegistryReader, repository: Repository, state: RepositoryState, run: str, now: datetime
) -> Settled:
    """Resolve what interrupted runs left open, and record that; needs the lock.

    Raises: EvidenceError, when the registry cannot be asked; then the intents stay open.
    """
    records = list(state.records())
    entries = list(resolve(reader, repository, records))
    if entries:
        records.extend(state.append(run, now, entries))
    return Settled(records, sum(entry.type == "resolve" for entry in entries))


def resolve(
    reader: RegistryReader, repository: Repository, records: Sequence[Record]
) -> Iterator[Entry]:
    """Yield one `resolve` entry for each intent without outcome, and close each open run.

    A version that no longer exists was deleted by the run with the intent. One that exists was
    not, and nothing is sent again for it: a new plan may name it. One that the intent restores
    and that exists was restored.

    Raises: EvidenceError, when the registry cannot be asked; then the intents stay open.
    """
    for key, intent in open_intents(records).items():
        body = intent.body
        # Only a read shows whether the request arrived before the run was killed.
        current = reader.version(repository, Version(Digest(body.digest), id=body.version_id))
        result = _RESULTS[body.is_restoration, current is not None]
        yield entry_of(ResolveBody.answering(body, of=intent.run, key=key, result=result))
    # After the intents, so that a run is closed only once all of its outcomes are known.
    for run in open_runs(records):
        yield entry_of(RunCloseBody(of=run, reason="abandoned"))
