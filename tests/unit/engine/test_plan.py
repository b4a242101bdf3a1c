"""A plan over many repositories: one that cannot be read does not hold back the others."""

from collections.abc import Iterable
from datetime import timedelta
from pathlib import Path

from reconciler.core.planner import RaisedLimits
from reconciler.engine.plan import PlanSource, PlanTimes, Target, naming_unused
from reconciler.errors import AccessError, EvidenceError, ExitCode
from reconciler.model.names import Repository
from reconciler.model.plan import DeletionPlan, RepositoryPlan, read_plan
from reconciler.model.sources import PolicySource
from tests.support.documents import image, index
from tests.support.sample_manifests import LATEST
from tests.support.scenes import WEB, Scene, draw_plan, policy

API = Repository("ghcr.io/acme/api")
BUILD = index(image("pr 7"))
SOURCE = PolicySource(path="policies/web.yaml", sha256="0" * 64)


def _scene(place: Path, repository: Repository) -> Scene:
    scene = Scene(place, repository=repository)
    scene.push(LATEST, "latest")
    scene.push(BUILD, "pr-7")
    scene.later(days=2)
    return scene


def _drawn(scenes: Iterable[Scene], allowed: RaisedLimits | None = None) -> DeletionPlan:
    scenes = list(scenes)
    now = scenes[0].time.now
    return draw_plan(
        [Target(one.registry.repository, policy(), one.registry) for one in scenes],
        scenes[0].state,
        times=PlanTimes(now, now, timedelta(days=3)),
        source=PlanSource("reconciler 1.0.0", (SOURCE,)),
        allowed=allowed or {},
    )


def test_a_plan_names_its_moment_its_tool_and_its_policies(place: Path) -> None:
    web = _scene(place, WEB)

    plan = _drawn([web])

    assert plan.tool == "reconciler 1.0.0"
    assert plan.policy == (SOURCE,)
    assert plan.created_at == plan.evaluated_at == web.time.now
    assert plan.expires_at == web.time.now + timedelta(days=3)
    assert not plan.forecast


def test_a_plan_for_another_time_is_a_forecast(place: Path) -> None:
    web = _scene(place, WEB)
    later = web.time.now + timedelta(days=30)

    plan = draw_plan(
        [Target(WEB, policy(), web.registry)],
        web.state,
        times=PlanTimes(web.time.now, later, timedelta(days=3)),
        source=PlanSource("reconciler", ()),
        allowed={},
    )

    assert plan.forecast
    assert plan.evaluated_at == later


def test_repositories_stand_in_order_whatever_order_they_were_named_in(place: Path) -> None:
    web, api = _scene(place, WEB), _scene(place, API)
    _drawn([web, api])

    plan = _drawn([web, api])

    assert [part.repository for part in plan.repositories] == [API, WEB]
    assert plan.to_bytes() == _drawn([api, web]).to_bytes()


def test_the_same_registry_read_at_the_same_cost_gives_the_same_bytes(place: Path) -> None:
    web = _scene(place, WEB)
    _drawn([web])

    plans = {_drawn([web]).to_bytes() for _ in range(2)}

    assert len(plans) == 1
    assert read_plan(plans.pop()).summary.delete == 2


def test_an_unreadable_repository_is_incomplete_and_the_others_are_planned(place: Path) -> None:
    web, api = _scene(place, WEB), _scene(place, API)
    api.registry.fail("listing", EvidenceError("no answer from ghcr.io", hint="Try again."))

    plan = _drawn([web, api])

    broken, whole = plan.repositories
    assert not broken.complete
    assert (broken.error, broken.hint) == ("no answer from ghcr.io", "Try again.")
    assert broken.failure is ExitCode.EVIDENCE_INCOMPLETE
    assert broken.changes == ()
    assert whole.complete
    assert len(whole.changes) == 2
    assert plan.outcome is ExitCode.EVIDENCE_INCOMPLETE


def test_a_repository_that_may_not_be_read_ends_with_its_own_code(place: Path) -> None:
    web = _scene(place, WEB)
    web.registry.fail("manifests", AccessError("the token may not read"))

    plan = _drawn([web])

    assert plan.outcome is ExitCode.ACCESS
    assert plan.summary.incomplete == 1


def test_damaged_observations_make_a_repository_incomplete(place: Path) -> None:
    web, api = _scene(place, WEB), _scene(place, API)
    web.apply()
    (place / WEB / "_" / "observations.json").write_text("{]")

    plan = _drawn([web, api])

    assert [part.complete for part in plan.repositories] == [True, False]
    assert plan.outcome is ExitCode.STATE_BROKEN


