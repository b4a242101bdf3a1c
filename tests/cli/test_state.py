"""`reconciler state`: what is said of a state, and how it moves."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from reconciler.errors import ExitCode
from tests.support.cli_harness import CliHarness, served_package

BRANCH = "github://acme/state/reconciler?path=registry"


@pytest.fixture
def web(tmp_path: Path) -> Iterator[CliHarness]:
    """Serve a package of which seven versions were deleted, with the state in a directory."""
    with served_package(tmp_path) as served:
        more = {"GITHUB_API_URL": served.sandbox.url}
        served.reconciler = type(served.reconciler)(
            served.folder, {**served.reconciler.environment, **more}
        )
        yield served


def test_a_state_moves_to_a_branch_and_the_next_run_goes_on_there(web: CliHarness) -> None:
    web.reconciler("apply", "--yes")

    begun = web.reconciler("state", "init", "--state", BRANCH)
    moved = web.reconciler("state", "migrate", "--to", BRANCH)
    looked = web.reconciler("state", "doctor", "--state", BRANCH)
    again = web.reconciler("apply", "--yes", "--state", BRANCH)
    verified = web.reconciler("log", "verify", "--state", BRANCH)

    assert (begun.code, moved.code, looked.code) == (0, 0, 0), (begun, moved, looked)
    assert (
        begun.stdout == "The state can be stored at github://acme/state/reconciler?path=registry.\n"
    )
    assert "copied and verified; head sha256:" in moved.stdout
    assert moved.stdout.endswith(
        "RECONCILER_STATE to github://acme/state/reconciler?path=registry from now on.\n"
    )
    assert f"{web.repository}\n  journal  " in looked.stdout
    assert again.last_line.startswith("Apply: 0 deleted")
    assert (verified.code, verified.stderr) == (0, "")
    exported = [web.reconciler("state", "export", "--state", at) for at in (".reconciler", BRANCH)]
    assert exported[0].stdout == exported[1].stdout
    records = [json.loads(line) for line in exported[0].stdout.splitlines()]
    assert [record["seq"] for record in records] == list(range(1, len(records) + 1))
    assert {record["repository"] for record in records} == {web.repository}


def test_two_machines_with_empty_disks_go_on_with_one_journal(
    web: CliHarness, tmp_path_factory: pytest.TempPathFactory
) -> None:
    state = {"RECONCILER_STATE": BRANCH}
    first = web.reconciler("apply", "--yes", more=state)
    other = type(web.reconciler)(
        tmp_path_factory.mktemp("other"),
        {
            **web.reconciler.environment,
            **state,
            "RECONCILER_CACHE": str(tmp_path_factory.mktemp("cache")),
        },
    )
    other.write_policy((web.folder / "policies" / "policy.yaml").read_text())
    second = other("apply", "--yes")
    runs = other("log", "list")

    assert first.last_line.startswith("Apply: 7 deleted")
    assert second.last_line.startswith("Apply: 0 deleted")
    assert runs.stdout.count("7 deleted") == 1
    assert other("log", "verify").code == 0
    assert not (web.folder / ".reconciler").exists()


def test_a_broken_journal_is_named_and_the_exit_code_says_so(web: CliHarness) -> None:
    web.reconciler("apply", "--yes")
    journal = web.folder / ".reconciler" / web.repository / "_" / "journal.jsonl"
    journal.write_text(journal.read_text().replace('"deleted"', '"present"', 1))

    looked = web.reconciler("state", "doctor")

    assert looked.code == ExitCode.STATE_BROKEN
    assert "broken" in looked.stdout
    assert "was altered: its hash does not match" in " ".join(looked.stdout.split())


def test_without_a_state_the_doctor_says_so(web: CliHarness) -> None:
    looked = web.reconciler("state", "doctor")

    assert (looked.code, looked.stdout) == (0, "No repository has a state yet.\n")


def test_a_place_that_is_none_is_refused_with_what_would_be_one(web: CliHarness) -> None:
    refused = web.reconciler("state", "init", "--state", "ftp://host/x")

    assert refused.code == ExitCode.BAD_POLICY
    assert refused.stderr.startswith("Error: ftp:// is not a known state backend\n")
    assert "s3://" in refused.stderr
