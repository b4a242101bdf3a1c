"""Holds are read from the journal; observations decide only where it says nothing."""

from reconciler.core.observations import digests_on_hold, with_holds
from reconciler.model.inventory import Observation, Observations
from reconciler.model.journal import Entry
from reconciler.model.names import Mention, Tag
from tests.support.inventories import WEB, digest, names
from tests.support.journals import Book, ago, change

SEEN = Observations(digests={digest("a"): Observation(first_seen=ago(9), retained="no")})
HOLD = Entry("hold", {"digests": [digest("a"), digest("b")]})
RELEASE = Entry("release", {"digests": [digest("a")]})


def held(noted: Observations, *entries: Entry) -> list[str]:
    book = Book()
    book.write("undo-1", 2, *entries)
    seen = with_holds(noted, book.records)
    return names(sorted(one for one, noted in seen.digests.items() if noted.held))


def test_what_the_journal_holds_is_held_whether_or_not_it_was_observed() -> None:
    assert held(Observations(), HOLD) == ["a", "b"]
    assert held(SEEN, HOLD) == ["a", "b"]


def test_a_release_ends_the_hold_of_what_it_names_and_a_later_hold_holds_again() -> None:
    assert held(SEEN, HOLD, RELEASE) == ["b"]
    assert held(SEEN, HOLD, RELEASE, HOLD) == ["a", "b"]


def test_what_was_meant_to_be_restored_is_held_although_nothing_says_so() -> None:
    book = Book()
    book.run("undo-1", 3, change("a", "pr-8", restore=True))

    seen = with_holds(Observations(), book.records).digests[digest("a")]

    assert seen == Observation(first_seen=ago(3), tags=(Tag("pr-8"),), held=True)


def test_what_was_meant_to_be_deleted_is_not_held() -> None:
    book = Book()
    book.run("run-1", 3, change("a", "pr-8"))

    assert with_holds(Observations(), book.records).digests == {}


def test_an_old_state_whose_observations_alone_say_so_still_holds() -> None:
    noted = Observations(digests={digest("a"): Observation(first_seen=ago(9), held=True)})

    assert held(noted) == ["a"]


def test_observations_that_were_put_back_after_a_release_hold_nothing_again() -> None:
    noted = Observations(digests={digest("a"): Observation(first_seen=ago(9), held=True)})

    assert held(noted, HOLD, RELEASE) == ["b"]


def test_what_was_seen_before_stays_as_it_was_but_held() -> None:
    book = Book()
    book.write("undo-1", 2, HOLD)

    before = with_holds(SEEN, book.records).digests[digest("a")]

    assert (before.first_seen, before.retained, before.held) == (ago(9), "no", True)


HELD = Observations(
    digests={digest(one): Observation(first_seen=ago(9), held=True) for one in ("a", "b")}
)


def test_companions_of_what_is_named_are_released_and_only_if_they_are_held() -> None:
    companions = {digest("a"): {digest("b"), digest("c")}}

    found = digests_on_hold(HELD, WEB, [Mention.parse(digest("a"))], companions)

    assert names(sorted(found)) == ["a", "b"]


def test_no_mention_names_everything_that_is_held() -> None:
    assert names(sorted(digests_on_hold(HELD, WEB, [], {}))) == ["a", "b"]
    assert digests_on_hold(SEEN, WEB, [], {}) == set()
