"""The one place that builds things: policies and settings in; registries, state, clock out."""

import getpass
import secrets
import socket
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import structlog

from reconciler.analysis.health import HealthResult, Thresholds
from reconciler.connect import Registries, open_registries
from reconciler.core.planner import PlanningInput, RaisedLimits
from reconciler.core.refusals import Recall, remembered
from reconciler.engine.apply import ApplyScope, apply_plan
from reconciler.engine.compare import Comparison
from reconciler.engine.inspect import Inspection
from reconciler.engine.noting import Noting
from reconciler.engine.plan import PlanSource, PlanTimes, Target, draw_plan, read_case, unlisted_by
from reconciler.engine.run import Run
from reconciler.errors import AccessError, EvidenceError, PolicyError, ReconcilerError
from reconciler.formats.view import Cost
from reconciler.model.comparison import Difference
from reconciler.model.names import Repository
from reconciler.model.patterns import RepositoryGlob
from reconciler.model.plan import Plan, RepositoryPlan
from reconciler.model.policy import Policy
from reconciler.model.ports import Clock, Effort, Holder, Job, State
from reconciler.model.results import Applied, Outcome
from reconciler.policyfile import PolicySet, Revision, load_policies
from reconciler.settings import GITHUB_HOST, Settings
from reconciler.state.address import Address
from reconciler.state.opening import BackendSettings, open_state_at
from reconciler.version import __version__

log = structlog.get_logger()


def utc_now() -> datetime:
    """Read the clock: the only place that does."""
    return datetime.now(UTC)


QUOTED = 5
"""Most patterns that an error quotes."""


Missed = dict[tuple[RepositoryGlob, str], ReconcilerError]
"""Patterns that a registry would not list, with the policies they are in, and why not."""


@dataclass(frozen=True)
class Session:
    """One command's work: the policies it goes by, and the doors it may use."""

    policies: PolicySet
    registries: Registries
    state: State
    clock: Clock = utc_now
    only: frozenset[Repository] = frozenset()
    """The repositories to look at; empty for all that the policies name."""

    recall: Recall = remembered

    paths: Sequence[str] = ()
    """The policy files and folders that were named, as they were typed."""

    provenance: Mapping[str, str] = field(default_factory=dict)
    """What started this session, for the journal."""

    def plan(
        self,
        *,
        lasts: timedelta,
        at: datetime | None = None,
        allowed: RaisedLimits | None = None,
        look: Callable[[PlanningInput], None] = lambda _: None,
    ) -> Plan:
        """Read every repository that a policy names and plan its deletions.

        Whoever wants to `look` is shown each case that was read.
        """
        now, missed = self.clock(), Missed()
        governed = list(self._governed(missed))
        unlisted = [unlisted_by(*names, error) for names, error in missed.items()]
        return draw_plan(
            governed,
            self.state,
            moment=PlanTimes(now, at or now, lasts, self.clock),
            origin=PlanSource(
                f"reconciler {__version__}", self.policies.sources, unlisted, self.paths
            ),
            allowed=allowed or {},
            look=look,
        )

    def compare(
        self,
        base: Revision | None,
        *,
        lasts: timedelta,
        at: datetime | None = None,
        allowed: RaisedLimits | None = None,
    ) -> tuple[Plan, Difference | None]:
        """Plan, and say what separates the plan from the one that other policies would give.

        What was seen is noted in the state, where this may write it.
        What both govern is read once. Without others there is nothing to compare with.
        """
        if base is None:
            return self.plan(lasts=lasts, at=at, allowed=allowed, look=self._note), None
        comparison = Comparison(base.policies.policy_for, self.registries.reader)

        def look(case: PlanningInput) -> None:
            self._note(case)
            comparison.look(case)

        plan = self.plan(lasts=lasts, at=at, allowed=allowed, look=look)
        found = Difference(against=base.reference, commit=base.commit, plan=plan.digest)
        if base.problems:
            return plan, found.model_copy(update={"error": str(base.problems[0])})
        named = self.only or self._named(base.policies)
        return plan, comparison.completed(found, plan, named, self.state)

    def apply(
        self,
        plan: Plan,
        *,
        allowed: RaisedLimits,
        halt: Callable[[], str],
        watching: Sequence[Callable[[Outcome], None]] = (),
    ) -> tuple[Applied, ...]:
        """Delete what a plan names and may still go, under today's policies.

        `halt` gives a reason to stop, empty to go on; all who are `watching` hear each outcome.
        """
        self.state.check_writable()
        run = begin(self.clock, halt, watching, self.registries.watch.monotonic)
        scope = ApplyScope(
            registry_for=self.registries.registry,
            policy_for=self.policies.policy_for,
            allowed=allowed,
            only=self.only,
            recall=self.recall,
            origin_of=self._origin,
        )
        return apply_plan(plan, scope, self.state, run)

    def cost(self, plan: Plan) -> Cost:
        """Estimate what applying a plan takes: requests, time at the allowed pace, quota left."""
        parts = [part for part in plan.repositories if part.changes]
        efforts = [self._effort(part) for part in parts]
        readers = [self.registries.reader(part.repository.registry) for part in parts]
        left = [reader.allowance.requests_left for reader in readers]
        return Cost(
            requests=sum(effort.requests for effort in efforts),
            deletions=sum(len(part.changes) for part in parts),
            duration=timedelta(seconds=sum(effort.seconds for effort in efforts)),
            quota=min((quota for quota in left if quota is not None), default=None),
            window=max((effort.window for effort in efforts), default=0.0),
        )

    def _effort(self, part: RepositoryPlan) -> Effort:
        """Estimate what deleting takes in one repository."""
        reader = self.registries.reader(part.repository.registry)
        tagged = sum(bool(change.observed.tags) for change in part.changes)
        job = Job(
            pages=part.evidence.pages,
            versions=part.versions,
            deletions=len(part.changes),
            images=max(tagged, len({change.component for change in part.changes})),
            unread=len(reader.documents.unread(change.digest for change in part.changes)),
        )
        return reader.effort(part.repository, job)

    def case(self, repository: Repository) -> PlanningInput:
        """Read one repository, and put beside it the policy that governs it.

        Raises: PolicyError, when no policy does.
        """
        policy = self.policies.policy_for(repository)
        if policy is None:
            raise PolicyError(
                f"no policy names {repository}", hint="Name it under `repositories` of a policy."
            )
        case = read_case(self._by(repository, policy), self.state, self.clock())
        self._note(case)
        return case

    def check(
        self, bounds: Thresholds, has_ended: Callable[[Holder], bool]
    ) -> tuple[HealthResult, ...]:
        """Look at every repository that a policy names or that has a state.

        `has_ended` tells whether a lock's holder is known to have ended.

        Raises: PolicyError, when two policies name the same repository, or none exists.
        """
        note = noting(self.state, self.clock)
        inspection = Inspection(self.state, self.clock(), bounds, has_ended, note)
        return tuple(inspection.of(self._governed()))

    def _note(self, case: PlanningInput) -> None:
        noting(self.state, self.clock)(case.inventory)

    def _origin(self, policy: Policy) -> Mapping[str, str]:
        source = self.policies.source_of(policy)
        return {
            "policy_file": source.path,
            "policy_sha256": source.sha256,
            **self.provenance,
        }

    def _by(self, repository: Repository, policy: Policy) -> Target:
        reader = self.registries.reader(repository.registry)
        return Target(repository, policy, reader, self.recall)

    def _governed(self, missed: Missed | None = None) -> Iterator[Target]:
        """Yield each repository that the policies name, once.

        Raises: PolicyError, when two policies name the same one, or none exists; AccessError or
            EvidenceError, when a registry would not list them: some, or all if that is `missed`.
        """
        named = self.only or set(self._named(self.policies, missed))
        found = {one: self.policies.policy_for(one) for one in named}
        if not any(found.values()):
            nothing = PolicyError(
                f"the policies name no repository that exists: {self._patterns()}"
            )
            raise next(iter((missed or {}).values()), nothing)
        for repository, policy in found.items():
            if policy:
                yield self._by(repository, policy)

    def _patterns(self) -> str:
        """Quote what the policies name, the first few of it."""
        globs = [glob for policy in self.policies.policies for glob in policy.repositories]
        more = f", and {len(globs) - QUOTED} more" if len(globs) > QUOTED else ""
        return ", ".join(globs[:QUOTED]) + more

    def _named(self, policies: PolicySet, missed: Missed | None = None) -> Iterator[Repository]:
        """Yield the repositories that the patterns of policies name, more than once maybe.

        With `missed`, a pattern that a registry would not list is noted there, and no error.
        """
        for policy in policies.policies:
            for glob in policy.repositories:
                try:
                    matching = self.registries.reader(glob.registry).repositories(glob)
                    if not matching:
                        log.warning("pattern_names_nothing", pattern=glob, policy=policy.name)
                    yield from filter(policy.governs, matching)
                except (AccessError, EvidenceError) as error:
                    if missed is None:
                        raise
                    missed[glob, policy.name] = error


