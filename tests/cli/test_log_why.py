"""`reconciler log why`: the story of one version, from the state alone."""

import json
from pathlib import Path

from reconciler.errors import ExitCode
from tests.support.cli_harness import served_package

WORKFLOW = {"GITHUB_SHA": "f00dcafe", "GITHUB_RUN_ID": "77", "GITHUB_REPOSITORY": "acme/infra"}


def test_the_story_of_a_deletion_goes_from_the_policy_file_to_the_undo(tmp_path: Path) -> None:
    with served_package(tmp_path) as web:
        web.reconciler("apply", "--yes", more=WORKFLOW)
        web.sandbox.forget_requests()
        told = web.reconciler("log", "why", f"{web.repository}:pr-8")
        (story,) = json.loads(web.reconciler("log", "why", "pr-8", "--format", "json").stdout)
        web.reconciler("undo", "--last", "--yes")
        undone = web.reconciler("log", "why", web.pushed.tags["pr-8"])

    assert told.stdout.splitlines()[:2] == [
        f"{web.repository}@{web.pushed.tags['pr-8']}",
        "  tagged pr-8",
    ]
    assert "previews: age 39d vs within 7d" in told.stdout
    assert "policies/policy.yaml" in told.stdout
    assert "of commit f00dcafe in run 77 of acme/infra" in " ".join(told.stdout.split())
    assert "Can be restored until" in told.stdout
    assert story["opened"]["commit"] == "f00dcafe"
    assert len(story["opened"]["policy_sha256"]) == 64
    assert "Restored" in undone.stdout


def test_what_was_never_deleted_is_said_to_be_so_and_nothing_is_contacted(tmp_path: Path) -> None:
    with served_package(tmp_path) as web:
        web.reconciler("apply", "--yes")
        web.sandbox.forget_requests()
        told = web.reconciler("log", "why", "latest")

        assert web.sandbox.requests == []
    assert (told.code, told.stdout) == (
        0,
        "No run deleted latest or planned to.\n",
    )


def test_what_can_be_no_name_is_refused(tmp_path: Path) -> None:
    with served_package(tmp_path) as web:
        told = web.reconciler("log", "why", "not a name")

    assert told.code == ExitCode.USAGE
    assert "Invalid value for REF: 'not a name' is not a tag" in told.stderr
