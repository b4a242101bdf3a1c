"""Plan files are read for a long time; what they say is one thing only."""

from pathlib import Path

import pytest

from reconciler.errors import PlanError
from reconciler.model.plan import Change, Plan, read_plan
from tests.support.plans import NOW, image, part, plan

OLD = Path(__file__).parents[2] / "golden" / "plans" / "plan-1.0.json"
"""A plan that the first release saved: one image and what follows it."""


def restoring(change: Change) -> Change:
    """Turn a deletion round."""
    return change.model_copy(update={"action": "restore", "until": NOW})


def test_a_plan_of_the_first_release_is_still_read() -> None:
    old = read_plan(OLD.read_bytes())

    assert old.summary.delete == 2
    assert old.undoes == ""


def test_a_plan_that_deletes_has_the_bytes_it_always_had() -> None:
    old = plan(part([image("pr-7", followers=1)], versions=3, images=2))

    assert old.to_bytes() == OLD.read_bytes()


def test_a_plan_that_restores_is_read_back_equal() -> None:
    changes = [restoring(change) for change in image("pr-7")]
    saved = plan(part([changes], versions=3), undoes="run-1", retag=True)

    again = read_plan(saved.to_bytes())

    assert again == saved
    assert (again.summary.restore, again.summary.delete, again.summary.keep) == (1, 0, 3)


def test_a_plan_that_says_it_deletes_and_restores_something_is_refused() -> None:
    (change,) = image("pr-7")
    forged = plan(part([[change]])).to_bytes().replace(b'"action":"delete"', b'"action":"restore"')

    with pytest.raises(PlanError, match="this is not a plan"):
        read_plan(forged)


def test_a_plan_that_says_it_restores_and_deletes_something_cannot_be_made() -> None:
    whole = part([image("pr-7")])

    with pytest.raises(ValueError, match="a change is no restore"):
        Plan.model_validate(plan().model_dump() | {"undoes": "run-1", "repositories": (whole,)})
