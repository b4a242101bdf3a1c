"""A scenario on its stage: played once, looked at by the oracle, and played again."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from reconciler.core.planner import RaisedLimits
from reconciler.model.names import Repository
from reconciler.sandbox.package import StoredPackage
from reconciler.sandbox.server import Sandbox
from reconciler.sandbox.settings import UNLIMITED, SandboxSettings
from reconciler.session import utc_now
from tests.support import oracle
from tests.support.cli import Ended
from tests.support.sandbox_commands import Commands, ProcessCommands, SessionCommands, policy_file
from tests.support.scenario_packages import ScenarioPackages
from tests.support.scenarios import WEB, Scenario
from tests.support.time import VirtualTime

Companions = Mapping[str, dict[str, set[str]]]


@dataclass
class ScenarioRun:
    """A scenario, and what is true before anything is done; tags and companions by name."""

    scenario: Scenario
    cast: ScenarioPackages
    sandbox: Sandbox
    stage: Commands
    wait: Callable[[], None]
    """Lets the time between the first apply and the second pass."""

    def __post_init__(self) -> None:
        """Let people do what they did first."""
        self.sandbox.perform(*self.cast.operations(self.scenario.first))
        self._broken = self._broken_tags()
        self._companions = self._spoken_of()

    def first(self) -> tuple[Ended, Ended]:
        """Plan and apply, with everything that happens meanwhile; return how both ended."""
        planned = self.plan()
        self.sandbox.perform(*self.cast.operations(self.scenario.then))
        self.sandbox.add_faults(*self.cast.faults(self.scenario.during))
        return planned, self.apply()

    def plan(self) -> Ended:
        """Plan, with all that goes wrong from the beginning."""
        self.sandbox.add_faults(*self.cast.faults(self.scenario.faults))
        return self.stage.plan(self._policy(self.scenario.policy))

    def apply(self) -> Ended:
        """Apply what was planned last, under the policy of that moment."""
        return self.stage.apply(self._policy(self._later_policy))

    def go_on(self) -> None:
        """Let all be well again, time pass, and people do what they do in that time."""
        self.sandbox.clear_faults()
        self.sandbox.world.revoked.clear()
        self.wait()
        self.sandbox.perform(*self.cast.operations(self.scenario.later))

    def again(self) -> tuple[Ended, int]:
        """Plan and apply once more; return the end, and the deletions of what was still there."""
        before = self._deletions()
        self.stage.plan(self._policy(self._later_policy))
        return self.apply(), self._deletions() - before

    def newly_broken(self) -> set[str]:
        """Return the tags that can no longer be pulled whole."""
        return self._broken_tags() - self._broken

    def bereaved(self) -> dict[str, str]:
        """Return what stays and has lost companions, and which ones."""
        return {
            self.cast.name_of(path, digest): " ".join(
                sorted(self.cast.name_of(path, one) for one in lost)
            )
            for path, package in self._packages.items()
            for digest, lost in oracle.bereaved(self._companions[path], package).items()
        }

    @property
    def _later_policy(self) -> Mapping[str, object]:
        return self.scenario.later_policy or self.scenario.policy

    def _policy(self, policy: Mapping[str, object]) -> str:
        """Write the policy file."""
        paths = self.scenario.repositories or [one.path for one in self._packages.values()]
        return policy_file(self.sandbox.host, paths, self.cast.resolved(policy))

    def _broken_tags(self) -> set[str]:
        return {tag for one in self._packages.values() for tag in oracle.broken_tags(one)}

    def _spoken_of(self) -> Companions:
        return {path: oracle.companions(package) for path, package in self._packages.items()}

    def _deletions(self) -> int:
        sent = (seen for seen in self.sandbox.requests if seen.method == "DELETE")
        return sum(seen.status != 404 for seen in sent)

    @property
    def _packages(self) -> Mapping[str, StoredPackage]:
        return self.cast.packages


@contextmanager
def rehearsed(scenario: Scenario, folder: Path) -> Iterator[ScenarioRun]:
    """Play through sessions, in a time that passes only by waiting."""
    time = VirtualTime()
    cast = ScenarioPackages(scenario, time.now)
    settings = SandboxSettings.model_validate({**scenario.sandbox, "now": lambda: time.now})
    with Sandbox(settings, cast.packages.values()).serve() as sandbox:
        allowed = _allowances(scenario, sandbox)
        stage = SessionCommands(sandbox, folder, time, allowed, scenario.budget)
        pause = scenario.pause.total_seconds()
        yield ScenarioRun(scenario, cast, sandbox, stage, lambda: time.pass_by(pause))


@contextmanager
def performed(scenario: Scenario, folder: Path) -> Iterator[ScenarioRun]:
    """Play through the command line, in processes of its own and the time of this machine."""
    cast = ScenarioPackages(scenario, utc_now())
    settings = SandboxSettings.model_validate({"limits": UNLIMITED, **scenario.sandbox})
    with Sandbox(settings, cast.packages.values()).serve() as sandbox:
        yield ScenarioRun(
            scenario, cast, sandbox, ProcessCommands.at(sandbox, folder), lambda: None
        )


def _allowances(scenario: Scenario, sandbox: Sandbox) -> RaisedLimits:
    web = Repository(f"{sandbox.host}/{WEB}")
    return {(guard, web): limit for guard, limit in scenario.allow.items()}
