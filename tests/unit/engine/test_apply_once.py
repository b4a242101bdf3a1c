"""What a plan of the same run has read is not read again, where nothing is to be deleted."""

from dataclasses import dataclass
from datetime import timedelta

import pytest

from reconciler.engine.apply import ApplyScope, apply_plan
from reconciler.engine.observations import updated_observations
from reconciler.engine.plan import PlanSource, PlanTimes, Target, complete_plan, plan_target
from reconciler.engine.reading import Reading, reading_of
from reconciler.engine.run import Run
from reconciler.errors import EvidenceError
from reconciler.model.inventory import Inventory, Observations, Version
from reconciler.model.names import Digest, Tag
from reconciler.model.plan import RepositoryPlan
from reconciler.model.ports import Holder
from reconciler.model.results import Applied
from tests.support.documents import cosign_tag, image, index, signature
from tests.support.process_death import Killed
from tests.support.scenes import NOON, RULES, WEB, Scene, go_on, policy

HOLDER = Holder("run-9", "octocat", "runner-7", NOON)
KEPT = image("latest")
KEEPING = policy(rules=[{"name": "all", "match": {"any": True}, "keep": {"all": True}}])
BUILD = index(image("pr 7"), image("pr 7", platform="linux/arm64"))


@dataclass(frozen=True)
class Before:
    """What was planned, and what need not be read again."""

    part: RepositoryPlan
    reading: Reading | None


def planned(scene: Scene) -> Before:
    """Plan as a session does, which compares the clocks as well."""
    assert scene.policy
    now = scene.time.now
    times = PlanTimes(now, now, timedelta(days=3), scene.clock)
    made = plan_target(Target(WEB, scene.policy, scene.registry), scene.state, times, {})
    return Before(made.part, reading_of(made, scene.time.now))


def applied(scene: Scene, before: Before) -> Applied:
    """Apply what was planned in the same run."""
    assert scene.policy
    now = scene.time.now
    plan = complete_plan(
        [before.part], PlanTimes(now, now, timedelta(days=3)), PlanSource("reconciler", ())
    )
    readings = {WEB: before.reading} if before.reading else {}
    governing = scene.policy
    scope = ApplyScope(lambda _: scene.registry, lambda _: governing, {}, readings=readings)
    run = Run(HOLDER, scene.clock, go_on, scene.reported.append, scene.monotonic)
    (result,) = apply_plan(plan, scope, scene.state, run)
    return result


def reads(scene: Scene) -> int:
    """Count the listings."""
    return len(scene.registry.about("listing"))


def test_a_repository_without_deletions_is_read_once(scene: Scene) -> None:
    scene.push(KEPT, "latest")
    before = planned(scene)
    sent = scene.registry.sent

    result = applied(scene, before)

    assert (result.error, result.outcomes, result.run) == (None, (), "run-9")
    assert reads(scene) == 1
    assert scene.registry.sent == sent


def test_what_it_read_is_noted_as_of_then_although_it_is_not_read_again(scene: Scene) -> None:
    scene.push(KEPT, "latest")
    lone = image("edge 1")
    scene.push(lone, "edge")
    applied(scene, planned(scene))
    scene.push(image("edge 2"), "edge")
    scene.later(hours=1)
    at = scene.time.now
    before = planned(scene)
    scene.later(minutes=5)

    applied(scene, before)

    noted = scene.seen(lone.digest)
    assert noted is not None
    assert (noted.first_seen, noted.untagged_since) == (NOON, at)
    assert reads(scene) == 2


def test_a_plain_registry_is_read_once_as_well(plain: Scene) -> None:
    plain.push(KEPT, "latest")

    applied(plain, planned(plain))

    assert reads(plain) == 1
    assert plain.seen(KEPT.digest) is not None


def test_what_is_to_be_deleted_is_read_a_second_time(scene: Scene) -> None:
    scene.push(KEPT, "latest")
    scene.push(image("pr 7"), "pr-7")
    scene.later(days=2)
    before = planned(scene)

    result = applied(scene, before)

    assert before.reading is None
    assert len(result.outcomes) == 1
    assert reads(scene) == 2


def test_a_saved_plan_without_deletions_is_read_again(scene: Scene) -> None:
    scene.push(KEPT, "latest")
    plan = scene.plan()

    scene.apply(plan)

    assert reads(scene) == 2
    assert scene.seen(KEPT.digest) is not None


def test_with_a_wrong_clock_all_is_read_again_and_refused(scene: Scene) -> None:
    scene.push(KEPT, "latest")
    scene.registry.server_time = lambda: scene.time.now - timedelta(hours=1)  # type: ignore[method-assign]

    result = applied(scene, planned(scene))

    assert reads(scene) == 2
    assert isinstance(result.error, EvidenceError)
    assert scene.seen(KEPT.digest) is None


def test_a_journal_that_went_on_is_a_reason_to_read_again(scene: Scene) -> None:
    scene.push(KEPT, "latest")
    before = planned(scene)
    scene.push(image("pr 7"), "pr-7")
    scene.later(days=2)
    scene.apply()
    listed = reads(scene)

    applied(scene, before)

    assert reads(scene) == listed + 1


def test_observations_that_another_run_saved_are_not_overwritten(scene: Scene) -> None:
    scene.push(KEPT, "latest")
    before = planned(scene)
    own = scene.state.of(WEB)
    other = Inventory.of(WEB, [Version(Digest(KEPT.digest), (Tag("other"),))])
    with own.lock(HOLDER):
        own.save_observations(updated_observations(Observations(), other, now=NOON))

    applied(scene, before)

    assert reads(scene) == 2


def test_what_is_left_over_in_a_settled_journal_is_looked_at_again(scene: Scene) -> None:
    scene.policy = policy(rules=RULES[:1])
    scene.push(KEPT, "latest")
    scene.push(BUILD, "pr-7")
    scene.later(days=2)
    scene.registry.fail("delete", Killed(), nth=2)
    with pytest.raises(Killed):
        scene.apply()
    scene.apply()

    before = planned(scene)

    assert before.part.changes == ()
    assert before.reading is None


def test_what_could_not_be_restored_is_restored_although_nothing_is_deleted(scene: Scene) -> None:
    sign = signature(BUILD)
    scene.push(KEPT, "latest")
    scene.push(BUILD, "pr-7")
    scene.push(sign, cosign_tag(BUILD))
    scene.later(days=2)
    scene.registry.fail("delete", Killed(), nth=2)
    with pytest.raises(Killed):
        scene.apply()
    scene.policy = KEEPING
    scene.registry.fail("restore", EvidenceError("down"))
    failed = scene.apply()

    result = applied(scene, planned(scene))

    assert isinstance(failed.error, EvidenceError)
    assert result.resolved == 0
    assert scene.alive >= {BUILD.digest, sign.digest}


@pytest.mark.parametrize("nth", [1, 2])
def test_what_a_killed_run_left_is_looked_at_again(scene: Scene, nth: int) -> None:
    scene.policy = policy(rules=RULES[:1])
    scene.push(KEPT, "latest")
    scene.push(BUILD, "pr-7")
    scene.later(days=2)
    scene.registry.fail("delete", Killed(), nth=nth)
    with pytest.raises(Killed):
        scene.apply()
    # Nothing expires any more, so that only the journal is a reason to look again.
    scene.policy = KEEPING
    before = planned(scene)
    listed = reads(scene)

    result = applied(scene, before)

    assert before.part.changes == ()
    assert result.resolved > 0
    assert reads(scene) == listed + 1
