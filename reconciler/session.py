"""Sessions: the policies, registries and state that one command works with, opened together."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import TypeVar

from reconciler import clock
from reconciler.analysis.health import HealthResult, Thresholds
from reconciler.connect import Registries, open_registries
from reconciler.core.planner import PlanningInput, RaisedLimits
from reconciler.engine.apply import ApplyScope, apply_plan
from reconciler.engine.compare import Comparison
from reconciler.engine.inspect import Inspection
from reconciler.engine.observations import DigestSaver
from reconciler.engine.plan import (
    PlannedRepository,
    PlanSource,
    PlanTimes,
    Target,
    complete_plan,
    plan_target,
    read_case,
    unlisted_by,
)
from reconciler.engine.reading import Reading, reading_of
from reconciler.engine.run import begin, holder
from reconciler.errors import AccessError, EvidenceError, PolicyError, ReconcilerError
from reconciler.events import log
from reconciler.formats.view import Cost
from reconciler.model.comparison import Difference, RepositoryDifference
from reconciler.model.effort import Effort, Job
from reconciler.model.names import Repository
from reconciler.model.patterns import RepositoryGlob
from reconciler.model.plan import DeletionPlan, RepositoryPlan
from reconciler.model.policy import Policy
from reconciler.model.ports import Clock, Holder, State
from reconciler.model.results import Applied, Outcome
from reconciler.policyfile import PolicySet, Revision, load_policies
from reconciler.settings import GITHUB_HOST, Settings
from reconciler.state.address import Address
from reconciler.state.opening import BackendSettings, open_state_at
from reconciler.version import __version__

Value = TypeVar("Value")


utc_now = clock.utc_now
"""The clock of a session."""

QUOTED = 5
"""Most patterns that an error quotes."""


ListingFailures = dict[tuple[RepositoryGlob, str], ReconcilerError]
"""Patterns that a registry would not list, each with its policy, and the error."""


@dataclass(frozen=True)
class Session:
    """The policies, registries and state that one command works with."""

    policies: PolicySet
    registries: Registries
    state: State
    clock: Clock = utc_now
    only: frozenset[Repository] = frozenset()
    """The repositories to work on; empty for all that the policies name."""

    retry_refused: bool = False
    """Whether versions that a registry refused to delete are tried again."""

    paths: Sequence[str] = ()
    """The policy files and folders that were named, as they were typed."""

    provenance: Mapping[str, str] = field(default_factory=dict)
    """What started this session, for the journal."""

    _readings: list[tuple[DeletionPlan, Mapping[Repository, Reading]]] = field(default_factory=list)
    """The plans of this session, with what `apply` need not read again."""

    def plan(
        self,
        *,
        lasts: timedelta,
        at: datetime | None = None,
        allowed: RaisedLimits | None = None,
    ) -> DeletionPlan:
        """Read every repository that a policy names and plan its deletions; write nothing."""
        plan, readings = self._planned(
            lasts, at, allowed, lambda planned: reading_of(planned, self.clock())
        )
        pairs = zip(plan.repositories, readings, strict=True)
        read = {part.repository: reading for part, reading in pairs if reading}
        # A forecast says nothing about now.
        self._readings.append((plan, {} if plan.forecast else read))
        return plan

    def compare(
        self,
        base: Revision | None,
        *,
        lasts: timedelta,
        at: datetime | None = None,
        allowed: RaisedLimits | None = None,
    ) -> tuple[DeletionPlan, Difference | None]:
        """Plan, and compare the plan with the one that the policies of `base` would give.

        What both govern is read once. New digests are saved in the state where it is writable.
        """
        comparison = Comparison(base.policies.policy_for, self.registries.reader) if base else None

        def use(planned: PlannedRepository) -> RepositoryDifference | None:
            if planned.case is None:
                return None
            self._note(planned.case)
            return comparison.of(planned.case) if comparison else None

        plan, compared = self._planned(lasts, at, allowed, use)
        if base is None or comparison is None:
            return plan, None
        difference = Difference(against=base.reference, commit=base.commit, plan=plan.digest)
        if base.problems:
            return plan, difference.model_copy(update={"error": str(base.problems[0])})
        named = self.only or self._named(base.policies)
        return plan, comparison.completed(
            difference, filter(None, compared), plan, named, self.state
        )

    def apply(
        self,
        plan: DeletionPlan,
        *,
        allowed: RaisedLimits,
        halt: Callable[[], str],
        watching: Sequence[Callable[[Outcome], None]] = (),
        at_once: int | None = None,
    ) -> tuple[Applied, ...]:
        """Delete what a plan names and today's policies expire, too.

        `halt` returns a reason to stop, empty to go on; each of `watching` is called with each
        outcome. No more than `at_once` deletions are sent at the same time, if it is given.
        """
        # Step 2 of docs/apply.md: without a writable journal nothing is deleted.
        self.state.check_writable()
        run = begin(self.clock, halt, watching, self.registries.watch.monotonic)
        run = replace(run, at_once=at_once)
        scope = ApplyScope(
            registry_for=self.registries.registry,
            policy_for=self.policies.policy_for,
            allowed=allowed,
            only=self.only,
            retry_refused=self.retry_refused,
            origin_of=self._origin,
            readings=next((read for made, read in self._readings if made is plan), {}),
        )
        return apply_plan(plan, scope, self.state, run)

    def _planned(
        self,
        lasts: timedelta,
        at: datetime | None,
        allowed: RaisedLimits | None,
        use: Callable[[PlannedRepository], Value],
    ) -> tuple[DeletionPlan, list[Value]]:
        """Plan every repository, several at once; return also what `use` makes of each one."""
        times, (targets, failures) = self._times(lasts, at), self._listed_targets()

        # No inventory outlives this call, however long the repositories before it take.
        def work(target: Target) -> tuple[RepositoryPlan, Value]:
            with self.registries.room.entered() as admit:
                planned = plan_target(
                    replace(target, admit=admit), self.state, times, allowed or {}
                )
                return planned.part, use(planned)

        results = self.registries.each(work, targets)
        plan = complete_plan([part for part, _ in results], times, self._source(failures))
        return plan, [used for _, used in results]

    def cost(self, plan: DeletionPlan) -> Cost:
        """Estimate what applying a plan takes: requests, time at the allowed pace, quota left."""
        parts = [part for part in plan.repositories if part.changes]
        efforts = [self._effort(part) for part in parts]
        readers = [self.registries.reader(part.repository.registry) for part in parts]
        quotas = [reader.allowance.requests_left for reader in readers]
        return Cost(
            requests=sum(effort.requests for effort in efforts),
            deletions=sum(len(part.changes) for part in parts),
            duration=timedelta(seconds=sum(effort.seconds for effort in efforts)),
            quota=min((quota for quota in quotas if quota is not None), default=None),
            window=max((effort.window for effort in efforts), default=0.0),
            rereads=max(
                (effort.rereads for effort in efforts if effort.rereads),
                key=lambda rereads: rereads.tags,
                default=None,
            ),
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
        """Read one repository, with the policy that governs it.

        Raises: PolicyError, when no policy does.
        """
        policy = self.policies.policy_for(repository)
        if policy is None:
            raise PolicyError(
                f"no policy names {repository}", hint="Name it under `repositories` of a policy."
            )
        case = read_case(self._target(repository, policy), self.state, self.clock())
        self._note(case)
        return case

    def check(
        self, bounds: Thresholds, has_ended: Callable[[Holder], bool]
    ) -> tuple[HealthResult, ...]:
        """Check every repository that a policy names or that has a state.

        `has_ended` returns whether a lock holder is known to have ended.

        Raises: PolicyError, when two policies name the same repository, or none exists.
        """
        note = noting(self.state, self.clock)
        inspection = Inspection(self.state, self.clock(), bounds, has_ended, note)
        targets = self._targets(self.only or self._named(self.policies))
        governed = {target.repository: target for target in targets}

        def work(repository: Repository) -> HealthResult:
            with self.registries.room.entered() as admit:
                target = governed.get(repository)
                return inspection.of(repository, target and replace(target, admit=admit))

        every = sorted({*governed, *self.state.repositories()})
        return tuple(self.registries.each(work, every))

    def _note(self, case: PlanningInput) -> None:
        noting(self.state, self.clock)(case.inventory)

    def _origin(self, policy: Policy) -> Mapping[str, str]:
        source = self.policies.source_of(policy)
        return {
            "policy_file": source.path,
            "policy_sha256": source.sha256,
            **self.provenance,
        }

    def _target(self, repository: Repository, policy: Policy) -> Target:
        reader = self.registries.reader(repository.registry)
        return Target(repository, policy, reader, self.retry_refused)

    def _times(self, lasts: timedelta, at: datetime | None) -> PlanTimes:
        now = self.clock()
        return PlanTimes(now, at or now, lasts, self.clock)

    def _source(self, failures: ListingFailures) -> PlanSource:
        unlisted = [unlisted_by(*pattern, error) for pattern, error in failures.items()]
        return PlanSource(f"reconciler {__version__}", self.policies.sources, unlisted, self.paths)

    def _listed_targets(self) -> tuple[list[Target], ListingFailures]:
        """Return each repository that the policies name, and the patterns that were not listed.

        Raises: PolicyError, when two policies name the same one, or none exists; the first error
            of a registry, when all patterns failed.
        """
        if self.only:
            return self._targets(self.only), {}
        names: list[Repository] = []
        failures: ListingFailures = {}
        for policy in self.policies.policies:
            for glob in policy.repositories:
                try:
                    names += self._matching(policy, glob)
                except (AccessError, EvidenceError) as error:
                    failures[glob, policy.name] = error
        return self._targets(names, next(iter(failures.values()), None)), failures

    def _targets(
        self, names: Iterable[Repository], failure: ReconcilerError | None = None
    ) -> list[Target]:
        """Return those repositories that a policy governs, each once, sorted.

        Raises: PolicyError, when two policies name the same one; where none is governed, the
            `failure` that explains it, or else PolicyError.
        """
        governed = {repository: self.policies.policy_for(repository) for repository in set(names)}
        targets = [
            self._target(repository, policy)
            for repository, policy in sorted(governed.items())
            if policy
        ]
        if not targets:
            globs = [glob for policy in self.policies.policies for glob in policy.repositories]
            more = f", and {len(globs) - QUOTED} more" if len(globs) > QUOTED else ""
            # A registry that failed explains an empty list better than the patterns do.
            raise failure or PolicyError(
                f"the policies name no repository that exists: {', '.join(globs[:QUOTED])}{more}"
            )
        return targets

    def _named(self, policies: PolicySet) -> Iterator[Repository]:
        """Yield the repositories that the patterns of policies name, more than once maybe.

        Raises: AccessError or EvidenceError, when a registry would not list them.
        """
        for policy in policies.policies:
            for glob in policy.repositories:
                yield from self._matching(policy, glob)

    def _matching(self, policy: Policy, glob: RepositoryGlob) -> list[Repository]:
        """List the repositories that one pattern names and its policy does not except.

        Raises: AccessError or EvidenceError, when the registry would not list them.
        """
        repositories = self.registries.reader(glob.registry).repositories(glob)
        if not repositories:
            log.warning("pattern_names_nothing", pattern=glob, policy=policy.name)
        return list(filter(policy.governs, repositories))


@contextmanager
def open_session(
    paths: Sequence[Path],
    state: str | None,
    *,
    only: Iterable[Repository] = (),
    retry_refused: bool = False,
    sleep: Callable[[float], None] | None = None,
) -> Iterator[Session]:
    """Build a session from policy files, a state and the environment; close it after.

    Raises: PolicyError, SettingsError.
    """
    settings = Settings.load()
    policies = load_policies(paths)
    for policy in policies.policies:
        for glob in (*policy.repositories, *policy.except_):
            settings.check_host(glob)
            settings.check_port(glob)
    with open_registries(settings, utc_now, sleep) as registries:
        where = state_of(settings, state)
        yield Session(
            policies,
            registries,
            where,
            only=frozenset(only),
            retry_refused=retry_refused,
            paths=tuple(path.as_posix() for path in paths),
            provenance=settings.provenance,
        )


def open_state(state: str | None) -> State:
    """Open the state alone, for commands that need neither policies nor a registry."""
    return state_of(Settings.load(), state)


def place_of_state(state: str | None) -> str:
    """Return the address of the state, without a secret: as given, else from the settings."""
    return str(Address(state or Settings.load().state))


def state_of(settings: Settings, place: str | None) -> State:
    """Open the state at an address, by default that of the settings; nothing is sent yet."""
    known = BackendSettings(utc_now, settings.github_api, settings.token_for(GITHUB_HOST))
    return open_state_at(place or settings.state, known)


def noting(state: State, clock: Clock) -> DigestSaver:
    """Return what saves new digests for commands that delete nothing."""
    return DigestSaver(state, clock, lambda: holder(clock()))
