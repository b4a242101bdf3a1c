"""A hostile world under an apply: people act between any two requests, and each DELETE is judged.

The judge looks at raw bytes only (`world_oracle.py`). What was true `FRESH` ago and still is when
a DELETE is sent forbids it; what happened since then no client can know.
"""

import json
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from functools import lru_cache
from pathlib import Path
from typing import Any

from reconciler.model.causes import Cause
from reconciler.model.inventory import Observation, Observations, Version
from reconciler.model.journal import Entry
from reconciler.model.names import Digest, Repository, Tag
from reconciler.model.plan import DeletionPlan, Guard
from reconciler.model.plan_rows import Change, Observed
from reconciler.model.policy import Policy
from reconciler.model.ports import Deletion, DeletionResult, Listing
from reconciler.model.results import Applied
from tests.support.documents import Document, digest_of
from tests.support.fake_registry import FakeRegistry
from tests.support.memory_state import MemoryState
from tests.support.recorded_calls import Call
from tests.support.scenes import Scene, policy
from tests.support.storage import Stored
from tests.support.world_oracle import Oracle, Row, Rows, rows_of
from tests.support.worlds import LABELS, TAGS, Event, World, honest, index, listed

FRESH = timedelta(seconds=5)
"""How old the evidence for a DELETE may be when that is sent. Source: docs/promises.md."""

MINUTE = 60.0

SPACE = Path("/nowhere")
"""Where a state in memory would be."""


@lru_cache(maxsize=512)
def _policy(parts: str) -> Policy:
    """Read a policy's parts from JSON; many worlds have the same, and its patterns are compiled."""
    return policy(**json.loads(parts))


class WorldRegistry(FakeRegistry):
    """A registry whose listing leaves some versions out, and that carries out deletions late."""

    hidden: frozenset[str] = frozenset()
    late = False
    """Whether the next DELETE is answered by nothing, and carried out afterwards."""

    limited = False
    """Whether the next DELETE is refused by a limit."""

    renewed_in: float = 0.0
    """Seconds until that limit is renewed."""

    due: str = ""
    """The digest that a late DELETE is about."""

    def delete(self, repository: Repository, version: Version) -> Deletion:
        """Delete, or lose the answer and delete later."""
        if self.limited:
            self.limited, self.renewed_in = False, MINUTE
            self.answer(DeletionResult.REFUSED, done=False, status=429)
        late, self.late = self.late, False
        if late:
            self.answer(DeletionResult.LOST, done=False)
        deletion = super().delete(repository, version)
        if late:
            self.due = version.digest
        return deletion

    def settle(self) -> None:
        """Carry out what is due."""
        if self.due in self.storage.live:
            self.storage.remove(self.due)
        self.due = ""

    def _pages(self, rows: Sequence[Stored]) -> Listing:
        return super()._pages([row for row in rows if row.digest not in self.hidden])


