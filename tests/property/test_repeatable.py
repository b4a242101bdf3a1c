"""The same question gets the same answer, however it is put."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.core.planner import PlanningInput, plan_repository
from reconciler.model.inventory import Inventory
from tests.support.inventories import WEB, policy
from tests.support.strategies import documents, inventories, observations, policies
from tests.support.time import NOON

_ROOT = Path(__file__).parents[2]
_PROGRAM = """
import sys
from tests.support.inventories import planned, whole
from tests.support.lifelike import POLICY, busy_repository
sys.stdout.buffer.write(whole(planned(POLICY, *busy_repository(100))).to_bytes())
"""


@given(st.data())
def test_the_order_of_versions_does_not_matter(data: st.DataObject) -> None:
    one, held = data.draw(policies()), data.draw(inventories())
    seen = data.draw(observations(held))
    shuffled = Inventory.of(WEB, data.draw(st.permutations(list(held.versions.values()))))

    first = plan_repository(PlanningInput(one, held, seen, NOON), {})
    second = plan_repository(PlanningInput(one, shuffled, seen, NOON), {})

    assert first == second


@given(st.data())
def test_the_order_of_rules_and_protections_does_not_matter(data: st.DataObject) -> None:
    document, held = data.draw(documents()), data.draw(inventories())
    seen = data.draw(observations(held))
    shuffled = document | {
        "rules": data.draw(st.permutations(document["rules"])),
        "protect": data.draw(st.permutations(document["protect"])),
    }

    first = plan_repository(PlanningInput(policy(document), held, seen, NOON), {})
    second = plan_repository(PlanningInput(policy(shuffled), held, seen, NOON), {})

    assert first == second


@pytest.mark.parametrize("seed", ["1", "2", "3"])
def test_the_bytes_of_a_plan_are_the_same_in_every_process(seed: str) -> None:
    first, second = _plan_bytes("0"), _plan_bytes(seed)

    assert first == second
    assert b'"cause":"expired"' in first


def _plan_bytes(seed: str) -> bytes:
    """Draw the plan of a lifelike repository in a process of its own."""
    environment = os.environ | {"PYTHONHASHSEED": seed, "PYTHONPATH": str(_ROOT)}
    return subprocess.run(
        [sys.executable, "-c", _PROGRAM], check=True, capture_output=True, env=environment
    ).stdout
