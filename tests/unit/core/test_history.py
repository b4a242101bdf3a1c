"""The journal tells of each deletion: what was seen, how it ended, whether it was taken back."""

from reconciler.core.history import attempts, attempts_on, deletions, last_deleting_run
from reconciler.model.journal import Result
from reconciler.model.names import Mention, Repository
from tests.support.inventories import WEB, digest, name_of
from tests.support.journals import Book, ago, change

API = Repository("ghcr.io/acme/api")


def test_an_attempt_knows_what_was_seen_and_how_it_ended() -> None:
    book = Book()
    book.deleted("run-1", 3, change("build", "pr-7", lists=["amd"], subject="base"))

    (one,) = attempts(book.records)

    assert (one.run, one.result, one.at) == ("run-1", Result.DELETED, ago(3))
    assert one.tags == ("pr-7",)
    assert one.children == (digest("amd"),)
    assert one.subjects == {digest("base")}
    assert one.is_standing


def test_the_window_counts_from_the_deletion() -> None:
    book = Book()
    book.deleted("run-1", 3, change("a"))

    (one,) = attempts(book.records)

    assert one.until == ago(-27)


def test_a_journal_of_before_knows_no_window() -> None:
    book = Book()
    book.run("run-1", 3, change("a"), result=Result.DELETED, opened={"who": "robot@ci"})

    assert attempts(book.records)[0].until is None


def test_a_signature_speaks_of_what_its_tag_spells() -> None:
    book = Book()
    book.deleted("run-1", 3, change("sig", f"sha256-{digest('a')[7:]}.sig"))

    assert attempts(book.records)[0].subjects == {digest("a")}


def test_a_deletion_that_was_taken_back_does_not_stand() -> None:
    book = Book()
    book.deleted("run-1", 3, change("a"), change("b"))
    book.restored("undo-1", 2, "a")

    restored, standing = attempts(book.records)

    assert not restored.is_standing
    assert restored.restored
    assert restored.restored.run == "undo-1"
    assert standing.is_standing


def test_a_restoration_that_failed_changes_nothing() -> None:
    book = Book()
    book.deleted("run-1", 3, change("a"))
    book.run("undo-1", 2, change("a", restore=True), result=Result.FAILED)

    (one,) = attempts(book.records)

    assert (one.result, one.is_standing) == (Result.DELETED, True)


def test_what_was_deleted_again_stands_as_the_later_deletion() -> None:
    book = Book()
    book.deleted("run-1", 9, change("a"), change("b"))
    book.restored("undo-1", 8, "a")
    book.deleted("run-2", 3, change("a"))

    found = [(name_of(one.digest), one.run, one.is_standing) for one in deletions(book.records)]

    assert found == [("b", "run-1", True), ("a", "run-2", True)]


def test_what_a_dead_run_deleted_is_its_own_and_dates_from_its_intent() -> None:
    book = Book()
    book.run("run-1", 9, change("a"))
    book.resolved("run-2", 3, "run-1", change("a"), Result.DELETED)

    (one,) = deletions(book.records)

    assert (one.run, one.at) == ("run-1", ago(9))


def test_a_killed_run_leaves_attempts_of_which_nobody_knows_the_end() -> None:
    book = Book()
    book.run("run-1", 9, change("a"))

    assert [one.result for one in attempts(book.records)] == [None]
    assert deletions(book.records) == []


def test_the_last_run_that_deleted_is_found_over_all_repositories() -> None:
    web, api = Book(), Book()
    web.deleted("run-1", 9, change("a"))
    web.restored("undo-1", 1, "a")
    web.run("run-3", 0.5, change("b"), result=Result.RETAINED)
    api.deleted("run-2", 3, change("c"))

    assert last_deleting_run({WEB: web.records, API: api.records}) == "run-2"
    assert last_deleting_run({WEB: []}) == ""


def test_every_attempt_on_a_name_is_found_the_latest_first() -> None:
    web, api = Book(), Book()
    web.deleted("run-1", 9, change("a", "pr-7"), change("b", "pr-8"))
    web.run("run-3", 1, change("a", "pr-7"), result=Result.RETAINED)
    api.deleted("run-2", 3, change("c", "pr-7"))
    journals = {WEB: web.records, API: api.records}

    anywhere = attempts_on(journals, Mention.parse("pr-7"))
    here = attempts_on(journals, Mention.parse("ghcr.io/acme/web:pr-7"))
    short = attempts_on(journals, Mention.parse(digest("b").short))

    assert [one.run for _, one in anywhere] == ["run-3", "run-2", "run-1"]
    assert [one.run for _, one in here] == ["run-3", "run-1"]
    assert [name_of(one.digest) for _, one in short] == ["b"]
