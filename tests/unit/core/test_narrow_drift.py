"""What changed since a plan was made is said in words."""

from dataclasses import replace

import pytest

from reconciler.core.narrow import drift
from reconciler.model.inventory import Version
from reconciler.model.names import Tag
from reconciler.model.plan_rows import Observed
from tests.support.inventories import ago, image

BEFORE = image("a", "v1", "v2", age="40d")
OBSERVED = Observed(tags=BEFORE.tags, pushed=BEFORE.pushed)


def tagged(*tags: str) -> Version:
    return replace(BEFORE, tags=tuple(map(Tag, tags)))


@pytest.mark.parametrize(
    ("now", "words"),
    [
        (BEFORE, ""),
        (replace(BEFORE, id="other", first_seen=ago("1h"), manifest=None), ""),
        (tagged("latest", "v1", "v2"), "tag latest was added"),
        (tagged("v1"), "tag v2 was removed"),
        (tagged(), "tag v1 was removed; tag v2 was removed"),
        (tagged("v1", "v3"), "tag v2 was removed; tag v3 was added"),
        (
            replace(BEFORE, pushed=ago("1d")),
            "its push time was 2026-09-23 12:00:00 and is now 2026-11-01 12:00:00",
        ),
        (
            replace(BEFORE, pushed=None),
            "its push time was 2026-09-23 12:00:00 and is now unknown",
        ),
    ],
)
def test_a_difference_is_said_in_words(now: Version, words: str) -> None:
    assert drift(OBSERVED, now) == words


def test_a_time_that_became_known_is_a_difference() -> None:
    observed = Observed(tags=BEFORE.tags, pushed=None)

    assert drift(observed, BEFORE) == "its push time was unknown and is now 2026-09-23 12:00:00"


def test_the_same_instant_in_another_zone_is_no_difference() -> None:
    assert BEFORE.pushed
    elsewhere = BEFORE.pushed.astimezone()

    assert drift(OBSERVED, replace(BEFORE, pushed=elsewhere)) == ""


def test_many_lost_tags_are_all_told() -> None:
    tags = tuple(Tag(f"v{number}") for number in range(500))

    words = drift(Observed(tags=tags, pushed=BEFORE.pushed), tagged())

    assert words.count("was removed") == 500