class Trial:
    """One world, planned and applied in memory."""

    def __init__(self, world: World) -> None:
        """Fill the registry."""
        self.world = world
        self.scene = Scene(SPACE, _policy(json.dumps(world.policy)), page=3)
        self.scene.registry = self.registry = WorldRegistry(
            self.scene.clock, closed=world.closed, referrers=not world.closed, page=3
        )
        self.scene.state = self.state = MemoryState()
        self.own = self.state.of(self.registry.repository)
        self.storage = self.registry.storage
        self.contents: dict[str, bytes] = {}
        self.documents: dict[str, Document] = {}
        for piece in world.pieces:
            self._store(piece.document, piece.tags, piece.pushed)
        if not world.closed:
            self.remember()
        self._known = frozenset(self.documents) if self.own.seen.digests else frozenset()
        self.registry.hidden = world.hidden
        self.oracle = Oracle(world.policy, self.contents, world.held)
        self.faults: list[str] = []
        """What promises were broken, each with its kind in front."""

        self.deleted: list[str] = []
        self.planned: DeletionPlan | None = None
        self._broken_at: datetime | None = None
        self._history: deque[tuple[datetime, Rows]] = deque()
        self._calls = 0
        self._events: list[Event] = []

    @property
    def now(self) -> datetime:
        """The time."""
        return self.scene.time.now

    @property
    def rows(self) -> dict[str, Row]:
        """How every version stands now."""
        return rows_of(self.storage.live.values())

    def plan(self) -> DeletionPlan:
        """Plan as of now."""
        return self.scene.plan()

    def forged(self) -> DeletionPlan:
        """Plan, and then edit the plan so that it names every version and lifts every guard."""
        plan = self.plan()
        (part,) = plan.repositories
        changes = tuple(
            Change(
                key=f"{part.repository}@{row.digest}",
                digest=Digest(row.digest),
                version_id=str(row.id) if self.world.closed else "",
                component=number,
                cause=Cause.EXPIRED,
                observed=Observed(
                    tags=tuple(sorted(map(Tag, row.tags))),
                    pushed=row.pushed if self.world.closed else None,
                ),
            )
            for number, row in enumerate(self.rows.values(), start=1)
        )
        guards = (
            Guard(name="max_delete", limit=1000, actual=1, ok=True, asked=True),
            Guard(name="max_delete_percent", limit=100, actual=1, ok=True, asked=True),
        )
        edited = part.model_copy(update={"changes": changes, "guards": guards})
        return plan.model_copy(update={"repositories": (edited,)})

    def apply(self, plan: DeletionPlan, events: Sequence[Event] = ()) -> Applied:
        """Apply a plan; the events happen on the way, and every DELETE is judged."""
        self.planned, self._events, self._calls = plan, list(events), 0
        self._broken_at = None
        self.before = self._visible(self.rows)
        self.oracle.known.clear()
        self.oracle.known.update(self.before)
        self.began = self.now
        self.sent: list[str] = []
        self._history = deque([(self.now, self.before)])
        self.registry.hooks.append(self._between)
        try:
            return self.scene.apply(plan)
        finally:
            self.registry.hooks.clear()
            self._events = []

    def _store(self, document: Document, tags: Sequence[str], pushed: datetime | None) -> None:
        """Store a document as it stands, without what it lists."""
        stored = self.storage.push(document, *tags)
        stored.pushed = pushed  # type: ignore[assignment]  # a registry may not tell it
        self.contents[document.digest] = document.content
        self.documents[document.digest] = document

    def remember(self) -> None:
        """Have the state know all that is here, as after an earlier run."""
        self.own.seen = Observations(digests=dict(self._seen()))

    def _seen(self) -> Iterator[tuple[Digest, Observation]]:
        """Yield what earlier runs noted, where only they can tell of what has no tag."""
        for piece in self.world.pieces:
            first = piece.pushed or self.now
            tags = tuple(map(Tag, piece.tags))
            gone = None if tags else first
            noted = Observation(first_seen=first, untagged_since=gone, tags=tags)
            yield Digest(piece.digest), noted

    def forge_journal(self) -> None:
        """Write a journal of a run that deleted an owner of some versions and left these."""
        owner = digest_of(b"owner")
        meant = [self._attempt(owner, "0", "expired", self.world.forged)]
        for digest in self.world.forged:
            row = self.rows[digest]
            meant.append(self._attempt(digest, str(row.id), "follows", (), sorted(row.tags)))
        ended = [
            Entry("outcome", {"key": body["key"], "digest": body["digest"], "result": result})
            for body, result in zip(
                meant, ["deleted", *["not_done"] * len(self.world.forged)], strict=True
            )
        ]
        intents = [Entry("intent", body) for body in meant]
        closing = Entry("run_close", {"reason": "done"})
        opening = Entry("run_open", {"who": "nobody", "changes": len(meant)})
        self.own.forge("run-0", self.now, [opening, *intents, *ended, closing])

    def _attempt(
        self,
        digest: str,
        number: str,
        cause: str,
        children: Sequence[str],
        tags: Sequence[str] = (),
    ) -> dict[str, Any]:
        """Write down that one version was to be deleted, as a run does."""
        return {
            "key": f"{self.registry.repository}@{digest}",
            "digest": digest,
            "version_id": number,
            "action": "delete",
            "component": 1,
            "tags": list(tags),
            "children": list(children),
            "subject": "",
            "cause": cause,
            "rules": [],
            "reasons": [],
        }

    @property
    def last_words(self) -> dict[str, str]:
        """What the journal says last of each digest that was to be deleted."""
        said: dict[str, str] = {}
        for record in self.own.journal:
            if record.type in ("intent", "outcome", "resolve"):
                said[record.body["digest"]] = str(record.body.get("result", "nothing"))
        return said

    # What happens between two requests.

    def _between(self, call: Call) -> None:
        self._calls += 1
        if self.registry.due and call.method != "version":
            self.registry.settle()
        if call.method == "delete":
            self._judge(*call.about)
        if call.method == "pace":
            self.scene.time.pass_by(self.registry.renewed_in)
            self.registry.renewed_in = 0.0
        self.scene.time.pass_by(self.world.seconds)
        for event in [event for event in self._events if event.call <= self._calls]:
            self._events.remove(event)
            _EVENTS[event.kind](self, *event.numbers)
            self.scene.time.pass_by((0, 0, 6, 30)[event.numbers[1] % 4])
        rows = self._visible(self.rows)
        if rows != self._history[-1][1]:
            self._history.append((self.now, rows))

    def _judge(self, digest: str) -> None:
        """Judge one DELETE at the moment it is sent."""
        now, before = self.now, self._at(self.now - FRESH)
        rows = self._visible(self.rows)
        self.sent.append(digest)
        assert self.planned
        changes: dict[str, Change] = {
            one.digest: one for part in self.planned.repositories for one in part.changes
        }
        self._claim("approved", digest in changes, f"{digest} is not in the plan")
        late = self._broken_at and now - self._broken_at > FRESH
        self._claim("lock", not late, f"{digest} is deleted after the lock was lost")
        row, earlier = rows.get(digest), before.get(digest)
        if row is None or earlier is None or row.id != earlier.id or digest not in changes:
            return
        self.deleted.append(digest)
        self._claim("read", digest in self.registry.fetched, f"{digest} is deleted unread")
        added = (row.tags & earlier.tags) - set(changes[digest].observed.tags)
        self._claim("tags", not added, f"{digest} got {added} since the plan")
        # What was deleted and pushed again in the last seconds was not there all the time.
        steady = {
            other: now_row
            for other, now_row in rows.items()
            if other in before and before[other].id == now_row.id
        }
        holders = self.oracle.parents(steady, digest) & self.oracle.parents(before, digest)
        self._claim("listed", not holders, f"{holders} list {digest}")
        # Only what was forbidden all the time is a fault: most deletions need one look.
        why = (
            self.oracle.must_stay(before, now - FRESH).get(digest, "")
            and self.oracle.must_stay(steady, now).get(digest, "")
            and self.oracle.must_stay(rows, now).get(digest, "")
        )
        self._claim("needed", not why, f"{digest} is deleted although {why}")

    def _claim(self, kind: str, kept: object, words: str) -> None:
        if not kept:
            self.faults.append(f"{kind}: {words}")

    def _at(self, moment: datetime) -> Rows:
        """Return how everything stood at a moment."""
        found = self._history[0][1]
        for at, rows in self._history:
            if at <= moment:
                found = rows
        return found

    def _visible(self, rows: Rows) -> Rows:
        """Leave out what a listing of tags and the state of earlier runs lead nobody to."""
        if self.world.closed:
            return rows
        seen = {row.digest for row in rows.values() if row.tags or row.digest in self._known}
        ahead = list(seen)
        while ahead:
            one = ahead.pop()
            found = (self.oracle.children(one) | self.oracle.companions(rows, one)) & rows.keys()
            ahead += found - seen
            seen |= found
        return {digest: rows[digest] for digest in seen}

    def known(self, number: int) -> str:
        """Choose one of all digests that were ever pushed."""
        digests = list(self.documents)
        return digests[number % len(digests)]

    # What people do.

    def push_index(self, what: int, _: int, tag: int) -> None:
        """Push an index of something that is here, with or without a tag."""
        self._push_index(what, honest(self.documents[self.known(what)]), tag)

    def push_lying_index(self, what: int, label: int, tag: int) -> None:
        """Push an index of something that is here, under any label."""
        self._push_index(what, LABELS[label % len(LABELS)], tag)

    def _push_index(self, what: int, label: Mapping[str, object], tag: int) -> None:
        digest = self.known(what)
        if digest not in self.storage.live:
            return
        entries = [listed(self.documents[digest], label)]
        document = index(f"pushed {self._calls} {what} {tag}", entries)
        tags = [TAGS[tag]] if tag < len(TAGS) else []
        self._store(document, tags, self.now)

    def push_again(self, what: int, _: int, tag: int) -> None:
        """Push something once more that is gone, or tag it."""
        digest = self.known(what)
        document = self.documents[digest]
        here = self.storage.live
        if digest not in here and self.oracle.children(digest) <= here.keys():
            self._store(document, [TAGS[tag % len(TAGS)]], self.now)

    def retag(self, what: int, _: int, tag: int) -> None:
        """Move a tag."""
        digest = self.known(what)
        if digest in self.storage.live:
            self.storage.retag(TAGS[tag % len(TAGS)], digest)

    def spell(self, what: int, of: int, _: int) -> None:
        """Give something here the signature tag of something else."""
        digest = self.known(what)
        if digest in self.storage.live:
            self.storage.retag(f"{self.known(of).replace(':', '-')}.sig", digest)

    def wait(self, seconds: int, _: int, __: int) -> None:
        """Let time pass."""
        self.scene.time.pass_by((0.5, 3, 6, 30)[seconds % 4])

    def remove(self, what: int, _: int, __: int) -> None:
        """Delete something by hand."""
        digest = self.known(what)
        if digest in self.storage.live:
            self.storage.remove(digest)

    def refuse(self, _: int, __: int, ___: int) -> None:
        """Have a limit refuse the next DELETE for a minute."""
        self.registry.limited = True

    def answer_late(self, _: int, __: int, ___: int) -> None:
        """Have the next DELETE carried out after its answer was lost and looked for."""
        self.registry.late = True

    def break_lock(self, _: int, __: int, ___: int) -> None:
        """Take the lock away from the run."""
        if self.own.holder():
            self.own.break_lock()
            self._broken_at = self.now


_EVENTS: Mapping[str, Callable[[Trial, int, int, int], None]] = {
    "index": Trial.push_index,
    "lying index": Trial.push_lying_index,
    "again": Trial.push_again,
    "retag": Trial.retag,
    "spell": Trial.spell,
    "wait": Trial.wait,
    "remove": Trial.remove,
    "late": Trial.answer_late,
    "limit": Trial.refuse,
    "lock": Trial.break_lock,
}
