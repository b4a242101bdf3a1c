"""Pages with whole policies: each is valid, deserves no remark, and does what its test says."""

import re
from pathlib import Path

import pytest

from reconciler.core.policy_tests import run_policy_test
from reconciler.model.policy import Policy
from reconciler.policyfile import load_text, read_test, remarks_on

DOCS = Path(__file__).parents[3] / "docs"
BLOCK = re.compile(r"```yaml\n(version: 1\n.*?)```(?:\n\n```yaml\n(policy: .*?)```)?", re.DOTALL)
PAGES = ("cookbook", "migrating")
FAMILIES = ("semver", "pep440", "match", "schedule", "edge", "branch", "tag", "pr", "raw", "sha")
TOOLS = ("docker/metadata-action", "goreleaser", "ko", "Helm", "Flux", "cosign", "BuildKit caches")


def recipes() -> list[tuple[str, str]]:
    """Return each policy of the pages with the test that follows it."""
    texts = ((DOCS / f"{page}.md").read_text(encoding="utf-8") for page in PAGES)
    return [found for text in texts for found in BLOCK.findall(text)]


RECIPES = recipes()
NAMES = [re.findall(r"- name: (\S+)", policy)[0] for policy, _ in RECIPES]


@pytest.mark.parametrize(("policy", "test"), RECIPES, ids=NAMES)
def test_a_recipe_is_valid_and_does_what_its_test_says(policy: str, test: str) -> None:
    policies = load_text("recipe.yaml", policy.encode())

    written = read_test("recipe.test.yaml", test.encode(), policies)
    checks = run_policy_test(written.policy, written.test)

    assert remarks_on(policies) == ()
    assert [(check.name, check.complaint) for check in checks if not check.ok] == []


@pytest.mark.parametrize(("policy", "test"), RECIPES, ids=NAMES)
def test_a_recipe_shows_what_every_rule_deletes(policy: str, test: str) -> None:
    (only,) = load_text("recipe.yaml", policy.encode()).policies

    deleting = {str(rule.name) for rule in only.rules if _deletes(only, str(rule.name))}

    assert (
        deleting
        - set(re.findall(r"expect: delete, by: ([\w-]+)", test.replace("\n    by", ", by")))
        == set()
    )


def _deletes(policy: Policy, name: str) -> bool:
    """Whether a rule can be named as the one that lets an image go: it keeps some, not all."""
    (keep,) = [rule.keep for rule in policy.rules if rule.name == name]
    return not keep.all and not keep.none


def test_names_of_recipes_differ() -> None:
    assert len(NAMES) > 20
    assert len(set(NAMES)) == len(NAMES)


def test_every_family_and_tool_has_a_recipe() -> None:
    headings = re.findall(
        r"^##+ (.+)$", (DOCS / "cookbook.md").read_text(encoding="utf-8"), re.MULTILINE
    )
    text = "\n".join(headings)

    assert [one for one in FAMILIES if not re.search(rf"(type|event)={one}\b", text)] == []
    assert [one for one in TOOLS if one not in headings] == []
