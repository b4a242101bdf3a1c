"""How old a look is at each DELETE, and how many go in a minute, in a time that is measured."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest

from reconciler.connect import Connection, Registries
from reconciler.github import client
from reconciler.model.durations import FRESH_SECONDS
from reconciler.model.results import Applied
from reconciler.policyfile import load_text
from reconciler.providers.ghcr import api
from reconciler.providers.ghcr.api import GhcrConnection, GitHubHost
from reconciler.providers.ghcr.registry import GhcrRegistry
from reconciler.sandbox.accounts import CLASSIC
from reconciler.sandbox.artifacts import image, index
from reconciler.sandbox.faults import Answer, Fault
from reconciler.sandbox.generate import builds
from reconciler.sandbox.package import StoredPackage
from reconciler.sandbox.server import Sandbox
from reconciler.sandbox.settings import UNLIMITED, Limits, SandboxSettings
from reconciler.session import Session
from reconciler.settings import RegistrySettings, Settings
from reconciler.state.local import LocalState
from reconciler.transport.cache import ManifestCache
from reconciler.transport.client import connect
from tests.support.look_ages import Pauses, WatchedTime
from tests.support.time import NOON

PUBLISHED = Limits()

POLICY = """
version: 1
policies:
  - name: web
    repositories: ["{repository}"]
    rules:
      - {{name: all, match: {{any: true}}, keep: {{last: 1}}}}
    guards: {{max_delete: 1000000, max_delete_percent: 100}}
"""


@dataclass(frozen=True, slots=True)
class Measured:
    """One apply: how it ended, what its transport saw, and how long it took in seconds."""

    applied: Applied
    pauses: Pauses
    seconds: float

    @property
    def deleted(self) -> int:
        """How many versions went."""
        return sum(outcome.result == "deleted" for outcome in self.applied.outcomes)

    @property
    def per_minute(self) -> float:
        """How many DELETEs went in a minute, from the first to the last."""
        sent = self.pauses.sent_at
        return (len(sent) - 1) / (sent[-1] - sent[0]) * 60


Measure = Callable[..., Measured]


@pytest.fixture
def measure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Measure:
    """Apply to a package that a sandbox serves, each request taking its time."""

    def measured(
        package: StoredPackage, *faults: Fault, limits: Limits = PUBLISHED, latency: float = 0.1
    ) -> Measured:
        time = WatchedTime()
        told = SandboxSettings(limits=limits, now=lambda: time.now)
        with Sandbox(told, [package]).serve() as sandbox:
            pauses = Pauses(connect(sandbox.url, time.watch()), time, latency)
            for module in (client, api):
                monkeypatch.setattr(module, "connect", lambda *_: pauses)
            where, cache = GitHubHost(sandbox.url, sandbox.url), ManifestCache(None)
            watch = time.watch()
            registry = GhcrRegistry(
                GhcrConnection.open(where, CLASSIC.token.get_secret_value(), cache, watch)
            )
            doors = {sandbox.host: Connection(registry, registry, registry.close)}
            kind = RegistrySettings(kind="ghcr", api=sandbox.url, plain_http=True)
            registries = Registries(Settings(registries={sandbox.host: kind}), cache, watch, doors)
            policy = POLICY.format(repository=f"{sandbox.host}/{package.path}")
            session = Session(
                load_text("p.yaml", policy.encode()),
                registries,
                LocalState(tmp_path),
                lambda: time.now,
            )
            plan = session.plan(lasts=timedelta(hours=1))
            sandbox.add_faults(*faults)
            began = time.seconds
            (applied,) = session.apply(plan, allowed={}, halt=lambda: "")
            registries.close()
            return Measured(applied, pauses, time.seconds - began)

    return measured


@pytest.mark.parametrize("latency", [0.0, 0.1, 0.3, 0.45])
def test_no_look_is_older_than_five_seconds_and_no_wait_lies_after_it(
    measure: Measure, latency: float
) -> None:
    done = measure(builds(12, now=NOON), latency=latency)

    assert done.deleted == 55
    assert done.applied.exit_code == 0
    assert len(done.pauses.ages) == 55
    assert max(done.pauses.ages) <= FRESH_SECONDS


def test_published_limits_let_a_hundred_and_sixty_deletions_go_in_a_minute(
    measure: Measure,
) -> None:
    done = measure(builds(121, now=NOON), latency=0.1)

    assert done.deleted == 600
    assert done.per_minute >= 160
    assert max(done.pauses.ages) <= FRESH_SECONDS


@pytest.mark.parametrize("status", [403, 429])
def test_a_limit_that_refuses_in_the_middle_is_waited_out_before_a_new_look(
    measure: Measure, status: int
) -> None:
    words = '{"message": "You have exceeded a secondary rate limit."}'
    refusal = Answer(status=status, body=words, headers={"retry-after": "90"})

    done = measure(
        builds(4, now=NOON),
        Fault(method="DELETE", nth=7, answer=refusal),
        limits=UNLIMITED,
    )

    assert done.deleted == 15
    assert done.seconds > 90
    assert len(done.pauses.ages) == 16


def test_a_passing_failure_is_tried_again_in_the_same_run(measure: Measure) -> None:
    down = Answer(status=502)

    done = measure(
        builds(3, now=NOON), Fault(method="DELETE", nth=3, answer=down), limits=UNLIMITED
    )

    assert done.deleted == 10
    assert done.applied.exit_code == 0
    assert len(done.pauses.ages) == 11


def test_an_index_of_three_hundred_goes_in_slices_each_upon_its_own_look(
    measure: Measure,
) -> None:
    package = StoredPackage.of("acme/web", NOON - timedelta(days=60))
    at = NOON - timedelta(days=30)
    parts = {f"linux/{number}": image(f"part {number}", "linux/amd64") for number in range(300)}
    for part in parts.values():
        package.push(part, at=at)
    package.push(index(parts), "old", at=at)
    package.push(image("newest", "linux/amd64"), "new", at=NOON - timedelta(days=2))

    done = measure(package)

    assert done.deleted == 301
    assert max(done.pauses.ages) <= FRESH_SECONDS
