"""What the writer of a policy is told about rules that cannot mean what they say."""

import time

import pytest

from reconciler.core.lint import MAX_COMPARED, Remark, lint
from reconciler.model.policy import Policy
from reconciler.policyfile import load_policies, load_text, remarks_on
from tests.support.policies import GOLDEN, blocks

HEAD = 'version: 1\npolicies:\n  - name: web\n    repositories: ["ghcr.io/acme/web"]\n'
RULES = "    rules: [{name: a, match: {tags: [a]}, keep: {last: 1}}]\n"
STOPS = "stops every plan that would delete something; allow more"
NO_TAG = "no tag matches .a: tags start with a letter, a digit or _; correct it"


def told(text: str) -> list[str]:
    (policy,) = load_text("policy.yaml", text.encode()).policies
    return [f"{remark.rule or 'policy'}: {remark.message}" for remark in lint(policy)]


@pytest.mark.parametrize(("rules", "remarks"), blocks("policy_remarks.txt"))
def test_a_writer_is_told_of_rules_that_surely_miss_their_aim(
    rules: str, remarks: list[str]
) -> None:
    listed = "".join(f"      - {rule}\n" for rule in rules.splitlines())

    assert told(HEAD + "    rules:\n" + listed) == remarks


@pytest.mark.parametrize(
    ("more", "remark"),
    [
        (
            "guards: {max_delete: 0}",
            f"policy: 'max_delete: 0' {STOPS}",
        ),
        (
            "guards: {max_delete_percent: 0}",
            f"policy: 'max_delete_percent: 0' {STOPS}",
        ),
        (
            "except: [ghcr.io/acme/*]",
            (
                "policy: 'except' excludes all of 'repositories', so nothing is governed;"
                " remove one of them"
            ),
        ),
        (
            "protect: [{name: p, match: {tags: ['a*']}}]",
            "a: 'p' keeps every image that this rule covers; remove this rule, or narrow 'p'",
        ),
        (
            "protect: [{name: p, match: {tags: ['.a']}}]",
            f"p: {NO_TAG}",
        ),
    ],
)
def test_a_writer_is_told_of_a_policy_that_surely_misses_its_aim(more: str, remark: str) -> None:
    assert told(f"{HEAD}{RULES}    {more}\n") == [remark]


def test_the_shipped_examples_earn_no_remark() -> None:
    policies = load_policies([GOLDEN.parents[1] / "policies"]).policies

    assert [remark for policy in policies for remark in lint(policy)] == []


def test_a_remark_has_its_place_in_the_file() -> None:
    text = f"{HEAD}{RULES}    guards: {{max_delete: 0, min_age: 0h}}\n    except: [x.io/*]\n"
    text = text.replace("[a]", "['.a']")

    remarks = remarks_on(load_text("web.yaml", text.encode()))

    assert [str(remark) for remark in remarks] == [
        f"web.yaml:3:5: web: 'max_delete: 0' {STOPS}",
        f"web.yaml:5:13: web/a: {NO_TAG}",
    ]


def test_a_policy_with_too_many_patterns_is_not_compared_for_hours() -> None:
    patterns = [f"{n}*a*b*c*" for n in range(101)]
    rules = [
        {"name": f"r{n}", "match": {"tags": patterns}, "keep": {"all": True}} for n in range(10)
    ]
    policy = Policy.model_validate(
        {"name": "web", "repositories": ["ghcr.io/acme/web"], "rules": rules}
    )

    started = time.process_time()
    remarks = lint(policy)
    elapsed = time.process_time() - started

    words = f"more than {MAX_COMPARED} patterns are too many to compare; split it"
    assert Remark("web", "", words) in remarks
    assert elapsed < 1.0