def test_a_rule_that_needs_a_time_the_registry_lacks_is_told_with_its_cure(place: Path) -> None:
    plain = Scene(place, closed=False)
    plain.push(LATEST, "latest")
    aged = policy(rules=[{"name": "old", "match": {"any": True}, "keep": {"within": "30d"}}])

    plan = draw_plan(
        [Target(WEB, aged, plain.registry)],
        plain.state,
        times=PlanTimes(plain.time.now, plain.time.now, timedelta(days=3)),
        source=PlanSource("reconciler", ()),
        allowed={},
    )

    (part,) = plan.repositories
    assert part.error == "web/old: ghcr.io/acme/web has no `pushed` time"
    assert part.hint == "Write `age_by: created` or `age_by: first_seen` in this rule."
    assert part.failure is ExitCode.BAD_POLICY


def test_an_allowance_raises_the_guard_of_one_repository(place: Path) -> None:
    strict = {"max_delete": 0, "max_delete_percent": 100}
    web = _scene(place, WEB)
    web.policy = policy(guards=strict)

    stopped, allowed = web.plan(), web.plan({("max_delete", WEB): 1})

    assert stopped.outcome is ExitCode.SAFETY_STOP
    assert allowed.outcome is ExitCode.OK


def test_planning_writes_nothing(place: Path) -> None:
    web = _scene(place, WEB)

    _drawn([web])

    assert not place.exists()
    methods = {call.method for call in web.registry.calls}
    assert methods == {"listing", "manifests"}


def test_a_wrong_clock_is_told_by_the_plan_as_it_would_stop_the_apply(place: Path) -> None:
    web = _scene(place, WEB)
    ahead = web.time.now + timedelta(minutes=12)

    plan = draw_plan(
        [Target(WEB, policy(), web.registry)],
        web.state,
        times=PlanTimes(ahead, ahead, timedelta(days=3), lambda: ahead),
        source=PlanSource("reconciler", ()),
        allowed={},
    )

    (warning,) = plan.repositories[0].warnings
    assert warning == (
        "this machine's clock is 12 minutes ahead of the registry's, so every age is wrong:"
        " apply would refuse"
    )
    assert plan.outcome is ExitCode.OK


def test_a_forecast_holds_no_clock_against_the_time_it_is_for(place: Path) -> None:
    web = _scene(place, WEB)
    now = web.time.now

    plan = draw_plan(
        [Target(WEB, policy(), web.registry)],
        web.state,
        times=PlanTimes(now, now + timedelta(days=30), timedelta(days=3), web.clock),
        source=PlanSource("reconciler", ()),
        allowed={},
    )

    assert plan.repositories[0].warnings == ()


def test_a_damaged_journal_is_found_while_planning(place: Path) -> None:
    web = _scene(place, WEB)
    web.apply()
    journal = place / WEB / "_" / "journal.jsonl"
    journal.write_bytes(journal.read_bytes().replace(b"deleted", b"retained"))

    (part,) = _drawn([web]).repositories

    assert not part.complete
    assert part.failure is ExitCode.STATE_BROKEN
    assert "journal.jsonl" in part.error


def _part(repository: str, *unused: str, images: int = 9, complete: bool = True) -> RepositoryPlan:
    return RepositoryPlan(
        repository=Repository(f"ghcr.io/acme/{repository}"),
        policy="services",
        complete=complete,
        images=images,
        unused=unused,
    )


def test_what_no_image_of_any_repository_matches_is_named_once() -> None:
    told = (
        "no image matches moving, old of policy services:"
        " patterns have to match whole tags, capitals and all"
    )

    parts = list(naming_unused([_part("a", "moving", "old"), _part("b", "moving", "new", "old")]))

    assert [part.warnings for part in parts] == [(told,), ()]


def test_nothing_is_named_that_an_empty_or_an_unread_repository_may_lack_by_chance() -> None:
    empty = [_part("a", "moving", images=0), _part("b")]
    unread = [_part("a", "moving"), _part("b", complete=False, images=0)]

    assert [part.warnings for part in naming_unused(empty)] == [(), ()]
    assert [part.warnings for part in naming_unused(unread)] == [(), ()]


def test_a_plan_names_rules_and_protections_that_match_no_image(scene: Scene) -> None:
    scene.policy = policy(
        protect=[
            {"name": "moving", "match": {"regex": "^v"}},
            {"name": "pinned", "digests": [f"sha256:{'0' * 64}"]},
        ],
        rules=[
            {"name": "versions", "match": {"regex": "v.*"}, "keep": {"all": True}},
            {"name": "dangling", "match": {"untagged": True}, "keep": {"within": "7d"}},
        ],
    )
    scene.push(image("v1"), "v1.2.3")

    (part,) = scene.plan().repositories

    assert part.unused == ("moving", "pinned")
