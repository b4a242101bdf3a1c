"""Problems of policy files as text, JSON and GitHub annotations."""

import json

from reconciler.formats.problems import as_github, as_json, as_text
from reconciler.model.language import Problem

TYPO = Problem("policies/web.yaml", 6, 41, "web/builds: match.tags[0]", "quote it")
HOSTILE = Problem("a:b,c.yaml", 2, 1, "web, 100%", "first\nsecond\r::error::third 100%")
MISSING = Problem("policies", 0, 0, "", "there is no such file or directory")


def test_text_has_a_line_for_each_problem_that_editors_can_follow() -> None:
    assert as_text([TYPO, MISSING]) == (
        "policies/web.yaml:6:41: web/builds: match.tags[0]: quote it\n"
        "policies: there is no such file or directory\n"
    )


def test_json_holds_every_part_of_a_problem() -> None:
    assert json.loads(as_json([TYPO])) == {
        "problems": [
            {
                "path": "policies/web.yaml",
                "line": 6,
                "column": 41,
                "where": "web/builds: match.tags[0]",
                "message": "quote it",
            }
        ]
    }


def test_github_shows_a_problem_beside_its_line() -> None:
    assert as_github([TYPO, MISSING]) == (
        "::error file=policies/web.yaml,title=web/builds%3A match.tags[0],line=6,col=41"
        "::quote it\n"
        "::error file=policies::there is no such file or directory\n"
    )


def test_a_hostile_text_cannot_start_another_workflow_command() -> None:
    command = as_github([HOSTILE], level="warning")

    assert command == (
        "::warning file=a%3Ab%2Cc.yaml,title=web%2C 100%25,line=2,col=1"
        "::first%0Asecond%0D: :error::third 100%25\n"
    )


def test_no_problems_make_no_lines() -> None:
    assert (as_text([]), as_github([])) == ("", "")
    assert json.loads(as_json([])) == {"problems": []}
