"""A sandbox, and in front of it the commands: through a session, or as real processes."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Protocol

import yaml
from pydantic import SecretStr

from reconciler.connect import CACHE_FILE, Registries
from reconciler.core.planner import RaisedLimits
from reconciler.errors import ReconcilerError, StoppedError, worst
from reconciler.formats import applied as applied_format
from reconciler.formats.catalogue import FORMATS
from reconciler.formats.view import View
from reconciler.model.plan import DeletionPlan
from reconciler.policyfile import load_text
from reconciler.sandbox.server import Sandbox
from reconciler.session import Session
from reconciler.settings import RegistrySettings, Settings
from reconciler.state.local import LocalState
from reconciler.transport.cache import ManifestCache
from reconciler.transport.watch import RunClock
from tests.support.cli import CommandLine, Ended
from tests.support.time import VirtualTime

CLASSIC = "ghp_sandbox"
POLICY_FILE = "policy.yaml"
POINTS_PER_MINUTE = 60_000
"""So fast that processes, whose time is real, need not wait."""


class Commands(Protocol):
    """What plans and applies: each call is a command of its own, with all it opens and closes."""

    def plan(self, policy: str) -> Ended:
        """Plan, and keep the plan for the next apply."""

    def apply(self, policy: str) -> Ended:
        """Apply the plan that was drawn last."""


@dataclass
class SessionCommands:
    """Commands in this process, in a time that passes only by waiting."""

    sandbox: Sandbox
    folder: Path
    time: VirtualTime
    allowed: RaisedLimits = field(default_factory=dict)
    budget: timedelta | None = None
    """How long an apply may take."""

    drawn: DeletionPlan | None = None

    def plan(self, policy: str) -> Ended:
        """Plan as `reconciler plan` does."""

        def planned(session: Session) -> Ended:
            self.drawn = self._drawn(session)
            return Ended(self.drawn.outcome, FORMATS["text"](self.drawn, self._view), "")

        self.drawn = None
        return self._ended(policy, self._sleep, planned)

    def apply(self, policy: str) -> Ended:
        """Apply as `reconciler apply` does with the policies that the plan was drawn from."""
        until = self.time.now + self.budget if self.budget else None

        def sleep(seconds: float) -> None:
            self._sleep(seconds)
            if reason := halt():
                raise StoppedError(reason)

        def halt() -> str:
            return "the time budget is used up" if until and self.time.now >= until else ""

        return self._ended(policy, sleep, lambda session: self._applied(session, halt))

    def _applied(self, session: Session, halt: Callable[[], str]) -> Ended:
        plan = self.drawn or self._drawn(session)
        done = session.apply(plan, allowed=self.allowed, halt=halt)
        code = worst([plan.outcome, *(applied.exit_code for applied in done)])
        return Ended(code, applied_format.render(done, self._view), "")

    def _drawn(self, session: Session) -> DeletionPlan:
        return session.plan(lasts=timedelta(hours=72), allowed=self.allowed)

    def _ended(
        self, policy: str, sleep: Callable[[float], None], command: Callable[[Session], Ended]
    ) -> Ended:
        """Run a command in a session of its own; an error of ours is told as commands tell it."""
        try:
            with self._session(policy, sleep) as session:
                return command(session)
        except ReconcilerError as error:
            return Ended(error.exit_code, "", f"Error: {error}\n{error.hint}\n")

    @contextmanager
    def _session(self, policy: str, sleep: Callable[[float], None]) -> Iterator[Session]:
        settings = settings_for(self.sandbox, self.folder)
        policies = load_text(POLICY_FILE, policy.encode())
        watch = RunClock(self._now, lambda: self.time.seconds, sleep, lambda _: None)
        registries = Registries(settings, ManifestCache(settings.cache_path / CACHE_FILE), watch)
        try:
            yield Session(policies, registries, LocalState(Path(settings.state)), self._now)
        finally:
            registries.close()

    @property
    def _view(self) -> View:
        return View(now=self.time.now, width=200, all_rows=True)

    def _sleep(self, seconds: float) -> None:
        self.time.pass_by(seconds)

    def _now(self) -> datetime:
        return self.time.now


@dataclass(frozen=True)
class ProcessCommands:
    """Commands as users run them; they share a folder with the policy, the plan and the state."""

    reconciler: CommandLine

    @classmethod
    def at(cls, sandbox: Sandbox, folder: Path, token: str = CLASSIC) -> "ProcessCommands":
        """Begin in a folder, with a token that may be empty."""
        return cls(CommandLine(folder, environment(sandbox, folder, token)))

    def plan(self, policy: str) -> Ended:
        """Run `reconciler plan`."""
        self.reconciler.write_policy(policy)
        return self.reconciler("plan", "--out", "plan.json")

    def apply(self, policy: str) -> Ended:
        """Run `reconciler apply` on the saved plan."""
        self.reconciler.write_policy(policy)
        return self.reconciler("apply", "plan.json", "--yes")


def settings_for(sandbox: Sandbox, folder: Path) -> Settings:
    """Build the settings that lead to a sandbox."""
    told = RegistrySettings(kind="ghcr", api=sandbox.url, plain_http=True)
    return Settings(
        state=str(folder / "state"),
        cache=folder / "cache",
        registries={sandbox.host: told},
        GITHUB_TOKEN=SecretStr(CLASSIC),
    )


def environment(sandbox: Sandbox, folder: Path, token: str = CLASSIC) -> Mapping[str, str]:
    """Write the environment of a process that leads there, too; no token, no variable."""
    told = {
        "kind": "ghcr",
        "api": sandbox.url,
        "plain_http": True,
        "points_per_minute": POINTS_PER_MINUTE,
    }
    variables = {
        "RECONCILER_CACHE": str(folder / "cache"),
        "RECONCILER_REGISTRIES": json.dumps({sandbox.host: told}),
    }
    return variables | ({"GITHUB_TOKEN": token} if token else {})


def policy_file(host: str, paths: Sequence[str], policy: Mapping[str, object]) -> str:
    """Write a policy file with one policy for repositories of a host."""
    repositories = [f"{host}/{path}" for path in paths]
    named = {"name": "web", "repositories": repositories, **policy}
    return yaml.safe_dump({"version": 1, "policies": [named]}, sort_keys=False)
