"""The policies that the project ships do what their tests say, rule by rule."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from reconciler.core.trial import try_policy
from reconciler.model.policy import Policy
from reconciler.policyfile import WrittenTest, load_policies, load_tests, remarks_on

POLICIES = Path(__file__).parents[2] / "policies"
TESTS = load_tests([POLICIES])

NEVER_EXPIRES = {("web", "previews")}
"""A pull request has one tag there, so the newest of its images is the only one that has it."""


def wanted(policy: Policy) -> Iterator[tuple[str, str]]:
    """Yield what tests must show of a policy: which names keep an image, which let one go."""
    yield from (("keep", part.name) for part in policy.protect)
    for rule in policy.rules:
        if not rule.keep.none:
            yield "keep", rule.name
        if not rule.keep.all and (policy.name, rule.name) not in NEVER_EXPIRES:
            yield "delete", rule.name


@pytest.mark.parametrize("written", TESTS, ids=lambda written: Path(written.path).name)
def test_every_policy_does_what_its_test_expects(written: WrittenTest) -> None:
    checks = try_policy(written.policy, written.test)

    assert [(check.name, check.complaint) for check in checks if not check.ok] == []


@pytest.mark.parametrize(
    "policy", load_policies([POLICIES]).policies, ids=lambda policy: str(policy.name)
)
def test_every_rule_is_seen_to_keep_and_to_let_go(policy: Policy) -> None:
    images = [
        image
        for written in TESTS
        if written.policy.name == policy.name
        for image in written.test.images
    ]

    shown = {(image.expect, image.by) for image in images}

    assert set(wanted(policy)) - shown == set()


def test_nothing_in_the_policies_deserves_a_second_look() -> None:
    assert remarks_on(load_policies([POLICIES])) == ()
