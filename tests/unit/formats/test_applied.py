"""How an apply ended: the counts last, and a reason for whatever was not done."""

from typing import Any

import pytest

from reconciler.errors import UnreachableError
from reconciler.formats.applied import UNDO, render, totals
from reconciler.formats.view import View
from reconciler.model.journal import Result
from reconciler.model.names import Repository
from reconciler.model.results import Applied, Dropped, Outcome
from tests.support.plans import NOW, WEB, digest, image, part

PLAIN = View(now=NOW)


def ending(tag: str, result: Result, reason: str = "") -> Outcome:
    """End the deletion of the image with this tag."""
    return Outcome(image(tag)[0], result, reason)


def applied(*outcomes: Outcome, repository: Repository = WEB, **facts: Any) -> Applied:
    """Apply a plan to one repository."""
    return Applied(part(repository=repository), outcomes, **facts)


def test_the_last_line_counts_every_result_over_all_repositories() -> None:
    one = applied(*(ending(f"v{number}", Result.DELETED) for number in range(1_200)))
    other = applied(
        ending("a", Result.ABSENT),
        ending("b", Result.SKIPPED_CHANGED),
        ending("c", Result.SKIPPED_REFERENCED),
        ending("d", Result.RETAINED),
        ending("e", Result.FAILED),
        ending("f", Result.UNKNOWN),
    )

    text = render([one, other], PLAIN)

    assert text.splitlines()[-1] == (
        "Apply: 1200 deleted, 1 already absent, 2 skipped, 1 retained, 1 failed, 1 unknown."
    )


def test_nothing_to_do_is_one_line() -> None:
    assert render([applied()], PLAIN) == (
        "Apply: 0 deleted, 0 already absent, 0 skipped, 0 retained, 0 failed, 0 unknown.\n"
    )


def test_the_sums_of_an_interrupted_run_add_up() -> None:
    planned = [image(f"v{number}") for number in range(706)]
    outcomes = [Outcome(changes[0], Result.DELETED) for changes in planned[:92]]

    lines = render([Applied(part(planned), outcomes, stopped="time")], PLAIN).splitlines()

    assert lines[-2] == "Versions: 706 planned, 92 deleted, 614 left for the next run."


def test_what_was_not_done_is_told_with_its_reason_the_worst_first() -> None:
    done = applied(
        ending("v1", Result.DELETED),
        ending("pr-7", Result.SKIPPED_CHANGED, "tags were pr-7 and are now pr-7, live"),
        ending("v0", Result.RETAINED, "downloaded more than 5,000 times"),
        ending("pr-8", Result.FAILED, "500 from the registry"),
        ending("pr-9", Result.NOT_DONE, "the time budget is used up"),
        dropped=[
            Dropped(image("pr-5")[0], Result.SKIPPED_REFERENCED, "a version that is kept needs it")
        ],
        head="sha256:abc",
        stopped="the time budget is used up",
    )

    assert render([done], PLAIN).splitlines() == [
        "ghcr.io/acme/web",
        "  Stopped: the time budget is used up.",
        "  1 version failed",
        "    pr-8 72686d6d04db: 500 from the registry",
        "  1 version skipped: changed since the plan",
        "    pr-7 c1cec5c4a6eb: tags were pr-7 and are now pr-7, live",
        "  1 version skipped: needed by a kept image",
        "    pr-5 510ef4f2eaea: a version that is kept needs it",
        "  1 version retained by the registry",
        "    v0 0270da4daac5: downloaded more than 5,000 times",
        "  1 version not begun: the next run continues",
        "    pr-9 0359a07b64f9: the time budget is used up",
        "  Head of the log: sha256:abc",
        "",
        "Versions: 6 planned, 1 deleted, 2 skipped, 1 retained, 1 failed, 1 left for the next run.",
        "Apply: 1 deleted, 0 already absent, 2 skipped, 1 retained, 1 failed, 0 unknown.",
    ]


def test_a_version_that_was_restored_does_not_count_as_deleted() -> None:
    signature = ending("sig", Result.DELETED)
    restored = Outcome(signature.change, Result.RESTORED, "what it speaks of stays")

    lines = render([applied(signature, restored)], PLAIN).splitlines()

    assert lines[1] == "  1 version deleted and restored"
    assert lines[-1] == (
        "Apply: 0 deleted, 0 already absent, 1 skipped, 0 retained, 0 failed, 0 unknown."
    )


def test_an_error_is_shown_with_what_to_do() -> None:
    error = UnreachableError("ghcr.io: no answer", hint="Run again.")

    lines = render([applied(error=error, stopped="ghcr.io: no answer")], PLAIN).splitlines()

    assert lines[:3] == ["ghcr.io/acme/web", "  Error: ghcr.io: no answer", "  Run again."]


def test_undo_is_offered_only_where_it_is_possible() -> None:
    done = [applied(ending("v1", Result.DELETED))]

    assert "restore" not in render(done, PLAIN)
    assert "To restore what was deleted: reconciler undo 01J8\n" in render(
        done, PLAIN, undo="reconciler undo 01J8"
    )


def test_many_reasons_are_folded_until_all_are_asked_for() -> None:
    done = [applied(*(ending(f"v{number:02}", Result.FAILED) for number in range(25)))]

    folded = render(done, PLAIN)
    full = render(done, View(now=NOW, all_rows=True))

    assert "v19" in folded
    assert "v20" not in folded
    assert "    ... and 5 more; `reconciler log show RUN` has all\n" in folded
    assert "v24" in full


@pytest.mark.parametrize("colour", [True, False])
def test_words_of_the_registry_cannot_drive_the_terminal(*, colour: bool) -> None:
    done = applied(ending("v1", Result.FAILED, "\x1b[2J[red]x[/red]\r\nApply: 9 deleted"))

    text = render([done], View(now=NOW, width=200, colour=colour))

    assert "\x1b[2J" not in text
    assert r"v1 " in text
    assert r": \x1b[2J[red]x[/red]\r\nApply: 9 deleted" in text


def test_the_last_line_of_an_undo_counts_every_result() -> None:
    done = applied(
        ending("a", Result.RESTORED),
        ending("b", Result.RESTORED, "tag b: it stays on sha256:abc"),
        ending("c", Result.FAILED, "Package version not found."),
        ending("d", Result.UNKNOWN),
    )

    assert totals([done], UNDO) == "2 restored, 0 absent, 0 skipped, 1 failed, 1 unknown"


def test_only_what_is_not_as_before_needs_a_word() -> None:
    done = applied(
        ending("a", Result.RESTORED),
        ending("b", Result.RESTORED, "tag b: it stays on sha256:abc"),
    )

    lines = render([done], View(now=NOW, width=100), texts=UNDO).splitlines()

    assert lines == [
        "ghcr.io/acme/web",
        "  1 version restored, but not entirely as before",
        f"    b {digest('b').short}: tag b: it stays on sha256:abc",
        "",
        "Undo: 2 restored, 0 absent, 0 skipped, 0 failed, 0 unknown.",
    ]
