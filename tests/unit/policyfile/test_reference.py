"""The reference of the language says what the language does."""

import re
from pathlib import Path

import pytest

from reconciler.core.lint import lint
from reconciler.formats.schema import json_schema
from reconciler.policyfile import load_text
from tests.support.policies import problems_in

DOCUMENT = (Path(__file__).parents[3] / "docs" / "policies.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"```yaml\n(.*?)```", DOCUMENT, re.DOTALL)
NEEDED = {
    "name": "web",
    "repositories": '["ghcr.io/acme/web"]',
    "rules": "[{name: r0, match: {any: true}, keep: {last: 5}}]",
}
"""What a policy needs besides the key that an example shows."""


def framed(example: str) -> str:
    """Put an example where it belongs: it is a file, a few rules, or a key of a policy."""
    if example.startswith("version"):
        return example
    if example.startswith("- "):
        example = "rules:\n" + "".join(f"  {line}\n" for line in example.splitlines())
    given = {line.partition(":")[0] for line in example.splitlines()}
    lines = [f"{key}: {value}" for key, value in NEEDED.items() if key not in given]
    lines += example.splitlines()
    return "version: 1\npolicies:\n  -\n" + "".join(f"    {line}\n" for line in lines)


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda text: text.splitlines()[0])
def test_every_example_is_right(example: str) -> None:
    content = framed(example).encode()

    assert problems_in(content) == []
    (policy,) = load_text("policy.yaml", content).policies
    remarks = [remark.message for remark in lint(policy)]
    assert [told for told in remarks if not told.startswith("every rule keeps all")] == []


def test_every_key_of_the_language_is_explained() -> None:
    schema = json_schema()
    keys = {key for part in (schema, *schema["$defs"].values()) for key in part["properties"]}

    explained = set(re.findall(r"\*\*`(\w+)`\*\*", DOCUMENT))

    assert keys - explained == set()


def test_the_problems_it_shows_are_told_in_these_words() -> None:
    content = """\
version: 1
policies:
  - name: web
    repositories: ["ghcr.io/acme/web"]
    # comment
    rules:
      - name: releases
        match: {tags: [1.10]}
        keep: {last: 0}
      - name: previews
        match: {any: true}
        keep: {last: 1}
        atmost: 3
"""
    shown = re.findall(r"^policies/web\.yaml:.*$", DOCUMENT, re.MULTILINE)

    assert problems_in(content.encode(), "policies/web.yaml") == shown
