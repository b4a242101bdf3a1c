"""`reconciler undo` as a process of its own, on a package that `apply` has emptied."""

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from reconciler.errors import ExitCode
from reconciler.sandbox.accounts import Account
from reconciler.sandbox.faults import Answer, Fault
from reconciler.sandbox.operations import Push, Retag
from tests.support.cli import Ended
from tests.support.workshop import PACKAGE, Workshop, workshop

LAST = ("undo", "--last", "--yes")
ALL_BACK = "Undo: 7 restored, 0 absent, 0 skipped, 0 failed, 0 unknown."
NOTHING = "Undo: 0 restored, 0 absent, 0 skipped, 0 failed, 0 unknown."
RESTORE = "/restore"

Emptied = Callable[..., Workshop]


@pytest.fixture
def emptied(tmp_path: Path) -> Iterator[Emptied]:
    """Serve a package and apply its policy: only `latest` is left."""
    with ExitStack() as stack:

        def start(**settings: Any) -> Workshop:
            web = stack.enter_context(workshop(tmp_path, **settings))
            assert web.reconciler("apply", "--yes").code == 0
            assert set(web.tags) == {"latest"}
            return web

        yield start


def test_everything_is_back_tags_included(emptied: Emptied) -> None:
    web = emptied()

    undone = web.reconciler(*LAST)

    assert (undone.code, undone.stderr) == (0, "")
    assert undone.last_line == ALL_BACK
    assert (web.tags, web.digests) == web.pushed


def test_apply_names_the_command_that_takes_it_back(tmp_path: Path) -> None:
    with workshop(tmp_path) as web:
        before = web.tags
        applied = web.reconciler("apply", "--yes")
        line = next(one for one in applied.stdout.splitlines() if one.startswith("To restore"))
        command = line.removeprefix("To restore what was deleted: reconciler ").split()

        undone = web.reconciler(*command, "--yes")

        assert command == ["undo", web.reconciler("log", "list").stdout.splitlines()[2].split()[0]]
        assert undone.last_line == ALL_BACK
        assert web.tags == before


def test_undoing_twice_restores_nothing_the_second_time(emptied: Emptied) -> None:
    web = emptied()
    web.reconciler(*LAST)

    again = web.reconciler(*LAST)

    assert again.code == 0
    assert again.last_line == NOTHING
    assert web.calls("POST", RESTORE) == 7


def test_what_came_back_stays_until_it_is_released(emptied: Emptied) -> None:
    web = emptied()
    web.reconciler(*LAST)

    held = web.reconciler("apply", "--yes")
    released = web.reconciler("undo", "--release")
    gone = web.reconciler("apply", "--yes")

    assert "restored by an undo and held until it is released" in held.stdout
    assert held.last_line.startswith("Apply: 0 deleted")
    assert released.stdout.splitlines()[-1] == "Released 7 versions."
    assert gone.last_line.startswith("Apply: 7 deleted")


def test_one_image_is_released_by_its_tag(emptied: Emptied) -> None:
    web = emptied()
    web.reconciler(*LAST)

    released = web.reconciler("undo", "--release", "pr-8")

    assert released.stdout.splitlines() == [
        f"{web.repository}@{web.pushed.tags['pr-8']}",
        "Released 1 version.",
    ]


def test_one_image_comes_back_with_all_it_lists(emptied: Emptied) -> None:
    web = emptied()

    undone = web.reconciler(*LAST, "--only", "pr-7")

    assert undone.last_line.startswith("Undo: 5 restored")
    assert set(web.tags) == {"latest", "pr-7"}


def test_a_plan_is_saved_shown_and_applied_without_policies(emptied: Emptied) -> None:
    web = emptied()
    (web.folder / "policies" / "policy.yaml").unlink()

    saved = web.reconciler("undo", web.run, "--out", "back.json")
    shown = web.reconciler("show", "back.json")
    unchanged = set(web.tags)
    applied = web.reconciler("apply", "back.json", "--yes")

    assert saved.last_line == shown.last_line == "Plan: 7 to restore, 0 incomplete."
    assert "  ^ pr-8" in shown.stdout
    assert unchanged == {"latest"}
    assert applied.last_line == ALL_BACK
    assert web.tags == web.pushed.tags


def test_programs_get_the_restore_plan_as_json(emptied: Emptied) -> None:
    web = emptied()

    printed = web.reconciler("undo", "--last", "--out", "back.json", "--format", "json")

    plan = json.loads(printed.stdout)
    assert plan["undoes"] == web.run
    assert plan["summary"]["restore"] == 7
    assert (web.folder / "back.json").read_text() == printed.stdout


