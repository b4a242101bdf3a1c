"""State and plan file may hold back, and nothing else: only policies let more go.

Whatever the observations and a journal that verifies say, and however a plan file is edited with
its digest computed anew, nothing goes that the policies alone would keep with an empty state and a
fresh plan, and never more than their guards allow.
"""

from datetime import timedelta
from typing import Any

from hypothesis import assume, given
from hypothesis import strategies as st

from reconciler.core.decide import decide
from reconciler.core.graph import build_graph
from reconciler.core.interrupted import leftovers
from reconciler.core.narrow import accepted_limits, check_applicable, narrow, require_deletions
from reconciler.core.observations import known_observations
from reconciler.core.planner import PlanningInput, plan_repository
from reconciler.errors import PlanError
from reconciler.model.causes import Cause
from reconciler.model.inventory import Inventory, Observations, Version
from reconciler.model.journal import Entry, Record, RecordType, Result, chain, verified
from reconciler.model.names import Digest
from reconciler.model.plan import DeletionPlan, Guard, RepositoryPlan, read_plan
from reconciler.model.plan_rows import Change, Observed
from reconciler.model.policy import Policy
from tests.support.inventories import WEB, policy
from tests.support.strategies import Choices, choices, documents, inventories, observations
from tests.support.time import NOON

LONG_AGO = NOON - timedelta(days=300)
KINDS: tuple[RecordType, ...] = ("intent", "intent", "outcome", "resolve", "hold", "release")
STATE_TIMES = ("first_seen", "untagged_since", "tagged_since")
"""What only a state knows: a rule that goes by it trusts the state with it."""


def forged(chosen: Choices, held: Inventory) -> list[Record]:
    """Write a journal that verifies and says whatever it likes of what is there."""
    digests = [*held.versions, Digest("sha256:" + "e" * 64)]
    entries = [Entry("run_open", {})]
    for _ in range(chosen.of(range(8))):
        kind = chosen.of(KINDS)
        if kind in ("hold", "release"):
            entries.append(Entry(kind, {"digests": chosen.some(digests, 3)}))
            continue
        digest = chosen.of(digests)
        version = held.versions.get(digest)
        body: dict[str, Any] = {
            "key": f"{WEB}@{digest}",
            "digest": digest,
            "version_id": version.id if version else "1",
            "tags": list(version.tags) if version else [],
            "children": chosen.some(digests, 3),
            "cause": str(chosen.of(list(Cause))),
            "component": 1,
            "action": chosen.of(("delete", "delete", "restore")),
        }
        if kind != "intent":
            body["result"] = str(chosen.of(list(Result)))
        entries.append(Entry(kind, body))
    records = chain(None, "forged", LONG_AGO, entries)
    return list(verified(records))


def edited(chosen: Choices, part: RepositoryPlan, held: Inventory) -> DeletionPlan:
    """Edit a plan: name more, call it something else, raise limits, let it last."""
    named = [*part.changes, *(named_anew(chosen, one) for one in held.versions.values())]
    changes = tuple(
        {one.digest: one for one in named if chosen.whether(once_in=4) is False}.values()
    )
    guards = [
        guard.model_copy(update={"limit": 10_000, "ok": True, "asked": chosen.whether(once_in=8)})
        for guard in (*part.guards, Guard(name="max_delete", limit=1, actual=0, ok=True))
    ]
    lying = {"changes": changes, "guards": tuple(guards), "state": chosen.of(("", part.state))}
    return DeletionPlan(
        tool="reconciler",
        created_at=chosen.of((NOON, NOON, NOON, LONG_AGO, NOON + timedelta(days=9))),
        evaluated_at=NOON,
        expires_at=NOON + timedelta(days=chosen.of((1, 1, 1, 10_000))),
        repositories=(part.model_copy(update=lying),),
    )


def named_anew(chosen: Choices, version: Version) -> Change:
    """Name the deletion of a version as if a plan had."""
    return Change(
        key=f"{WEB}@{version.digest}",
        digest=version.digest,
        version_id=version.id,
        component=1,
        cause=chosen.of((Cause.EXPIRED, Cause.FOLLOWS)),
        observed=Observed(tags=version.tags, pushed=version.pushed),
    )


def goes(one: Policy, held: Inventory, seen: Observations, records: list[Record]) -> PlanningInput:
    """Put together what an apply goes by."""
    return PlanningInput(one, held, seen, NOON, leftovers=leftovers(records, held))


@given(st.data())
def test_no_state_and_no_plan_file_lets_go_what_the_policies_keep(data: st.DataObject) -> None:
    document, held = data.draw(documents()), data.draw(inventories())
    assume(not any(word in str(document["rules"]) for word in STATE_TIMES))
    assume(not any(word in str(document["protect"]) for word in STATE_TIMES))
    chosen, editing = data.draw(choices(100)), data.draw(choices(60))
    document["rules"].append({"name": "old", "match": {"any": True}, "keep": {"within": "30d"}})
    document["guards"] |= {"max_delete": chosen.of((0, 1, 2, 10_000))}
    one = policy(document)
    alone = decide(one, held, build_graph(held), now=NOON)
    records, noted = forged(chosen, held), data.draw(observations(held))
    retry_refused = chosen.of((False, True))
    case = goes(one, held, known_observations(noted, records, retry_refused=retry_refused), records)
    plan = read_plan(edited(editing, plan_repository(case, {}), held).to_bytes())

    try:
        check_applicable(plan, now=NOON)
        limits = accepted_limits(require_deletions(plan), allowed={})
    except PlanError:
        return
    work = narrow(plan.repositories[0], case, limits)

    deleted = {change.digest for component in work.components for change in component}
    assert deleted <= alone.to_delete
    if all(guard.ok for guard in work.guards):
        assert len(deleted & alone.images.keys()) <= one.guards.max_delete
