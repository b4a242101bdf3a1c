"""`reconciler undo` as a process of its own, on a package that `apply` has emptied."""

import json
from pathlib import Path

import pytest

from reconciler.errors import ExitCode
from reconciler.sandbox.faults import Fault, Push, Retag
from tests.support.cli_harness import (
    ALL_BACK,
    LAST,
    NOTHING,
    PACKAGE,
    POLICY,
    RESTORE,
    Emptied,
    served_package,
)
from tests.support.sandbox_commands import policy_file


def test_everything_is_back_tags_included(emptied: Emptied) -> None:
    web = emptied()

    undone = web.reconciler(*LAST)

    assert (undone.code, undone.stderr.count("\n")) == (0, 1)
    assert undone.last_line == ALL_BACK
    assert (web.tags, web.digests) == web.pushed


def test_apply_names_the_command_that_takes_it_back(tmp_path: Path) -> None:
    with served_package(tmp_path) as web:
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
    # Their tags came back a moment ago, so `min_age` would keep them for a day.
    policy = {**POLICY, "guards": {"max_delete_percent": 100, "min_age": "0h"}}
    web.reconciler.write_policy(policy_file(web.sandbox.host, [PACKAGE], policy))
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


@pytest.mark.parametrize("output", ["json", "markdown"])
def test_how_it_ended_is_told_aside_where_stdout_is_for_a_program(
    emptied: Emptied, output: str
) -> None:
    web = emptied()

    undone = web.reconciler(*LAST, "--format", output)

    assert undone.code == 0
    assert undone.stderr.splitlines()[-1] == ALL_BACK
    assert ALL_BACK not in undone.stdout
    assert output != "json" or json.loads(undone.stdout)["summary"]["restore"] == 7


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
        ended = command.wait()

    again = web.reconciler(*LAST)

    assert ended.code == ExitCode.INTERRUPTED
    assert again.code == 0
    assert web.tags == web.pushed.tags
