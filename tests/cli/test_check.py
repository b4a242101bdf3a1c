"""`reconciler check`: what a schedule is told, and how it ends."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from reconciler.errors import ExitCode
from reconciler.sandbox.faults import Answer, Fault
from reconciler.session import utc_now
from tests.support.cli_harness import CliHarness, Emptied, served_package
from tests.support.tripwire import held_up

WELL = "Check: 1 repository, all is well.\n"


@pytest.fixture
def web(tmp_path: Path) -> Iterator[CliHarness]:
    """Serve a package with three previews that should have gone long ago."""
    with served_package(tmp_path) as served:
        yield served


def findings(web: CliHarness, *options: str) -> list[dict[str, Any]]:
    """Return what is found, as programs read it."""
    document = json.loads(web.reconciler("check", "--format", "json", *options).stdout)
    (one,) = document["repositories"]
    listed: list[dict[str, Any]] = one["findings"]
    return listed


def test_work_that_nobody_does_is_told_with_what_to_do_until_it_is_done(web: CliHarness) -> None:
    before = web.reconciler("check")
    web.reconciler("apply", "--yes")
    after = web.reconciler("check")

    words = " ".join(before.stdout.split())
    assert (before.code, before.stderr) == (ExitCode.CHANGES, "")
    unapplied = "no apply has succeeded yet, and 3 images have been due for deletion since before"
    assert f"! not-applied: {unapplied}" in words
    assert "! overdue: 3 images have been due for deletion for more than 7d" in words
    assert "pr-8 sha256:" in words
    assert "Run `reconciler apply`, and check why no scheduled run did." in words
    assert before.last_line == "Check: 1 repository, 2 findings."
    assert (after.code, after.stdout, after.stderr) == (ExitCode.OK, WELL, "")


def test_bounds_are_options(web: CliHarness) -> None:
    ended = web.reconciler("check", "--overdue", "40d", "--last-apply", "40d")

    assert (ended.code, ended.stdout) == (ExitCode.OK, WELL)


def test_it_writes_nothing_and_deletes_nothing(web: CliHarness) -> None:
    web.reconciler("check")

    assert web.digests == web.pushed.digests
    assert web.calls("DELETE") == 0
    assert not (web.folder / ".reconciler").exists()


def test_a_run_that_was_killed_is_told_of_until_the_next_apply(web: CliHarness) -> None:
    with held_up(web.sandbox, 1, "DELETE") as held, web.reconciler.running("apply", "--yes") as run:
        assert held.reached_by(run)
        run.kill()
        held.let_go()

    told = [one["message"] for one in findings(web) if one["kind"] == "open-run"]
    web.reconciler("apply", "--yes")

    assert len(told) == 1
    assert told[0].startswith("run 20")
    assert "have an unknown outcome" in told[0]
    assert web.reconciler("check").stdout == WELL


def test_what_somebody_else_did_is_told(emptied: Emptied) -> None:
    web = emptied()
    package = web.sandbox.package("acme/web")
    package.delete(package.tags["latest"], utc_now())

    kinds = {one["kind"] for one in findings(web)}

    assert kinds == {"lost-tag", "deleted-elsewhere"}


def test_windows_for_undo_are_a_notice_and_with_strict_an_alarm(emptied: Emptied) -> None:
    web = emptied()

    noticed = web.reconciler("check", "--undo", "31d")
    strict = web.reconciler("check", "--undo", "31d", "--strict")

    assert noticed.code == ExitCode.OK
    assert noticed.last_line == "Check: 1 repository, all is well, 1 notice."
    assert f"To restore it: reconciler undo {web.run}" in noticed.stdout
    assert strict.code == ExitCode.CHANGES
    assert strict.stdout == noticed.stdout


def test_a_registry_that_cannot_be_read_is_no_all_clear(emptied: Emptied) -> None:
    web = emptied()
    web.sandbox.add_faults(Fault(path="/versions", times=None, answer=Answer(status=502)))

    ended = web.reconciler("check", "--undo", "31d")

    assert ended.code == ExitCode.EVIDENCE_INCOMPLETE
    assert "! cannot be read: " in ended.stdout
    assert "undo-closing" in ended.stdout
    assert ended.last_line == "Check: 1 repository, 1 of them could not be read, 1 notice."


def test_without_a_token_it_says_what_is_missing(web: CliHarness) -> None:
    ended = web.reconciler("check", more={"GITHUB_TOKEN": "", "GH_TOKEN": ""})

    assert ended.code == ExitCode.ACCESS
    assert "token" in ended.stdout + ended.stderr


def test_markdown_is_for_people_too(web: CliHarness) -> None:
    ended = web.reconciler("check", "--format", "markdown")

    assert ended.code == ExitCode.CHANGES
    assert ended.stdout.startswith("### Check: 1 repository, 2 findings.\n")
    assert (
        "- :x: **overdue**: `3 images have been due for deletion for more than 7d`" in ended.stdout
    )


def test_a_bound_that_is_no_duration_is_refused(web: CliHarness) -> None:
    ended = web.reconciler("check", "--last-apply", "soon")

    assert (ended.code, ended.stdout) == (ExitCode.USAGE, "")
    assert "Invalid value for --last-apply: 'soon' is not a duration" in ended.stderr
