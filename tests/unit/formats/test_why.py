"""`log why` tells of one version who deleted it, by which rule of which file, and the way back."""

import json

import pytest

from reconciler.core.history import attempts
from reconciler.formats.log import DeletionOf, deletions_as_json, render_deletions
from reconciler.formats.view import View
from reconciler.model.journal import Entry, Result, chain
from tests.support.inventories import WEB, digest
from tests.support.journals import OPENED, Book, change
from tests.support.time import NOON

VIEW = View(now=NOON, width=120)
LONE = change("lone", "pr-8", "preview")
FROM = "of commit f00d in run 77 of acme/infra"
IN_CI = {
    **OPENED,
    "policy_file": "policies/web.yaml",
    "policy_sha256": "0123456789abcdef",
    "commit": "f00d",
    "workflow_run": "77",
    "workflow_repository": "acme/infra",
}


def found(book: Book) -> list[DeletionOf]:
    """Return the attempts of a journal, the latest first."""
    return [(WEB, attempt) for attempt in reversed(attempts(book.records))]


def lines(book: Book) -> list[str]:
    """Tell the attempts of a journal."""
    return render_deletions(found(book), "pr-8", VIEW).splitlines()


def ended(result: Result | None) -> Book:
    """Write one attempt that ended in some way."""
    book = Book()
    book.run("run-1", 3, LONE, result=result)
    return book


def test_a_deletion_is_told_from_its_tags_to_the_way_back() -> None:
    book = Book()
    book.run("run-1", 3, LONE, result=Result.DELETED, opened=IN_CI)

    assert lines(book) == [
        f"{WEB}@{digest('lone')}",
        "  tagged pr-8, preview",
        "  Deleted 2026-10-30 12:00 UTC (3d ago) by run run-1, robot@ci",
        "    previews: age 9d vs within 7d",
        f"    policy web in policies/web.yaml (sha256 0123456789ab) {FROM}",
        "    plan sha256:abc",
        "  Can be restored until 2026-11-29 12:00 UTC (in 27d):",
        f"    reconciler undo run-1 --only {digest('lone').short}",
    ]


def test_outside_of_a_workflow_no_commit_is_spoken_of() -> None:
    assert "    policy web" in lines(ended(Result.DELETED))


def test_a_version_without_a_tag_is_said_to_have_none() -> None:
    book = Book()
    book.deleted("run-1", 3, change("child"))

    assert lines(book)[1] == "  without a tag"


def test_what_was_taken_back_names_the_undo() -> None:
    book = ended(Result.DELETED)
    book.restored("undo-1", 1, "lone")

    assert lines(book)[-1] == "  Restored 2026-11-01 12:00 UTC by run undo-1"


@pytest.mark.parametrize(
    ("days", "last"),
    [
        (0, "  The registry cannot restore it."),
        (2, "  It could be restored until 2026-11-01 12:00 UTC."),
        (None, "    reconciler undo run-1 --only 6c6f6e650000"),
    ],
)
def test_the_way_back_is_only_promised_where_there_is_one(days: int | None, last: str) -> None:
    book = Book()
    book.run("run-1", 3, LONE, result=Result.DELETED, opened={**OPENED, "undo_days": days})

    assert lines(book)[-1] == last


@pytest.mark.parametrize(
    ("result", "told"),
    [
        (Result.RETAINED, "Retained by the registry"),
        (Result.SKIPPED_CHANGED, "Skipped, because it had changed,"),
        (Result.SKIPPED_REFERENCED, "Skipped, because a kept image needed it,"),
        (Result.ABSENT, "Already absent"),
        (Result.NOT_DONE, "Planned, but not begun,"),
        (Result.FAILED, "Failed to delete"),
        (Result.UNKNOWN, "Deletion with unknown outcome, which the next run resolves,"),
        (None, "Deletion announced, outcome not recorded,"),
    ],
)
def test_what_was_not_deleted_says_how_it_ended_and_offers_no_undo(
    result: Result | None, told: str
) -> None:
    text = lines(ended(result))

    assert text[2] == f"  {told} 2026-10-30 12:00 UTC (3d ago) by run run-1, robot@ci"
    assert not any("undo" in line for line in text)


def test_the_words_of_the_registry_are_told() -> None:
    book = Book()
    book.run("run-1", 3, LONE)
    body = {"key": LONE.key, "result": "retained", "reason": "more than 5,000 downloads"}
    book.records += chain(book.records[-1], "run-1", NOON, [Entry("outcome", body)])

    assert "    more than 5,000 downloads" in lines(book)


def test_what_was_never_deleted_is_said_to_be_so() -> None:
    assert render_deletions([], "pr-9", VIEW) == "No run deleted pr-9 or planned to.\n"
    assert deletions_as_json([]) == "[]\n"


def test_of_many_attempts_the_latest_are_shown() -> None:
    book = Book()
    for number in range(13):
        book.deleted(f"run-{number}", 20 - number, LONE)

    text = lines(book)

    assert sum(line.startswith(WEB) for line in text) == 10
    assert text[-1] == "... and 3 earlier attempts"


def test_programs_get_all_of_it() -> None:
    book = Book()
    book.run("run-1", 3, LONE, result=Result.DELETED, opened=IN_CI)
    book.restored("undo-1", 1, "lone")

    (told,) = json.loads(deletions_as_json(found(book)))

    assert told == {
        "repository": WEB,
        "digest": digest("lone"),
        "tags": ["pr-8", "preview"],
        "run": "run-1",
        "at": "2026-10-30T12:00:00+00:00",
        "result": "deleted",
        "reason": "",
        "rules": ["previews"],
        "reasons": ["previews: age 9d vs within 7d"],
        "opened": IN_CI,
        "restorable_until": "2026-11-29T12:00:00+00:00",
        "restored_by": "undo-1",
    }


def test_a_hostile_journal_cannot_drive_the_terminal() -> None:
    book = Book()
    opened = {**OPENED, "policy": "\x1b[2J", "commit": "[red]\x9b1m\nx"}
    book.run("run-1", 3, LONE, result=Result.DELETED, opened=opened)

    text = render_deletions(found(book), "\x1b]0;t\x07", VIEW)

    assert r"policy \x1b[2J of commit [red]\x9b1m\nx" in text
    assert "\x1b" not in text
