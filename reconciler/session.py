"""The one place that builds things: policies and settings in; registries, state, clock out."""

import getpass
import math
import secrets
import socket
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from reconciler import __version__
from reconciler.core.checking.finding import Bounds
from reconciler.core.guards import Allowances
from reconciler.core.planner import Case
from reconciler.engine.apply import Applied
from reconciler.engine.check import Checked, Inspection
from reconciler.engine.execute import Outcome, Run
from reconciler.engine.fleet import Authority, apply_plan
from reconciler.engine.plan import Governed, Moment, Origin, draw_plan, read_case
from reconciler.errors import PolicyError
from reconciler.formats.view import Cost
from reconciler.model.names import Repository
from reconciler.model.plan import Plan
from reconciler.model.policy import Policy
from reconciler.model.ports import Clock, Holder, State
from reconciler.policyfile import PolicySet, load_policies
from reconciler.registries import Registries, open_registries
from reconciler.settings import GITHUB_HOST, Settings
from reconciler.state.opening import open_state_at
from reconciler.state.surroundings import Surroundings

LOOKED_AT = 10
"""Deletions that one look serves, about: neighbours in time are on one page of a listing."""


def utc_now() -> datetime:
    """Read the clock: the only place that does."""
    return datetime.now(UTC)


@dataclass(frozen=True)
class Session:
    """One command's work: the policies it goes by, and the doors it may use."""

    policies: PolicySet
    registries: Registries
    state: State
    clock: Clock = utc_now
    only: frozenset[Repository] = frozenset()
    """The repositories to look at; empty for all that the policies name."""

    provenance: Mapping[str, str] = field(default_factory=dict)
    """What started this session, for the journal."""

    def plan(
        self, *, lasts: timedelta, at: datetime | None = None, allowed: Allowances | None = None
    ) -> Plan:
        """Read every repository that a policy names and plan its deletions."""
        now = self.clock()
        return draw_plan(
            self._governed(),
            self.state,
            moment=Moment(now, at or now, lasts),
            origin=Origin(f"reconciler {__version__}", self.policies.sources),
            allowed=allowed or {},
        )

    def apply(
        self,
        plan: Plan,
        *,
        allowed: Allowances,
        halt: Callable[[], str],
        watching: Sequence[Callable[[Outcome], None]] = (),
    ) -> tuple[Applied, ...]:
        """Delete what a plan names and may still go, under today's policies.

        `halt` gives a reason to stop, empty to go on; all who are `watching` hear each outcome.
        """
        self.state.check_writable()
        held_by, run = begin(self.clock, halt, watching)
        authority = Authority(
            registry_for=self.registries.registry,
            policy_for=self.policies.policy_for,
            allowed=allowed,
            only=self.only,
            origin_of=self._origin,
        )
        return apply_plan(plan, authority, self.state, held_by, run)

    def cost(self, plan: Plan) -> Cost:
        """Estimate what applying a plan takes: requests, time at the allowed pace, quota left.

        Besides the deletions, each repository is read again, and looked at on the way.
        """
        parts = [part for part in plan.repositories if part.changes]
        deletions, requests, minutes, left = 0, 0, 0.0, []
        for part in parts:
            allowance = self.registries.reader(part.repository.registry).allowance
            deletions += len(part.changes)
            requests += part.evidence.pages + len(part.changes) + len(part.changes) // LOOKED_AT + 3
            minutes += len(part.changes) / (allowance.deletions_per_minute or math.inf)
            left += [allowance.requests_left] if allowance.requests_left is not None else []
        return Cost(requests, deletions, timedelta(minutes=minutes), min(left, default=None))

    def case(self, repository: Repository) -> Case:
        """Read one repository, and put beside it the policy that governs it.

        Raises: PolicyError, when no policy does.
        """
        policy = self.policies.policy_for(repository)
        if policy is None:
            raise PolicyError(
                f"no policy names {repository}", hint="Name it under `repositories` of a policy."
            )
        return read_case(self._by(repository, policy), self.state, self.clock())

    def check(self, bounds: Bounds, has_ended: Callable[[Holder], bool]) -> tuple[Checked, ...]:
        """Look at every repository that a policy names or that has a state; nothing is written.

        `has_ended` tells whether a lock's holder is known to have ended.

        Raises: PolicyError, when two policies name the same repository, or none exists.
        """
        inspection = Inspection(self.state, self.clock(), bounds, has_ended)
        return tuple(inspection.of(self._governed()))

    def _origin(self, policy: Policy) -> Mapping[str, str]:
        source = self.policies.source_of(policy)
        return {
            "policy_file": source.path,
            "policy_sha256": source.sha256,
            **self.provenance,
        }

    def _by(self, repository: Repository, policy: Policy) -> Governed:
        return Governed(repository, policy, self.registries.reader(repository.registry))

    def _governed(self) -> Iterator[Governed]:
        """Yield each repository that the policies name, once.

        Raises: PolicyError, when two policies name the same one, or none exists.
        """
        named = self.only or set(self._named())
        found = {one: self.policies.policy_for(one) for one in named}
        if not any(found.values()):
            raise PolicyError("the policies name no repository that exists")
        for repository, policy in found.items():
            if policy:
                yield self._by(repository, policy)

    def _named(self) -> Iterator[Repository]:
        """Yield the repositories that the patterns of the policies name, more than once maybe."""
        for policy in self.policies.policies:
            for glob in policy.repositories:
                reader = self.registries.reader(glob.registry)
                yield from filter(policy.governs, reader.repositories(glob))


@contextmanager
def open_session(
    paths: Sequence[Path],
    state: str | None,
    *,
    only: Iterable[Repository] = (),
    sleep: Callable[[float], None] = time.sleep,
) -> Iterator[Session]:
    """Build a session from policy files, a state and the environment; close it after.

    Raises: PolicyError, SettingsError.
    """
    settings = Settings.load()
    policies = load_policies(paths)
    with open_registries(settings, utc_now, sleep) as registries:
        where = state_of(settings, state)
        yield Session(
            policies, registries, where, only=frozenset(only), provenance=settings.provenance
        )


def open_state(state: str | None) -> State:
    """Build the state alone, for commands that need neither policies nor a registry."""
    return state_of(Settings.load(), state)


def state_of(settings: Settings, place: str | None) -> State:
    """Build the state at a place, by default the one of the settings; nothing is sent yet."""
    known = Surroundings(utc_now, settings.github_api, settings.token_for(GITHUB_HOST))
    return open_state_at(place or settings.state, known)


def begin(
    clock: Clock, halt: Callable[[], str], watching: Sequence[Callable[[Outcome], None]]
) -> tuple[Holder, Run]:
    """Begin a run: who holds its locks, and what it goes by. Who is `watching` hears outcomes."""

    def report(outcome: Outcome) -> None:
        for watcher in watching:
            watcher(outcome)

    held_by = holder(clock())
    return held_by, Run(held_by.run, f"{held_by.who}@{held_by.where}", clock, halt, report)


def holder(now: datetime) -> Holder:
    """Say who begins a run, for the journal and for whoever finds the lock held.

    A run's id is its start, so that ids sort, and enough chance to be its own.
    """
    run = f"{now:%Y%m%dT%H%M%SZ}-{secrets.token_hex(4)}"
    return Holder(run=run, who=getpass.getuser(), where=socket.gethostname(), since=now)
