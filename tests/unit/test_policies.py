"""The policies that the project ships do what their tests say, rule by rule."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic import BaseModel

from reconciler.core.policy_tests import run_policy_test
from reconciler.model.policy import Policy
from reconciler.model.policytest import ExpectedImage, PolicyTest
from reconciler.policyfile import WrittenTest, load_policies, load_tests, read_test, remarks_on

POLICIES = Path(__file__).parents[2] / "policies"
GUIDE = Path(__file__).parents[2] / "docs" / "testing-policies.md"
TESTS = load_tests([POLICIES])


def wanted(policy: Policy) -> Iterator[tuple[str, str]]:
    """Yield what tests must show of a policy: which names keep an image, which let one go."""
    yield from (("keep", part.name) for part in policy.protect)
    for rule in policy.rules:
        if not rule.keep.none:
            yield "keep", rule.name
        if not rule.keep.all:
            yield "delete", rule.name


@pytest.mark.parametrize("written", TESTS, ids=lambda written: Path(written.path).name)
def test_every_policy_does_what_its_test_expects(written: WrittenTest) -> None:
    checks = run_policy_test(written.policy, written.test)

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


def examples() -> list[str]:
    """Return the tests that the documentation shows."""
    return re.findall(r"```yaml\n(policy: .*?)```", GUIDE.read_text(encoding="utf-8"), re.DOTALL)


@pytest.mark.parametrize("content", examples())
def test_the_examples_of_the_guide_pass_on_the_first_policy(content: str) -> None:
    policies = load_policies([POLICIES / "example.yaml"])

    written = read_test("guide.test.yaml", content.encode(), policies)

    assert [check.complaint for check in run_policy_test(written.policy, written.test)] == [
        "" for _ in written.lines
    ]


@pytest.mark.parametrize("kind", [PolicyTest, ExpectedImage])
def test_the_guide_explains_every_key_of_a_test(kind: type[BaseModel]) -> None:
    text = GUIDE.read_text(encoding="utf-8")

    assert [key for key in kind.model_fields if f"**`{key}`**" not in text] == []
