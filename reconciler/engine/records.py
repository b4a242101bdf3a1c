"""Journal records: intents before a change, observations after it, outcomes of interrupted runs."""

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from datetime import datetime

from reconciler.model.inventory import Inventory, Observation, Observations, Version
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
from reconciler.model.plan import Change
from reconciler.model.ports import MAX_REQUEST_ID, RegistryReader, RepositoryState
from reconciler.model.results import Outcome

BATCH = 50
"""Deletions whose intents are written in one append: one write to a slow state for about fifty
requests to the registry. A component is never divided, so a batch may be larger."""

MORE_CHILDREN = 400
"""Children named in each record beside an intent that has no room for all of them."""

MAX_TAGS, MAX_RULES, MAX_REASONS = 24 * 1024, 8 * 1024, 12 * 1024
"""Room for each in one intent, in bytes of JSON: with the rest they make a whole record."""

_RESULTS = {
    (False, True): Result.NOT_DONE,
    (False, False): Result.DELETED,
    (True, True): Result.RESTORED,
    (True, False): Result.NOT_DONE,
}
"""What became of an intent: by whether it restores, and whether the version is there."""


def intents(change: Change, children: Sequence[Digest]) -> Iterator[Entry]:
    """Write down what is about to be done and why; `children` are what must be there with it.

    All of them are named, or an undo would bring an index back with holes: first those that the
    intent has no room for, so that an intent that can be read has all of its children before it.

    A version with hundreds of long tags has those named that there is room for, and the others
    counted: the plan names all of them.
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
    left_out: dict[str, int] = {}
    if len(children) >= MAX_CHILDREN:
        left_out["more_children"] = len(more)
    if len(tags) < len(change.observed.tags):
        left_out["more_tags"] = len(change.observed.tags) - len(tags)
    yield entry_of(body.model_copy(update=left_out))


def _fitting(texts: Iterable[str], room: int) -> Iterator[str]:
    """Yield texts as long as there is room. Units: `room` in bytes of JSON."""
    for text in texts:
        room -= len(json.dumps(text)) + 1
        if room < 0:
            return
        yield text


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


def remember(
    earlier: Observations,
    inventory: Inventory,
    *,
    now: datetime,
    gone: Set[Digest] = frozenset(),
    refused: Mapping[Digest, str] | None = None,
) -> Observations:
    """Return the observations after a run: what is left of the inventory, as it was seen.

    `gone` was deleted by the run; `refused` maps what the registry would not delete to its words.
    """
    words = refused or {}
    stay = (version for digest, version in inventory.versions.items() if digest not in gone)
    seen = {one.digest: _observe(earlier.digests.get(one.digest), one, now) for one in stay}
    for digest in words.keys() & seen.keys():
        # A refusal holds for the tags of now, even for none.
        refusal = {
            "tags": inventory.versions[digest].tags,
            "retained": words[digest],
            "visibility": inventory.visibility,
        }
        seen[digest] = seen[digest].model_copy(update=refusal)
    return Observations(digests=seen)


def _observe(before: Observation | None, version: Version, now: datetime) -> Observation:
    if before is None:
        before = Observation(first_seen=now, tagged_since=now, tags=version.tags)
    known = before.tagged_since if not before.arrived(version.tags) else None
    stands = bool(before.retained) and version.tags == before.tags
    return Observation(
        first_seen=before.first_seen,
        untagged_since=None if version.tags else before.untagged_since or now,
        tagged_since=known or now if version.tags else None,
        tags=version.tags if stands else version.tags or before.tags,
        retained=before.retained if stands else "",
        visibility=before.visibility if stands else "",
        held=before.held,
    )


@dataclass(frozen=True, slots=True)
class Settled:
    """A journal without open ends. Shape: `resolved` counts the intents that had no outcome."""

    records: Sequence[Record]
    resolved: int

    @property
    def head(self) -> str:
        """The hash of the last record, empty when there is none."""
        return head_of(self.records)


def settle(
    reader: RegistryReader, repository: Repository, state: RepositoryState, run: str, now: datetime
) -> Settled:
    """Resolve what dead runs left open, and write that down; needs the lock.

    Raises: EvidenceError, when the registry cannot be asked; then the intents stay open.
    """
    records = list(state.records())
    found = list(resolve(reader, repository, records))
    if found:
        records.extend(state.append(run, now, found))
    return Settled(records, sum(entry.type == "resolve" for entry in found))


def resolve(
    reader: RegistryReader, repository: Repository, records: Sequence[Record]
) -> Iterator[Entry]:
    """Yield one `resolve` entry for each intent without outcome, and close the runs they are of.

    A version that is gone counts as deleted by the run that meant to; one that is still there
    was not, and nothing is sent again for it: a new plan may name it anew. One that was to be
    restored and is there counts as restored.

    Raises: EvidenceError, when the registry cannot be asked; then the intents stay open.
    """
    for key, intent in open_intents(records).items():
        body = intent.body
        current = reader.version(repository, Version(Digest(body.digest), id=body.version_id))
        result = _RESULTS[body.is_restoration, current is not None]
        yield entry_of(ResolveBody.answering(body, of=intent.run, key=key, result=result))
    for run in open_runs(records):
        yield entry_of(RunCloseBody(of=run, reason="abandoned"))
