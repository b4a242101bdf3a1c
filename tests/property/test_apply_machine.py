"""Everybody at once: pushers, people who delete, dying runs, lost answers; the promises hold.

Each rule is something that happens to a registry or that will happen to the next run. Every
deletion is judged at the moment it is sent, every run by what it leaves behind.
"""

import shutil
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar
from unittest.mock import patch

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from reconciler.engine import delete, recheck
from reconciler.errors import AccessError, EvidenceError, LockedError
from reconciler.model.journal import open_intents, open_runs
from reconciler.model.plan import DeletionPlan
from reconciler.model.ports import DeletionResult, Holder
from reconciler.model.results import Applied
from reconciler.state import lock_file
from tests.support.documents import image
from tests.support.fragile_state import FragileState, Moment
from tests.support.judge import Judge
from tests.support.named_pushes import NamedPushes
from tests.support.process_death import Killed
from tests.support.programs import IN_CI
from tests.support.recorded_calls import Call
from tests.support.scenes import NOON, WEB, Scene, policy

PROTECTED = ("latest", "keep-me")
TAGS = (*PROTECTED, "pr-1", "pr-2", "v1", "v2")
PREVIEWS = {"name": "previews", "match": {"tags": ["pr-*"]}, "keep": {"none": True}}
RELEASES = {"name": "releases", "match": {"tags": ["v*"]}, "keep": {"last": 1}}
DANGLING = {"name": "dangling", "match": {"untagged": True}, "keep": {"none": True}}
REST = {"name": "rest", "match": {"rest": True}, "keep": {"last": 1}}
POLICIES = ((PREVIEWS, DANGLING), (PREVIEWS, RELEASES), (RELEASES, DANGLING, REST))

some_tags = st.lists(st.sampled_from(TAGS), max_size=2, unique=True)
NO_TROUBLE = [""] * 6
TROUBLES = (
    "lost done",
    "lost undone",
    "late in the run",
    "late after it",
    "limited",
    "limited",
    "failed",
    "refused",
    "silent listing",
    "silent manifests",
    "silent newest",
    "silent version",
    "killed newest",
    "killed version",
    "killed delete",
    "killed restore",
    "written before",
    "written torn",
    "written after",
    "beside",
    "seized",
    "seized in a wait",
)
"""What goes wrong in a run, at the nth occasion."""

MEDDLING = ("reuse", "push", "sign", "remove", "retag")
"""What somebody does in the middle of a run."""

MOMENTS = ("listing", "newest", "newest", "pace", "version", "delete")
"""Before which requests they do it: between any two of them, time after time."""

pauses = st.sampled_from([0, 1, 30, 30, 24 * 40])
nth = st.integers(1, 6)
latencies = st.sampled_from([0.0, 0.0, 0.2, 1.0])
"""How long a request takes, in seconds; with the last one few fit in between look and deletion."""

waits = st.sampled_from([0.0, 10.0])
"""How long the pace lets a run wait, in seconds; what happens before it must be seen after it."""

lags = st.sampled_from([0.0, 0.0, 0.0, 3.0])
"""By how many seconds a listing is late."""

troubles = st.lists(st.tuples(st.sampled_from([*NO_TROUBLE, *TROUBLES]), nth), max_size=2)
meddling = st.lists(st.tuples(st.sampled_from(MEDDLING), nth), max_size=2)


