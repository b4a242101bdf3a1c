"""One repository with its policy, state and clock: planned, applied, and looked at afterwards."""

from collections.abc import Callable, Iterable, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

from reconciler.core.planner import RaisedLimits
from reconciler.engine.apply import ApplyScope, apply_plan
from reconciler.engine.plan import PlanSource, PlanTimes, Target, complete_plan, plan_target
from reconciler.engine.run import Run
from reconciler.model.inventory import Observation
from reconciler.model.journal import Record
from reconciler.model.names import Repository
from reconciler.model.plan import DeletionPlan
from reconciler.model.policy import Policy
from reconciler.model.ports import Holder, State
from reconciler.model.results import Applied, Outcome
from reconciler.state.local import LocalState
from tests.support.documents import Document
from tests.support.fake_registry import WEB, FakeRegistry
from tests.support.time import NOON, VirtualTime

GUARDS = {"max_delete_percent": 100}
RULES = [
    {"name": "previews", "match": {"tags": ["pr-*"]}, "keep": {"none": True}},
    {"name": "dangling", "match": {"untagged": True}, "keep": {"none": True}},
]
PROTECT = [{"name": "moving", "match": {"tags": ["latest"]}}]


def policy(**parts: Any) -> Policy:
    """Write a policy: previews and untagged images go after a day, `latest` stays."""
    given = {"rules": RULES, "protect": PROTECT, "guards": GUARDS} | parts
    return Policy.model_validate({"name": "web", "repositories": ["ghcr.io/acme/*"], **given})


def draw_plan(
    targets: Iterable[Target],
    state: State,
    *,
    times: PlanTimes,
    source: PlanSource,
    allowed: RaisedLimits,
) -> DeletionPlan:
    """Plan every repository, as a session does."""
    ordered = sorted(targets, key=lambda target: target.repository)
    parts = [plan_target(target, state, times, allowed).part for target in ordered]
    return complete_plan(parts, times, source)


def go_on() -> str:
    """Never halt."""
    return ""


class Scene:
    """A registry with one repository, and everything an apply needs."""

    def __init__(
        self,
        place: Path,
        governing: Policy | None = None,
        *,
        repository: Repository = WEB,
        closed: bool = True,
        referrers: bool = False,
        page: int = 100,
    ) -> None:
        """Begin at noon with nothing in the registry and no state. Units: `page` in versions."""
        self.time = VirtualTime()
        self.registry = FakeRegistry(
            self.clock, repository, closed=closed, referrers=referrers, page=page
        )
        self.state: State = LocalState(place)
        self.policy: Policy | None = governing or policy()
        self.retry_refused = False
        self.reported: list[Outcome] = []
        self._runs = 0

    def clock(self) -> Any:
        """Tell the time."""
        return self.time.now

    def monotonic(self) -> float:
        """Tell the time of the steady clock."""
        return self.time.seconds

    def later(self, **parts: float) -> None:
        """Let time pass: `days=2`."""
        self.time.pass_by(timedelta(**parts).total_seconds())

    def push(self, document: Document, *tags: str) -> str:
        """Push a document with all it lists, and return its digest."""
        return self.registry.storage.push(document, *tags).digest

    def plan(self, allowed: RaisedLimits | None = None) -> DeletionPlan:
        """Plan as of now."""
        assert self.policy, "only a repository that a policy names is planned"
        governed = Target(self.registry.repository, self.policy, self.registry, self.retry_refused)
        return draw_plan(
            [governed],
            self.state,
            times=PlanTimes(self.time.now, self.time.now, timedelta(days=3)),
            source=PlanSource("reconciler", ()),
            allowed=allowed or {},
        )

    def apply(
        self,
        plan: DeletionPlan | None = None,
        *,
        halt: Callable[[], str] = go_on,
        allowed: RaisedLimits | None = None,
        at_once: int | None = None,
    ) -> Applied:
        """Apply a plan, or what is planned now, as the next run: `run-1`, `run-2`, ..."""
        plan = plan or self.plan(allowed)
        self._runs += 1
        holder = Holder(f"run-{self._runs}", "octocat", "runner-7", self.time.now)
        run = Run(holder, self.clock, halt, self.reported.append, self.monotonic, at_once)
        authority = ApplyScope(
            lambda _: self.registry,
            lambda _: self.policy,
            allowed or {},
            retry_refused=self.retry_refused,
        )
        (applied,) = apply_plan(plan, authority, self.state, run)
        return applied

    @property
    def alive(self) -> set[str]:
        """The digests that the registry has."""
        return set(self.registry.storage.live)

    @property
    def records(self) -> list[Record]:
        """The whole journal."""
        return list(self.state.of(self.registry.repository).records())

    def seen(self, digest: str) -> Observation | None:
        """Return what the state remembers of a digest."""
        observations = self.state.of(self.registry.repository).observations()
        return {str(key): noted for key, noted in observations.digests.items()}.get(digest)

    def story(self, **documents: Document) -> list[str]:
        """Tell the journal in short lines, digests by the names given."""
        names = {document.digest: name for name, document in documents.items()}
        return [_line(record, names) for record in self.records]


def _line(record: Record, names: Mapping[str, str]) -> str:
    digest = record.body.get("digest", "")
    words = (record.type, names.get(digest, digest), record.body.get("result", ""))
    return " ".join(word for word in words if word)


def results(applied: Applied, **documents: Document) -> dict[str, str]:
    """Tell how each deletion ended, by the names given; the last word on each counts."""
    names = {document.digest: name for name, document in documents.items()}
    ended = {outcome.change.digest: outcome.result for outcome in applied.outcomes}
    ended |= {drop.change.digest: drop.result for drop in applied.dropped}
    return {names[digest]: str(result) for digest, result in ended.items()}


__all__ = ["NOON", "PROTECT", "RULES", "WEB", "Scene", "policy", "results"]
