"""Between a plan and its apply the registry changes; that may only spare, never doom or break."""

from dataclasses import replace
from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from reconciler.commands._options import allowances
from reconciler.core.decide import decide
from reconciler.core.graph import build_graph
from reconciler.core.narrow import RemainingWork, narrow
from reconciler.core.planner import PlanningInput, RaisedLimits, plan_repository
from reconciler.model.inventory import Inventory, Observations, Version
from reconciler.model.names import Digest, Tag
from reconciler.model.plan import RepositoryPlan
from tests.support.inventories import index, inventory, policy, signature
from tests.support.strategies import Choices, choices, documents, inventories, policies
from tests.support.time import NOON


def _deleted(work: RemainingWork) -> list[Digest]:
    return [change.digest for component in work.components for change in component]


def _changed(chosen: Choices, held: Inventory) -> Inventory:
    """Let others work on the repository: retag, push, sign and delete."""
    versions = dict(held.versions)
    for number in range(chosen.of(range(4))):
        if versions:
            _change(chosen, versions, f"new{number}")
    return inventory(*versions.values())


def _change(chosen: Choices, versions: dict[Digest, Version], name: str) -> None:
    one = chosen.of(list(versions.values()))
    age = chosen.of(("1h", "30d"))
    match chosen.of(("retag", "untag", "push an index", "sign", "delete")):
        case "retag":
            # A tag that rules know keeps nothing by being unknown.
            tag = Tag(chosen.of((name, f"sha-{name}", f"pr-{name}")))
            versions[one.digest] = replace(one, tags=tuple(sorted([*one.tags, tag])))
        case "untag":
            versions[one.digest] = replace(one, tags=one.tags[1:])
        case "push an index":
            reused = chosen.some(list(versions.values()), 3)
            pushed = index(name, *chosen.some(("rc", "sha-9"), 1), lists=reused, age=age)
            versions[pushed.digest] = pushed
        case "sign":
            signed = signature(name, of=one, age=age)
            versions[signed.digest] = signed
        case _:
            del versions[one.digest]


def _holes(standing: dict[Digest, Version]) -> set[tuple[Digest, Digest]]:
    """Return each index that lists a manifest which is not there, with that manifest."""
    return {
        (digest, child.digest)
        for digest, version in standing.items()
        for child in (version.manifest.children if version.manifest else ())
        if child.digest not in standing
    }


@given(st.data())
def test_nothing_is_deleted_that_was_not_planned_or_may_not_go_now(data: st.DataObject) -> None:
    before, held = data.draw(policies()), data.draw(inventories())
    after = data.draw(st.just(before) | policies())
    live = _changed(data.draw(choices(30)), held)
    now = NOON + timedelta(hours=data.draw(st.integers(0, 48)))
    planned = plan_repository(PlanningInput(before, held, Observations(), NOON), {})

    work = narrow(planned, PlanningInput(after, live, Observations(), now), {})

    may_go = decide(after, live, build_graph(live), now=now).to_delete
    assert set(_deleted(work)) <= {change.digest for change in planned.changes} & may_go
    assert all(
        live.versions[digest].tags == held.versions[digest].tags for digest in _deleted(work)
    )


@given(st.data())
def test_every_planned_deletion_is_either_work_or_dropped_with_a_reason(
    data: st.DataObject,
) -> None:
    one, held = data.draw(policies()), data.draw(inventories())
    live = _changed(data.draw(choices(30)), held)
    planned = plan_repository(PlanningInput(one, held, Observations(), NOON), {})

    work = narrow(planned, PlanningInput(one, live, Observations(), NOON), {})

    told = sorted([*_deleted(work), *(drop.change.digest for drop in work.dropped)])
    assert told == sorted(change.digest for change in planned.changes)
    assert all(drop.reason for drop in work.dropped)


@given(st.data())
def test_no_change_of_the_registry_makes_an_apply_leave_a_hole(data: st.DataObject) -> None:
    one, held = data.draw(policies()), data.draw(inventories())
    live = _changed(data.draw(choices(30)), held)
    planned = plan_repository(PlanningInput(one, held, Observations(), NOON), {})

    work = narrow(planned, PlanningInput(one, live, Observations(), NOON), {})

    standing = dict(live.versions)
    broken_before = _holes(standing)
    for digest in _deleted(work):
        del standing[digest]
        assert _holes(standing) <= broken_before


@given(st.data())
def test_an_unchanged_repository_is_worked_on_as_planned(data: st.DataObject) -> None:
    one, held = data.draw(policies()), data.draw(inventories())
    planned = plan_repository(PlanningInput(one, held, Observations(), NOON), {})

    work = narrow(planned, PlanningInput(one, held, Observations(), NOON), {})

    assert _deleted(work) == [change.digest for change in planned.changes]
    assert not work.dropped


@given(st.data())
def test_a_run_killed_anywhere_goes_on_or_is_told_the_words_that_let_it(
    data: st.DataObject,
) -> None:
    document, held = data.draw(documents()), data.draw(inventories())
    exact = _exactly(
        plan_repository(PlanningInput(policy(document), held, Observations(), NOON), {})
    )
    one = policy(document | {"guards": document["guards"] | exact})
    planned = plan_repository(PlanningInput(one, held, Observations(), NOON), {})
    done = data.draw(st.integers(0, len(planned.changes)))
    gone = {change.digest for change in planned.changes[:done]}
    left = [version for digest, version in held.versions.items() if digest not in gone]

    work = narrow(planned, PlanningInput(one, inventory(*left), Observations(), NOON), {})

    again = narrow(
        planned, PlanningInput(one, inventory(*left), Observations(), NOON), _given(work)
    )

    assert not planned.stopped
    assert all(guard.ok for guard in again.guards)
    assert _deleted(again) == _deleted(work)


def _given(work: RemainingWork) -> RaisedLimits:
    """Return the limits that somebody gives who types what the guards print."""
    return allowances(
        [guard.override.removeprefix("--allow ") for guard in work.guards if guard.override]
    )


def _exactly(plan: RepositoryPlan) -> dict[str, int]:
    """Return the limits that a plan just meets."""
    share = -(-100 * plan.images_deleted // plan.images) if plan.images else 0
    return {"max_delete": plan.images_deleted, "max_delete_percent": share}
