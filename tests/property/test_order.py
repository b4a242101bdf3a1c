"""A run may be cut short after any deletion."""

from hypothesis import given

from reconciler.core.planner import plan_repository
from reconciler.model.inventory import Inventory
from reconciler.model.names import Digest
from reconciler.model.policy import Policy
from tests.support.inventories import case
from tests.support.strategies import inventories, policies


def _order(policy: Policy, held: Inventory) -> list[Digest]:
    changes = plan_repository(case(policy, *held.versions.values()), {}).changes
    return [change.digest for change in changes]


def _named(held: Inventory, digest: Digest) -> set[Digest]:
    """Return what a document names, read afresh."""
    manifest = held.versions[digest].manifest
    if manifest is None:
        return set()
    subjects = {manifest.subject} if manifest.subject else set()
    return {child.digest for child in manifest.children} | subjects


@given(policies(), inventories())
def test_a_run_cut_short_anywhere_leaves_no_index_with_a_hole(
    policy: Policy, held: Inventory
) -> None:
    standing = set(held.versions)

    for digest in _order(policy, held):
        standing.remove(digest)
        for survivor in standing:
            manifest = held.versions[survivor].manifest
            assert manifest is None or digest not in {child.digest for child in manifest.children}


@given(policies(), inventories())
def test_whatever_names_a_digest_goes_before_what_it_names(policy: Policy, held: Inventory) -> None:
    order = _order(policy, held)

    place = {digest: at for at, digest in enumerate(order)}
    for digest in order:
        assert all(place[digest] < place[name] for name in _named(held, digest) & place.keys())


@given(policies(), inventories())
def test_components_stand_together_and_hold_every_deletion_once(
    policy: Policy, held: Inventory
) -> None:
    plan = plan_repository(case(policy, *held.versions.values()), {})

    components = [change.component for change in plan.changes]
    assert components == sorted(components)
    assert len({change.digest for change in plan.changes}) == len(plan.changes)
    assert {change.digest for change in plan.changes} <= held.versions.keys()
