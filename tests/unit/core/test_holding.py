"""Holds are put on what is to be restored, and taken off by name."""

from reconciler.core.holding import held_of, hold, release
from reconciler.model.names import Tag
from reconciler.model.observations import Observation, Observations
from reconciler.model.reference import Mention
from tests.support.inventories import WEB, digest, names
from tests.support.journals import ago, change
from tests.support.time import NOON

SEEN = Observations(digests={digest("a"): Observation(first_seen=ago(9), retained="no")})
HELD = hold(SEEN, [change("a"), change("b", "pr-8")], NOON)


def test_what_was_seen_before_stays_as_it_was_but_held() -> None:
    before = HELD.digests[digest("a")]

    assert (before.first_seen, before.retained, before.held) == (ago(9), "no", True)


def test_what_was_forgotten_is_seen_anew_with_its_tags() -> None:
    forgotten = HELD.digests[digest("b")]

    assert forgotten == Observation(first_seen=NOON, tags=(Tag("pr-8"),), held=True)


def test_a_release_leaves_everything_else_alone() -> None:
    released = release(HELD, {digest("a")})

    assert released.digests[digest("a")] == SEEN.digests[digest("a")]
    assert released.digests[digest("b")].held


def test_companions_of_what_is_named_are_released_and_only_if_they_are_held() -> None:
    companions = {digest("a"): {digest("b"), digest("c")}}

    found = held_of(HELD, WEB, [Mention.parse(digest("a"))], companions)

    assert names(sorted(found)) == ["a", "b"]


def test_no_mention_names_everything_that_is_held() -> None:
    assert names(sorted(held_of(HELD, WEB, [], {}))) == ["a", "b"]
    assert held_of(SEEN, WEB, [], {}) == set()
