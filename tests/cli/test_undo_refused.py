"""When `reconciler undo` cannot or must not: what it says, and that it changes nothing."""

from datetime import timedelta
from pathlib import Path

import pytest

from reconciler.errors import ExitCode
from reconciler.sandbox.accounts import Account
from reconciler.sandbox.faults import Answer, Fault
from tests.support.cli import Ended
from tests.support.cli_harness import ALL_BACK, LAST, NOTHING, RESTORE, Emptied, served_package


def test_who_may_not_push_gets_images_back_and_is_told_what_is_missing(
    emptied: Emptied,
) -> None:
    web = emptied(restore_tags=False)
    web.sandbox.add_faults(Fault(method="PUT", answer=Answer(status=403, body="denied")))

    undone = web.reconciler(*LAST, "--retag")

    assert undone.code == ExitCode.ACCESS
    assert undone.last_line == ALL_BACK
    assert "Error: GitHub refuses to attach a tag" in undone.stdout
    assert "the role write on the package" in undone.stdout
    assert web.calls("PUT") == 1


def test_after_thirty_days_the_window_is_said_to_be_closed(emptied: Emptied) -> None:
    web = emptied()
    web.sandbox.advance(timedelta(days=31))

    undone = web.reconciler(*LAST)

    assert undone.code == 0
    assert "cannot be restored: the registry can no longer restore it" in _flat(undone)
    assert undone.last_line == NOTHING


def test_who_does_not_administer_the_package_is_told_so(emptied: Emptied) -> None:
    writer = Account.of("ghp_writer", login="writer", roles={"*": "write"})
    web = emptied(accounts=(Account.of("ghp_sandbox"), writer))

    undone = web.reconciler(*LAST, more={"GITHUB_TOKEN": "ghp_writer"})

    assert undone.code == ExitCode.ACCESS
    assert "GitHub refuses to restore versions" in undone.stdout
    assert web.calls("POST", RESTORE) == 0


def test_where_nobody_can_be_asked_nothing_is_restored_without_yes(emptied: Emptied) -> None:
    web = emptied()

    undone = web.reconciler("undo", "--last")

    assert undone.code == ExitCode.USAGE
    assert undone.stderr == "Error: not a terminal: add --yes to confirm.\n"
    assert web.calls("POST", RESTORE) == 0


@pytest.mark.parametrize("arguments", [(), ("run-1", "--last"), ("run-1", "run-2")])
def test_one_run_must_be_named(emptied: Emptied, arguments: tuple[str, ...]) -> None:
    undone = emptied().reconciler("undo", *arguments)

    assert undone.code == ExitCode.USAGE
    assert "name one run, or add --last; `reconciler log list` lists all runs" in undone.stderr


@pytest.mark.parametrize(
    ("arguments", "refusal"),
    [
        (("undo", "--release", "--last"), "--last cannot be combined with --release"),
        (("apply", "back.json", "--yes", "--only", "x"), "--only cannot be used with a plan that"),
        (
            ("apply", "back.json", "--yes", "--max-deletes", "1"),
            "--max-deletes cannot be used with a",
        ),
    ],
)
def test_options_that_would_be_of_no_effect_are_refused(
    emptied: Emptied, arguments: tuple[str, ...], refusal: str
) -> None:
    web = emptied()
    web.reconciler("undo", "--last", "--out", "back.json")

    refused = web.reconciler(*arguments)

    assert refused.code == ExitCode.USAGE
    assert refusal in refused.stderr
    assert web.calls("POST", RESTORE) == 0


def test_a_run_that_nobody_knows_is_refused(emptied: Emptied) -> None:
    undone = emptied().reconciler("undo", "20260101T000000Z-00000000")

    assert undone.code == ExitCode.PLAN_REJECTED
    assert "run 20260101T000000Z-00000000 deleted nothing of that name" in undone.stderr


def test_without_any_run_there_is_nothing_to_undo(tmp_path: Path) -> None:
    with served_package(tmp_path) as web:
        undone = web.reconciler(*LAST)

    assert undone.code == ExitCode.PLAN_REJECTED
    assert undone.stderr.splitlines() == [
        "Error: no run has deleted anything",
        "There is nothing to undo.",
    ]


def _flat(ended: Ended) -> str:
    """Join the lines of a text that was broken to fit."""
    return " ".join(ended.stdout.split())
