"""Results of policy tests: like those of other test runners, for people, programs and CI."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from reconciler.core.policy_tests import PolicyTestRun, run_policy_test
from reconciler.formats import policy_tests
from reconciler.formats.view import View
from reconciler.policyfile import load_policies, read_test

ROOT = Path(__file__).parents[3]
GOLDEN = Path(__file__).parents[2] / "golden" / "formats"
VIEW = View(now=datetime(2026, 11, 2, 12, 0, tzinfo=UTC))
MIXED = """
policy: web
now: 2026-03-02T12:00:00Z
images:
  - {tags: [1.4.2, sha-1a2b3c4], age: 400d, children: [amd64], expect: keep, by: commits}
  - {tags: [pr-481, sha-2a2b3c4], age: 9d, expect: delete, by: previews}
  - {tags: [customer-acme], age: 300d, expect: keep, by: unmatched-tag}
  - {tags: [1.5.0-rc.1], age: 40d, expect: keep, by: rule}
  - {name: amd64, age: 400d, expect: delete}
  - {age: 8d, children: [arm64]}
  - {name: arm64, age: 8d, expect: keep}
guards: {expect: stop}
"""
SOUND = """
policy: web
now: 2026-03-02T12:00:00Z
images: [{tags: [1.4.2], age: 400d, expect: keep, by: releases}]
"""
HOSTILE = '<b>&"\x1b[2J\x07\ud800\ufffe\n.test.yaml'


def run(path: str, content: str) -> PolicyTestRun:
    written = read_test(path, content.encode(), load_policies([ROOT / "policies/example.yaml"]))
    checks = run_policy_test(written.policy, written.test)
    return PolicyTestRun(path, written.policy.name, checks, written.lines)


RESULTS = [run("policies/sound.test.yaml", SOUND), run("policies/web.test.yaml", MIXED)]


@pytest.mark.parametrize("width", [80, 140])
def test_results_read_well(width: int) -> None:
    text = policy_tests.render(RESULTS, replace(VIEW, width=width))

    assert text == (GOLDEN / f"trials-{width}.txt").read_text()
    assert max(map(len, text.splitlines())) <= width


def test_the_last_line_counts_and_nothing_else_is_said_of_success() -> None:
    assert (
        policy_tests.render(RESULTS[:1], VIEW)
        == "policies/sound.test.yaml .\n\n1 passed, 0 failed\n"
    )


def test_a_thousand_checks_are_a_few_lines_of_dots() -> None:
    images = "\n".join(f"  - {{tags: [1.0.{number}]}}" for number in range(1_000))
    content = f"policy: web\nnow: 2026-03-02T12:00:00Z\nimages:\n{images}\n"

    lines = policy_tests.render([run("web.test.yaml", content)], VIEW).splitlines()

    assert lines[0] == f"web.test.yaml {'.' * 66}"
    assert lines[-3:] == [f"{' ' * 14}{'.' * 10}", "", "1000 passed, 0 failed"]
    assert len(lines) == 18


def test_programs_get_every_check_with_its_line_and_reasons() -> None:
    document = json.loads(policy_tests.as_json(RESULTS))

    assert (document["passed"], document["failed"]) == (4, 5)
    assert [test["path"] for test in document["tests"]] == [trial.path for trial in RESULTS]
    assert document["tests"][1]["checks"][1] == {
        "name": "pr-481, sha-2a2b3c4",
        "line": 6,
        "ok": False,
        "complaint": "expected delete by previews",
        "goes": False,
        "cause": "rule",
        "reasons": ["previews: rank 1 of 481 vs last 1; age 9d vs within 7d"],
    }
    assert document["tests"][1]["checks"][-1] == {
        "name": "guards",
        "line": 12,
        "ok": False,
        "complaint": "expected stop, got ok",
    }


def test_ci_gets_a_case_for_each_check_at_its_line() -> None:
    root = ET.fromstring(policy_tests.render_junit(RESULTS, VIEW))  # noqa: S314 - our own text

    assert root.attrib == {"tests": "9", "failures": "5", "errors": "0", "skipped": "0"}
    assert [suite.get("name") for suite in root] == [trial.path for trial in RESULTS]
    case = root[1][1]
    assert (case.get("classname"), case.get("name")) == ("web", "pr-481, sha-2a2b3c4")
    assert (case.get("file"), case.get("line")) == ("policies/web.test.yaml", "6")
    failure = case.find("failure")
    assert failure is not None
    assert failure.get("message") == "expected delete by previews"
    assert "previews: rank 1 of 481 vs last 1; age 9d vs within 7d" in (failure.text or "")
    assert len(root.findall(".//failure")) == 5


def test_hostile_names_stay_on_their_line_and_make_no_markup() -> None:
    hostile = replace(RESULTS[1], path=HOSTILE)

    text = policy_tests.render([hostile], replace(VIEW, width=200))
    root = ET.fromstring(policy_tests.render_junit([hostile], VIEW))  # noqa: S314 - our own text

    escaped = '<b>&"\\x1b[2J\\x07\\ud800\\ufffe\\n.test.yaml'
    assert text.splitlines()[0] == f"{escaped} .F..FFFF"
    assert root[0].get("name") == escaped
    assert not [letter for letter in text if not (letter.isprintable() or letter == "\n")]


def test_colour_marks_failures_and_changes_nothing_else() -> None:
    coloured = policy_tests.render(RESULTS, replace(VIEW, colour=True))

    assert "\x1b[1;31m4 passed, 5 failed\x1b[0m" in coloured
    assert "\x1b" not in policy_tests.render(RESULTS, VIEW)
    assert b"\x1b" not in policy_tests.render_junit(RESULTS, replace(VIEW, colour=True))