class ApplyMachine(RuleBasedStateMachine):
    """A registry that lists everything, as GitHub's does."""

    closed: ClassVar[bool] = True
    order: ClassVar[str] = "pushed"
    settling: ClassVar[int] = 1
    """How many undisturbed runs leave nothing to do."""

    def __init__(self) -> None:
        """Start with nothing: the first rule chooses the policy."""
        super().__init__()
        self.place = Path(tempfile.mkdtemp())
        self.plans: list[DeletionPlan] = []
        self.verified = b""
        """The journal as it was verified last."""

        self.landing: list[str] = []
        """What is to be deleted after the run, by a request that it sent."""

    @initialize(rules=st.sampled_from(POLICIES))
    def open_shop(self, rules: Sequence[Mapping[str, Any]]) -> None:
        ordered = {"order_by": self.order}
        governing = policy(
            rules=[{**ordered, **rule} if "last" in rule["keep"] else rule for rule in rules],
            protect=[{"name": "moving", "match": {"tags": list(PROTECTED)}}],
            guards={"max_delete_percent": 100, "never_empty": False},
        )
        self.scene = Scene(
            self.place, governing, closed=self.closed, referrers=not self.closed, page=2
        )
        self.state = FragileState(self.place)
        self.scene.state = self.state
        self.latency = self.wait = 0.0
        self.crowd = NamedPushes(self.scene.registry.storage)
        self.judge = Judge(self.scene, self.state.journal(WEB), PROTECTED)
        self._stock()

    # What people do.

    @rule(tags=some_tags, name=st.sampled_from("abc"))
    def push_image(self, tags: list[str], name: str) -> None:
        self.crowd.push(name, image(name), *tags)

    @rule(tags=some_tags, attested=st.booleans(), newer=st.booleans())
    def push_build(self, tags: list[str], *, attested: bool, newer: bool) -> None:
        self.crowd.build(*tags, attested=attested, newer=newer)

    @rule(data=st.data(), tags=some_tags)
    def push_index_of_old_parts(self, data: st.DataObject, tags: list[str]) -> None:
        parts, subject = self._collected(data)
        self.crowd.collect(parts, subject, *tags)

    @rule(data=st.data(), kind=st.sampled_from(["sig", "att", "referrer", "fallback"]))
    def attach(self, data: st.DataObject, kind: str) -> None:
        self.crowd.attach(self._name(data), kind)

    @precondition(lambda self: self.crowd.alive)
    @rule(data=st.data(), tag=st.sampled_from(TAGS))
    def retag(self, data: st.DataObject, tag: str) -> None:
        self.crowd.retag(tag, data.draw(st.sampled_from(self.crowd.alive)))

    @precondition(lambda self: self.crowd.alive)
    @rule(data=st.data())
    def delete_by_hand(self, data: st.DataObject) -> None:
        self.crowd.remove(data.draw(st.sampled_from(self.crowd.alive)))

    @rule(data=st.data())
    def become_popular(self, data: st.DataObject) -> None:
        digest = self.crowd.known[self._name(data)].digest
        self.scene.registry.refuses[digest] = "more than 5000 downloads"

    # What we do.

    @rule()
    def plan(self) -> None:
        self.plans.append(self.scene.plan())

    @precondition(lambda self: self.plans)
    @rule(data=st.data(), hours=pauses)
    def apply_a_plan(self, data: st.DataObject, hours: int) -> None:
        self.scene.later(hours=hours)
        plan = self.plans[data.draw(st.integers(0, len(self.plans) - 1))]
        self._disturb(data)
        self._apply(plan)

    @rule(data=st.data(), hours=pauses)
    def plan_and_apply(self, data: st.DataObject, hours: int) -> None:
        self.scene.later(hours=hours)
        plan = self.scene.plan()
        self._disturb(data)
        self._apply(plan)

    @invariant()
    def the_journal_verifies(self) -> None:
        journal = self.state.journal(WEB)
        content = journal.read_bytes() if journal.exists() else b""
        if content == self.verified:
            return  # most steps are no runs, and reading all records anew takes long
        records, self.verified = self.scene.records, content
        assert [record.seq for record in records] == list(range(1, len(records) + 1))

    def teardown(self) -> None:
        """Apply undisturbed: all that was begun has an end, and then nothing is left to do."""
        if hasattr(self, "scene"):
            self._calm()
            self.scene.registry.refuses.clear()
            for _ in range(self.settling):
                # No two runs begin at one moment, which tells a new tag from a new version.
                self.scene.later(seconds=1)
                self._apply(self.scene.plan())
            self.judge.close()
            before = self.judge.deletions
            self._apply(self.scene.plan())
            assert self.judge.deletions == before
            assert open_intents(self.scene.records) == {}
            assert open_runs(self.scene.records) == []
        shutil.rmtree(self.place)

    def _stock(self) -> None:
        """Fill the registry with what a busy team leaves behind, seen by an earlier run."""
        self.crowd.push("cornerstone", image("cornerstone"), "cornerstone")
        for tag in ("pr-1", "v1", "v2"):
            build = self.crowd.build(tag, attested=True, newer=True)
            self.crowd.attach(build, "sig")
            self.crowd.attach(build, "referrer")
        self.crowd.build("v2", attested=False, newer=False)
        self.scene.apply()
        self.scene.later(days=2)

    def _disturb(self, data: st.DataObject) -> None:
        """Choose what goes wrong in the next run, and who meddles with it."""
        self.latency, self.wait = data.draw(latencies), data.draw(waits)
        self.scene.registry.lag = data.draw(lags)
        for trouble, at in data.draw(troubles):
            self._arm(trouble, at)
        for what, at in data.draw(meddling):
            self._let_meddle(data, what, at)

    def _arm(self, trouble: str, at: int) -> None:
        """Arm what a registry or a disk does wrong, or what others do to the run."""
        registry = self.scene.registry
        match trouble.split():
            case ["silent", method]:
                registry.fail(method, EvidenceError("no answer"), nth=at)
            case ["killed", method]:
                registry.fail(method, Killed(), nth=at)
            case ["written", moment]:
                self.state.die(at, Moment(moment))
            case ["seized", *when]:
                registry.on("pace" if when else "delete", self._seize, nth=at)
            case [answer, *how]:
                self._answer(answer, at, how)

    def _answer(self, answer: str, at: int, how: Sequence[str]) -> None:
        """Arm what the nth DELETE is answered, or what happens while it is under way."""
        registry = self.scene.registry
        match answer:
            case "lost":
                registry.answer(DeletionResult.LOST, nth=at, done="done" in how)
            case "late":
                registry.answer(DeletionResult.LOST, nth=at)
                registry.on("delete", lambda: self._land_later(after="after" in how), nth=at)
            case "limited":
                registry.answer(DeletionResult.REFUSED, nth=at, status=429)
                registry.on("delete", self._wait_long, nth=at)
            case "failed":
                registry.answer(DeletionResult.FAILED, nth=at, status=422)
            case "refused":
                registry.fail("delete", AccessError("no right"), nth=at)
            case "beside":
                registry.on("delete", self._apply_beside, nth=at)

    def _let_meddle(self, data: st.DataObject, what: str, at: int) -> None:
        """Have somebody do something between two looks, or right before the last one."""
        name, tag = self._name(data), data.draw(st.sampled_from(TAGS))
        parts, subject = self._collected(data) if what == "reuse" else ([], None)
        actions: Mapping[str, Callable[[], object]] = {
            "reuse": lambda: self.crowd.collect(parts, subject, tag),
            "push": lambda: self.crowd.again(name, tag),
            "sign": lambda: self.crowd.attach(name, "sig"),
            "remove": lambda: self.crowd.remove(name),
            "retag": lambda: self._retag_if_there(name, tag),
        }
        self.scene.registry.on(data.draw(st.sampled_from(MOMENTS)), actions[what], nth=at)

    def _retag_if_there(self, name: str, tag: str) -> None:
        if self.crowd.known[name].digest in self.scene.alive:
            self.crowd.retag(tag, name)

    def _land_later(self, *, after: bool) -> None:
        """Have the deletion that is being sent carried out before the next wait, or the run ends.

        Its answer is lost, and everybody who looks sees the version there.
        """
        (digest,) = self.scene.registry.calls[-1].about
        if after:
            self.landing.append(digest)
        else:
            self.scene.registry.on("pace", lambda: self._land(digest))

    def _land(self, digest: str) -> None:
        self.judge.land(digest)
        self.scene.registry.land(digest)

    def _wait_long(self) -> None:
        """Have a limit ask for ten minutes, in which people go on working."""
        self.scene.registry.on("pace", lambda: self.scene.later(minutes=10))

    def _apply(self, plan: DeletionPlan) -> None:
        self.applying = plan
        self.judge.begin(plan)
        self.scene.registry.hooks[:0] = [self.judge.confirm, self._pass_by]
        self.scene.registry.hooks.append(self.judge.watch)
        applied: Applied | None = None
        try:
            with patch.object(delete, "BATCH", 5), patch.object(recheck, "TOGETHER", 3):
                applied = self.scene.apply(plan)
        except Killed:
            pass
        self._calm()
        self.judge.end(applied)
        while self.landing:
            self._land(self.landing.pop())

    def _pass_by(self, call: Call) -> None:
        """Let a request take its time."""
        self.scene.later(seconds=self.wait if call.method == "pace" else self.latency)

    def _calm(self) -> None:
        self.latency = self.wait = self.scene.registry.lag = 0.0
        self.scene.registry.calm()
        self.state.die(0, Moment.BEFORE)

    def _apply_beside(self) -> None:
        """Have another run find the lock held, unless it was broken, and send nothing."""
        if self.judge.silenced:
            return
        sent = len(self.scene.registry.calls)
        with patch.object(lock_file, "_GLANCE_SECONDS", 0):
            applied = self.scene.apply(self.applying)
        assert isinstance(applied.error, LockedError)
        assert len(self.scene.registry.calls) == sent

    def _seize(self) -> None:
        """Have somebody take the lock away from the run that holds it."""
        state = self.state.of(WEB)
        if held := state.holder():
            with state.seize(Holder("breaker", "hubot", "runner-1", NOON), held.run):
                self.judge.silenced = True

    def _collected(self, data: st.DataObject) -> tuple[list[str], str | None]:
        """Choose what an index lists of all that was ever pushed, and what it speaks of."""
        pool = st.sampled_from(self.crowd.names)
        parts = data.draw(st.lists(pool, min_size=1, max_size=3, unique=True))
        return parts, data.draw(st.none() | pool)

    def _name(self, data: st.DataObject) -> str:
        return data.draw(st.sampled_from(self.crowd.names))


class PlainMachine(ApplyMachine):
    """A registry that lists tags, and cannot take a deletion back."""

    closed = False
    order = "first_seen"
    settling = 3
    """Runs until nothing is left to do.

    An image takes its rank among others in the run after the one that first sees it. A signature
    that is kept while its subject is deleted there is an orphan in the run after that, and may
    take the place of another orphan.
    """


TestApply = ApplyMachine.TestCase
TestApplyPlain = PlainMachine.TestCase
TestApply.settings = settings(max_examples=120 if IN_CI else 40, stateful_step_count=30)
TestApplyPlain.settings = settings(max_examples=80 if IN_CI else 20, stateful_step_count=30)
