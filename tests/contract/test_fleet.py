"""Repositories that are read at once: exact, as if read one after another, and ended together."""

import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from itertools import groupby
from pathlib import Path
from random import Random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reconciler.analysis.health import Thresholds
from reconciler.connect import Registries, open_registries
from reconciler.errors import ExitCode
from reconciler.model.plan import DeletionPlan
from reconciler.policyfile import load_text
from reconciler.sandbox.accounts import CLASSIC
from reconciler.sandbox.faults import Answer, Fault
from reconciler.sandbox.generate import builds
from reconciler.sandbox.package import StoredPackage
from reconciler.sandbox.server import Sandbox
from reconciler.sandbox.settings import UNLIMITED, SandboxSettings
from reconciler.session import Session
from reconciler.settings import RegistrySettings, Settings
from reconciler.state.local import LocalState
from reconciler.transport.watch import Sent, Wait

NOW = datetime.now(UTC)
"""The time of each test when it begins: registries compare it with their own clock."""

COUNT = 12
POLICY = """
version: 1
policies:
  - name: fleet
    repositories: ["{host}/acme/*"]
    protect: [{{name: moving, match: {{tags: [main]}}}}]
    rules:
      - {{name: commits, match: {{tags: ["sha-*"]}}, keep: {{within: 30d, last: 2}}}}
      - {{name: none, match: {{tags: ["never-*"]}}, keep: {{last: 1}}}}
    guards: {{max_delete_percent: 100}}
"""
DAY = timedelta(days=1)


def packages() -> list[StoredPackage]:
    """Fill packages of growing size that share their first builds, as promoted images do."""
    return [builds(3 + number, now=NOW, path=f"acme/app-{number:02}") for number in range(COUNT)]


@pytest.fixture
def sandbox(monkeypatch: pytest.MonkeyPatch) -> Iterator[Sandbox]:
    """Serve the packages, as of now: the module may have been loaded long ago."""
    monkeypatch.setattr(sys.modules[__name__], "NOW", datetime.now(UTC))
    with Sandbox(SandboxSettings(limits=UNLIMITED), packages()).serve() as served:
        yield served


@contextmanager
def opened(sandbox: Sandbox, folder: Path) -> Iterator[Session]:
    """Open a session without a cache, as of one time."""
    told = RegistrySettings(kind="ghcr", api=sandbox.url, plain_http=True, points_per_minute=10**6)
    chosen = Settings(
        cache=folder / "cache", registries={sandbox.host: told}, GITHUB_TOKEN=CLASSIC.token
    )
    policies = load_text("fleet.yaml", POLICY.format(host=sandbox.host).encode())
    with open_registries(chosen, lambda: NOW) as registries:
        yield Session(policies, registries, LocalState(folder / "state"), lambda: NOW)


def planned(sandbox: Sandbox, folder: Path) -> DeletionPlan:
    """Plan all of them from nothing."""
    with opened(sandbox, folder) as session:
        return session.plan(lasts=DAY)