def test_tags_that_github_does_not_bring_back_are_told_and_then_attached(
    emptied: Emptied,
) -> None:
    web = emptied(restore_tags=False)

    told = web.reconciler(*LAST)
    without = set(web.tags)
    attached = web.reconciler(*LAST, "--retag")

    assert told.code == 0
    assert "tag pr-8: did not come back; --retag attaches it" in told.stdout
    assert without == {"latest"}
    assert attached.last_line.startswith("Undo: 3 restored")
    assert web.tags == web.pushed.tags
    assert web.digests == web.pushed.digests


def test_images_and_tags_come_back_in_one_go(emptied: Emptied) -> None:
    web = emptied(restore_tags=False)

    undone = web.reconciler(*LAST, "--retag")

    assert undone.last_line == ALL_BACK
    assert (web.tags, web.digests) == web.pushed


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


def test_a_tag_that_moved_is_reported_and_left_alone(emptied: Emptied) -> None:
    web = emptied()
    web.sandbox.perform(Retag(package=PACKAGE, tag="pr-8", to="latest"))

    undone = web.reconciler(*LAST)

    assert undone.code == 0
    assert "Warning: tag pr-8 of" in undone.stdout
    assert "tag pr-8: it stays on" in undone.stdout
    assert web.tags["pr-8"] == web.tags["latest"]
    assert web.digests == web.pushed.digests


def test_what_was_pushed_again_meanwhile_is_left_alone(emptied: Emptied) -> None:
    web = emptied()
    push = Push(package=PACKAGE, tags=("pr-8",))
    web.sandbox.perform(push)
    newer = web.tags["pr-8"]

    web.reconciler(*LAST)

    assert web.tags["pr-8"] == newer


def test_after_thirty_days_the_window_is_said_to_be_closed(emptied: Emptied) -> None:
    web = emptied()
    web.sandbox.advance(timedelta(days=31))

    undone = web.reconciler(*LAST)

    assert undone.code == 0
    assert "cannot be restored: no longer held by the registry" in _flat(undone)
    assert undone.last_line == NOTHING


@pytest.mark.parametrize("nth", [1, 4, 7])
def test_killed_in_the_middle_it_goes_on_by_running_it_again(emptied: Emptied, nth: int) -> None:
    web = emptied()
    web.sandbox.add_faults(Fault(method="POST", path=RESTORE, nth=nth, cut="hang"))
    with web.reconciler.running(*LAST) as command:
        web.await_calls(nth, "POST", RESTORE)
        command.kill()

    held = web.reconciler("apply", "--yes")
    again = web.reconciler(*LAST)

    assert held.last_line.startswith("Apply: 0 deleted")
    assert again.code == 0
    assert (web.tags, web.digests) == web.pushed
    assert web.calls("POST", RESTORE) == 8


def test_interrupted_it_stops_cleanly_and_says_so(emptied: Emptied) -> None:
    web = emptied()
    web.sandbox.add_faults(Fault(method="POST", path=RESTORE, nth=2, delay=0.5))
    with web.reconciler.running(*LAST) as command:
        web.await_calls(1, "POST", RESTORE)
        command.process.terminate()
        ended = command.ended()

    again = web.reconciler(*LAST)

    assert ended.code == ExitCode.INTERRUPTED
    assert again.code == 0
    assert web.tags == web.pushed.tags


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
    assert undone.stderr == "Error: nobody can be asked here; add --yes.\n"
    assert web.calls("POST", RESTORE) == 0


@pytest.mark.parametrize("arguments", [(), ("run-1", "--last"), ("run-1", "run-2")])
def test_one_run_must_be_named(emptied: Emptied, arguments: tuple[str, ...]) -> None:
    undone = emptied().reconciler("undo", *arguments)

    assert undone.code == ExitCode.USAGE
    assert "name one run, or --last; `reconciler log list` names them all" in undone.stderr


@pytest.mark.parametrize(
    ("arguments", "refusal"),
    [
        (("undo", "--release", "--last"), "--last cannot go with --release"),
        (("apply", "back.json", "--yes", "--only", "x"), "--only cannot apply to a plan that"),
        (("apply", "back.json", "--yes", "--max-deletes", "1"), "--max-deletes cannot apply to a"),
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
    with workshop(tmp_path) as web:
        undone = web.reconciler(*LAST)

    assert undone.code == ExitCode.PLAN_REJECTED
    assert undone.stderr.splitlines() == [
        "Error: no run has deleted anything",
        "There is nothing to undo.",
    ]


def _flat(ended: Ended) -> str:
    """Join the lines of a text that was broken to fit."""
    return " ".join(ended.stdout.split())