@contextmanager
def open_session(
    paths: Sequence[Path],
    state: str | None,
    *,
    only: Iterable[Repository] = (),
    recall: Recall = remembered,
    sleep: Callable[[float], None] = time.sleep,
) -> Iterator[Session]:
    """Build a session from policy files, a state and the environment; close it after.

    Raises: PolicyError, SettingsError.
    """
    settings = Settings.load()
    policies = load_policies(paths)
    for policy in policies.policies:
        for glob in (*policy.repositories, *policy.except_):
            settings.check_port(glob)
    with open_registries(settings, utc_now, sleep) as registries:
        where = state_of(settings, state)
        yield Session(
            policies,
            registries,
            where,
            only=frozenset(only),
            recall=recall,
            paths=tuple(path.as_posix() for path in paths),
            provenance=settings.provenance,
        )


def open_state(state: str | None) -> State:
    """Build the state alone, for commands that need neither policies nor a registry."""
    return state_of(Settings.load(), state)


def place_of_state(state: str | None) -> str:
    """Say where the state is, without a secret: as told, else as set."""
    return str(Address(state or Settings.load().state))


def state_of(settings: Settings, place: str | None) -> State:
    """Build the state at a place, by default the one of the settings; nothing is sent yet."""
    known = BackendSettings(utc_now, settings.github_api, settings.token_for(GITHUB_HOST))
    return open_state_at(place or settings.state, known)


def noting(state: State, clock: Clock) -> Noting:
    """Build what notes, in a state, what commands that delete nothing see."""
    return Noting(state, clock, lambda: holder(clock()))


def begin(
    clock: Clock,
    halt: Callable[[], str],
    watching: Sequence[Callable[[Outcome], None]],
    monotonic: Callable[[], float] = time.monotonic,
) -> Run:
    """Begin a run; all who are `watching` are called with each outcome."""

    def report(outcome: Outcome) -> None:
        for watcher in watching:
            watcher(outcome)

    return Run(holder(clock()), clock, halt, report, monotonic)


def holder(now: datetime) -> Holder:
    """Say who begins a run, for the journal and for whoever finds the lock held.

    A run's id is its start, so that ids sort, and enough chance to be its own.
    """
    run = f"{now:%Y%m%dT%H%M%SZ}-{secrets.token_hex(4)}"
    return Holder(run=run, who=getpass.getuser(), where=socket.gethostname(), since=now)
