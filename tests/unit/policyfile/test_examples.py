"""The policies that the project ships work as they stand."""

from pathlib import Path

import pytest

from reconciler.policyfile import is_policy_file, load_policies

POLICIES = Path(__file__).parents[3] / "policies"
FILES = [path for path in sorted(POLICIES.rglob("*")) if is_policy_file(path.name)]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_every_example_is_a_policy(path: Path) -> None:
    assert load_policies([path]).policies


def test_the_first_example_says_what_its_comments_say() -> None:
    (policy,) = load_policies([POLICIES / "example.yaml"]).policies

    assert [rule.name for rule in policy.rules] == [
        "releases",
        "candidates",
        "previews",
        "commits",
        "dangling",
    ]
    assert policy.guards == type(policy.guards)()