def one_after_another(sandbox: Sandbox, folder: Path) -> DeletionPlan:
    """Plan them as if there was a single thread."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("reconciler.connect.REPOSITORIES_AT_ONCE", 1)
        return planned(sandbox, folder)


def delays(seed: int) -> list[Fault]:
    """Delay the answers about each package, so that they are done in another order."""
    order = list(range(COUNT))
    Random(seed).shuffle(order)
    return [
        Fault(path=f"app-{number:02}", times=None, delay=0.02 * rank)
        for rank, number in enumerate(order)
    ]


@given(seed=st.integers(0, 10**6))
@settings(
    max_examples=5, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_the_bytes_do_not_depend_on_who_is_done_first(
    sandbox: Sandbox, tmp_path_factory: pytest.TempPathFactory, seed: int
) -> None:
    sandbox.clear_faults()
    before = one_after_another(sandbox, tmp_path_factory.mktemp("before"))
    sandbox.add_faults(*delays(seed))

    after = planned(sandbox, tmp_path_factory.mktemp("after"))

    sandbox.clear_faults()
    assert after.to_bytes() == before.to_bytes()
    assert [part.complete for part in after.repositories] == [True] * COUNT
    assert after.summary.delete > 0


def test_a_repository_that_fails_leaves_the_others_exact(sandbox: Sandbox, tmp_path: Path) -> None:
    whole = planned(sandbox, tmp_path / "whole")
    sandbox.add_faults(
        Fault(path="packages/container/app-05", times=None, answer=Answer(status=403, body="{}"))
    )

    broken = planned(sandbox, tmp_path / "broken")

    sandbox.clear_faults()
    names = [part.repository for part in whole.repositories]
    assert [part.repository for part in broken.repositories] == names
    assert [part.complete for part in broken.repositories].index(False) == 5
    assert broken.repositories[5].failure is ExitCode.ACCESS
    # A warning about unused rules is for a policy of which everything could be read.
    others = [part.model_copy(update={"warnings": ()}) for part in broken.repositories]
    expected = [part.model_copy(update={"warnings": ()}) for part in whole.repositories]
    assert others[:5] + others[6:] == expected[:5] + expected[6:]


def stopping(registries: Registries, after: int) -> Callable[[Sent | Wait], None]:
    """Stop the run after so many requests."""
    sent = 0

    def observe(_: Sent | Wait) -> None:
        nonlocal sent
        sent += 1
        if sent == after:
            registries.watch.stop()

    return observe


def test_a_stop_ends_all_and_leaves_no_thread(sandbox: Sandbox, tmp_path: Path) -> None:
    threads = threading.active_count()

    with opened(sandbox, tmp_path) as session:
        watch = session.registries.watch
        with watch.observed(stopping(session.registries, after=20)):
            plan = session.plan(lasts=DAY)

        stopped = [part for part in plan.repositories if part.error == "the run was ended"]
        assert len(stopped) >= COUNT - 2
    # Threads for requests stay between calls, and end with the session.
    assert threading.active_count() == threads
    assert plan.outcome is ExitCode.PARTIAL


def test_an_interrupt_ends_all_and_leaves_no_thread(
    sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    threads = threading.active_count()

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    sandbox.add_faults(Fault(path="app-", times=None, delay=0.05))
    with opened(sandbox, tmp_path) as session:
        monkeypatch.setattr("concurrent.futures.Future.result", interrupt)
        with pytest.raises(KeyboardInterrupt):
            session.plan(lasts=DAY)
        sandbox.clear_faults()

    assert threading.active_count() == threads


def test_what_is_to_stay_is_listed_once_by_a_plan_and_its_apply(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    with opened(sandbox, tmp_path) as session:
        first = session.plan(lasts=DAY)
        session.apply(first, allowed={}, halt=lambda: "")
        sandbox.forget_requests()

        again = session.plan(lasts=DAY)
        applied = session.apply(again, allowed={}, halt=lambda: "")
        once = listings(sandbox)
        forecast = session.plan(lasts=DAY, at=NOW + timedelta(seconds=1))
        session.apply(forecast, allowed={}, halt=lambda: "")

    assert first.summary.delete > 0
    assert again.summary.delete == 0
    assert [result.error for result in applied] == [None] * COUNT
    assert once == COUNT
    assert listings(sandbox) == 3 * COUNT


def listings(sandbox: Sandbox) -> int:
    """Count how often a package was listed, each of which has one page."""
    return sum("/versions?" in call.target for call in sandbox.requests)


def test_without_room_for_two_each_is_read_when_the_one_before_is_planned(
    sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("reconciler.connect.VERSIONS_AT_ONCE", 1)
    sandbox.add_faults(Fault(path="/manifests/", times=None, delay=0.02))
    sandbox.forget_requests()

    plan = planned(sandbox, tmp_path)

    sandbox.clear_faults()
    paths = [c.target.partition("/manifests/")[0] for c in sandbox.requests if "/manif" in c.target]
    assert [part.complete for part in plan.repositories] == [True] * COUNT
    assert len(list(groupby(paths))) == len(set(paths)) > 1


def test_a_health_check_of_many_is_in_their_order(sandbox: Sandbox, tmp_path: Path) -> None:
    bounds = Thresholds(overdue=DAY, last_apply=DAY, lock=DAY, undo=DAY)
    sandbox.add_faults(*delays(1))

    with opened(sandbox, tmp_path) as session:
        results = session.check(bounds, lambda _: False)

    sandbox.clear_faults()
    assert [result.repository for result in results] == sorted(r.repository for r in results)
    assert (len(results), {result.error for result in results}) == (COUNT, {None})
