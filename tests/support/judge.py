"""Judges every deletion at the moment it is sent, and every run by what it leaves behind."""

import json
from collections.abc import Iterable
from datetime import datetime, timedelta
from pathlib import Path

from reconciler.model.durations import FRESH_SECONDS
from reconciler.model.journal import Result
from reconciler.model.plan import DeletionPlan
from reconciler.model.plan_rows import Change
from reconciler.model.results import Applied
from tests.support.recorded_calls import Call
from tests.support.scenes import Scene
from tests.support.storage_oracle import companions, parents, reachable

MIN_AGE = timedelta(hours=24)
_TOO_LATE = {
    Result.FAILED,
    Result.RETAINED,
    Result.NOT_DONE,
    Result.SKIPPED_CHANGED,
    Result.SKIPPED_REFERENCED,
}


class Judge:
    """One repository's judge. It trusts raw bytes and the lines of the journal, nothing else."""

    def __init__(self, scene: Scene, journal: Path, protected: Iterable[str]) -> None:
        """Watch a scene; whatever has a protected tag is never to go."""
        self._scene = scene
        self._storage = scene.registry.storage
        self._journal = journal
        self._protected = frozenset(protected)
        self._planned: dict[str, Change] = {}
        self._speaking: dict[str, set[str]] = {}
        self._before = 0
        self._excused: set[tuple[str, str]] = set()
        """What came too shortly before a deletion to be seen: who lists it, and what is lost."""

        self._looked_at = scene.time.now
        self._waited = False
        self._owed: set[tuple[int, str, str]] = set()
        self.silenced = False
        """Whether the lock was taken away from the run, which may then send nothing more."""

        self.deletions = 0
        """How many versions were really deleted so far."""

    def begin(self, plan: DeletionPlan) -> None:
        """Remember what a run may delete, and what speaks of what before it."""
        changes = (change for part in plan.repositories for change in part.changes)
        self._planned = {str(change.digest): change for change in changes}
        self._speaking = companions(self._storage)
        self._before = len(self._scene.registry.removed)
        self._excused = set()
        self.silenced = False

    def watch(self, call: Call) -> None:
        """Judge a call that deletes, and when what it was decided upon was seen."""
        if call.method == "pace":
            self._waited = True
        if call.method == "newest":
            self._looked_at, self._waited = self._scene.time.now, False
        if call.method == "delete":
            age = (self._scene.time.now - self._looked_at).total_seconds()
            assert not self._waited, "a wait lies between the look and the deletion"
            assert age <= FRESH_SECONDS, f"the look is {age:g} s old"
            self._judge(*call.about)

    def confirm(self, call: Call) -> None:
        """Judge before anybody meddles whether a call may be sent at all."""
        assert call.method != "delete" or not self.silenced, "who lost the lock deletes no more"

    def land(self, digest: str) -> None:
        """Accept what a deletion takes that is carried out late: nobody can call it back."""
        holders = parents(self._storage).get(digest, set())
        self._excused |= {(holder, digest) for holder in holders}

    def _judge(self, digest: str) -> None:
        assert digest in self._planned, "only what the plan names is deleted"
        assert digest in self._intended(), "a durable intent comes before each deletion"
        stored = self._storage.live.get(digest)
        planned = self._planned[digest]
        if stored is None or (planned.version_id and str(stored.id) != planned.version_id):
            return
        self.deletions += 1
        holders = parents(self._storage).get(digest, set()) - {digest}
        fresh = {one for one in holders if self._is_fresh(self._storage.live[one].pushed)}
        seen = self._visible(holders - fresh)
        self._excused |= {(one, digest) for one in holders - seen}
        assert not seen, f"{digest} is deleted while {seen} list it"
        assert digest not in self._sacred(), f"{digest} is deleted although it is protected"
        changed = stored.tags.symmetric_difference(planned.observed.tags)
        old = {tag for tag in changed if not self._is_fresh(self._storage.moved_at[tag])}
        assert not old, f"{digest} was tagged since the plan: {old}"
        if self._scene.registry.closed:
            assert stored.pushed <= self._scene.time.now - MIN_AGE, f"{digest} is too young"

    def end(self, applied: Applied | None) -> None:
        """Judge what a run leaves behind; it was killed when there is no result."""
        removed = self._scene.registry.removed[self._before :]
        gone = set(removed) - self._storage.live.keys()
        held = parents(self._storage)
        visible = self._visible(self._storage.live)
        for digest in gone:
            holders = held.get(digest, set()) & visible
            lost = {one for one in holders if (one, digest) not in self._excused}
            assert not lost, f"{lost} lost {digest}"
        for subject, speaking in self._speaking.items():
            if subject in visible and gone & speaking:
                self._excuse(subject, applied)
                number = self._storage.live[subject].id
                self._owed |= {(number, subject, lost) for lost in gone & speaking}

    def close(self) -> None:
        """Judge the end: what a run cut short has torn apart is whole again, where that can be."""
        live = self._storage.live
        for number, subject, lost in self._owed if self._scene.registry.closed else ():
            stays = subject in live and live[subject].id == number
            assert not stays or lost in live, f"{subject} never got {lost} back"

    def _excuse(self, subject: str, applied: Applied | None) -> None:
        """Accept that a version stands without its signatures only where its own end was near."""
        assert subject in self._planned, f"{subject} lost what speaks of it"
        cut_short = applied is None or applied.error is not None
        endings = {outcome.result for outcome in applied.outcomes} if applied else set()
        lost = Result.UNKNOWN in endings
        # Only where nothing can be taken back does a refusal, or what is seen, come too late.
        late = not self._scene.registry.closed and endings & _TOO_LATE
        assert cut_short or lost or late, f"{subject} stays without what speaks of it"

    def _visible(self, digests: Iterable[str]) -> set[str]:
        """Leave out what a listing of tags leads nobody to."""
        live = set(digests) & self._storage.live.keys()
        if self._scene.registry.closed:
            return live
        return live & reachable(self._storage, self._old_tags().values(), companions_too=True)

    def _sacred(self) -> set[str]:
        """Return what has a protected tag, all it lists, and what speaks of any of it."""
        tags = self._old_tags()
        start = (tags[tag] for tag in self._protected & tags.keys())
        return reachable(self._storage, start, companions_too=True)

    def _is_fresh(self, moment: datetime) -> bool:
        """Whether something came so lately that a look may have missed it."""
        window = timedelta(seconds=FRESH_SECONDS + self._scene.registry.lag)
        return moment > self._scene.time.now - window

    def _old_tags(self) -> dict[str, str]:
        """Return the tags that every look has to see, each with its digest."""
        moved_at = self._storage.moved_at
        tags = self._storage.tags.items()
        return {tag: digest for tag, digest in tags if not self._is_fresh(moved_at[tag])}

    def _intended(self) -> set[str]:
        """Return the digests of intents that stand in the journal and are not answered yet."""
        intended: set[str] = set()
        for line in self._journal.read_bytes().splitlines():
            record = json.loads(line)
            digest = record["body"].get("digest")
            if record["type"] == "intent":
                intended.add(digest)
            elif record["type"] in ("outcome", "resolve"):
                intended.discard(digest)
        return intended
