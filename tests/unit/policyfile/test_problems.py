"""What the writer of a policy file is told: every message, with its line and column."""

import pytest

from reconciler.errors import ExitCode
from reconciler.model.language import PolicyProblems
from reconciler.policyfile import load_text
from tests.support.policies import blocks, problems_in

HEAD = 'version: 1\npolicies:\n  - name: web\n    repositories: ["ghcr.io/acme/web"]\n'
FRAMES = {
    "rules": HEAD + "    rules:\n      - {}\n",
    "policies": HEAD
    + "    rules: [{{name: builds, match: {{untagged: true}}, keep: {{last: 1}}}}]\n    {}\n",
    "files": "{}\n",
}
"""What stands around each block of a golden file."""

JARGON = ("Input should", "Extra inputs", "Field required", "tuple", "pydantic", "https://errors")


@pytest.mark.parametrize(
    ("kind", "wrong", "told"),
    [(kind, *block) for kind in FRAMES for block in blocks(f"policy_problems/{kind}.txt")],
)
def test_a_writer_is_told_what_is_wrong_and_how_to_cure_it(
    kind: str, wrong: str, told: list[str]
) -> None:
    content = FRAMES[kind].format(wrong)

    problems = problems_in(content.encode())

    assert problems == [f"policy.yaml:{line}" for line in told]
    assert not [line for line in problems if any(word in line for word in JARGON)]


def test_all_problems_are_told_at_once_in_the_order_of_the_lines() -> None:
    content = b"""\
version: 1
policies:
  - name: web
    repositories: [ghcr.io/acme/web]
    unmatched_tags: drop
    rules:
      - name: releases
        match: {tags: [1.10]}
        keep: {last: 0}
      - name: Previews
        match: {tags: [pr-1], any: true}
        keep: {}
        atmost: 3
    guards: {min_age: 24}
"""
    told = """\
policy.yaml:5:21: web: unmatched_tags: 'unmatched_tags' is one of keep, ignore; got 'drop'
policy.yaml:8:24: web/releases: match.tags[0]: YAML read 1.10 as a number, not a tag; \
quote it: "1.10"
policy.yaml:9:22: web/releases: keep.last: 'last' is at least 1; got 0; \
to keep nothing write keep: {none: true}
policy.yaml:10:15: web/rule 2: name: 'Previews' is not a name \
(lower-case letters, digits and dashes, at most 63)
policy.yaml:11:16: web/rule 2: match: exactly one selector of \
tags, regex, semver, untagged, any, rest is needed; got tags, any
policy.yaml:12:15: web/rule 2: keep: keep must name at least one reason to keep; \
write keep: {none: true} to expire every match
policy.yaml:13:9: web/rule 2: unknown key 'atmost'; \
the keys here are name, match, keep, group_by, order_by, age_by
policy.yaml:14:23: web: guards.min_age: 'min_age' lacks its unit; write 24h, 24d or 24w
"""

    problems = problems_in(content)

    assert problems == told.splitlines()


def test_a_problem_ends_the_run_as_a_bad_policy_and_says_what_to_do_next() -> None:
    with pytest.raises(PolicyProblems) as caught:
        load_text("policy.yaml", b"version: 1\n")

    assert caught.value.exit_code is ExitCode.BAD_POLICY
    assert caught.value.hint == "Correct the file and run `reconciler validate`."
    assert [(p.line, p.column) for p in caught.value.problems] == [(1, 1)]


def test_columns_count_characters_not_bytes() -> None:
    content = "version: 1 # größer\npolicies: [{'näme': 1, tag: 2}]\n".encode()

    problems = problems_in(content)

    assert [line.split(": ")[0] for line in problems if "'tag'" in line] == ["policy.yaml:2:24"]


def test_an_anchor_may_be_used_again_and_a_quoted_number_is_a_tag() -> None:
    content = b"""\
version: 1
policies:
  - name: web
    repositories: [ghcr.io/acme/web]
    protect: [{name: moving, match: &moving {tags: ["1.10", 'yes', !!str 2024]}}]
    rules: [{name: same, match: *moving, keep: {daily: 7, weekly: 8w}}]
"""

    policy = load_text("policy.yaml", content).policies[0]

    assert policy.rules[0].match.tags == ("1.10", "yes", "2024")
    assert list(policy.rules[0].keep.buckets) == [("daily", 7), ("weekly", "8w")]
