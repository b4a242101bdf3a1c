"""Bytes that are counted once, weeks without gaps, and what there will be."""

from dataclasses import replace
from datetime import date, timedelta

from reconciler.analysis.diagnose.causes import VersionCause
from reconciler.analysis.diagnose.diagnose import Diagnosis, diagnose, outlook
from reconciler.analysis.diagnose.finding import WEEKS, Amount
from reconciler.analysis.diagnose.growth import YEAR_OF_WEEKS, Estimate
from reconciler.model.inventory import Observations, Version
from reconciler.model.manifest import Descriptor
from tests.support.inventories import image, index, inventory, name_of, policy
from tests.support.time import NOON

KEEP_TAGGED = "rules: [{name: dangling, match: {untagged: true}, keep: {within: 7d}}]"


def built(name: str, *tags: str, age: str | None, layers: dict[str, int]) -> Version:
    """Build an image of named layers with their sizes in bytes."""
    plain = image(name, *tags, age=age)
    assert plain.manifest
    described = tuple(Descriptor(image(one).digest, size=size) for one, size in layers.items())
    return replace(plain, manifest=replace(plain.manifest, config=None, layers=described))


def diagnosed(*versions: Version) -> Diagnosis:
    """Diagnose versions."""
    return diagnose(inventory(*versions), Observations(), now=NOON)


def daily(days: int) -> list[Version]:
    """Push an image a day; each loses the tag to the next one."""
    return [
        image(f"d{day:04}", *(["main"] if not day else []), age=f"{day}d") for day in range(days)
    ]


def test_a_shared_layer_is_brought_by_the_oldest_image_that_names_it() -> None:
    findings = diagnosed(
        built("new", "v2", age="1d", layers={"base": 100, "two": 20}),
        built("old", "v1", age="9d", layers={"base": 100, "one": 10}),
        built("undated", "v0", age=None, layers={"one": 10}),
    ).findings

    brought = {name_of(one.version.digest): one.added_bytes for one in findings}
    assert brought == {"undated": 1 + 10, "old": 1 + 100, "new": 1 + 20}


def test_weeks_follow_one_another_from_the_first_push_to_now() -> None:
    weeks = diagnosed(image("new", "main", age="1d"), image("old", age="20d")).weeks

    assert [(week.start, week.amount.versions) for week in weeks] == [
        (date(2026, 10, 12), 1),
        (date(2026, 10, 19), 0),
        (date(2026, 10, 26), 1),
        (date(2026, 11, 2), 0),
    ]
    assert list(weeks[0].amounts) == [VersionCause.MOVED]


def test_a_very_old_push_does_not_make_endless_weeks() -> None:
    diagnosis = diagnosed(image("new", "main", age="1d"), image("old", age="9000d"))

    assert len(diagnosis.weeks) == WEEKS


def test_the_forecast_goes_on_at_the_pace_of_the_last_weeks() -> None:
    ahead = outlook(diagnosed(*daily(200)), None)

    assert ahead
    assert ahead.measured == timedelta(days=91)
    assert ahead.now.versions == 200
    # 29 pushes lie in the last 28 days, both ends counted; 15 in 14 days, 92 in 91 days.
    assert ahead.then.middle.versions == 200 + round(29 * 90 / 28)
    assert ahead.then.low.versions == 200 + round(92 * 90 / 91)
    assert ahead.then.high.versions == 200 + round(15 * 90 / 14)
    assert (ahead.kept_now, ahead.kept_then) == (None, None)


def test_a_policy_that_keeps_a_week_ends_the_growth() -> None:
    ahead = outlook(diagnosed(*daily(200)), policy(KEEP_TAGGED))

    assert ahead
    assert ahead.kept_now
    assert ahead.kept_then
    assert ahead.kept_now.versions == 7  # today's, which has the tag, and six more
    assert ahead.kept_then == Estimate(ahead.kept_now, ahead.kept_now, ahead.kept_now)


def test_what_a_policy_keeps_for_good_goes_on_growing() -> None:
    releases = [image(f"r{day:04}", f"v{day}", age=f"{day}d") for day in range(0, 201, 2)]

    ahead = outlook(diagnosed(*releases), policy(KEEP_TAGGED))

    assert ahead
    assert ahead.kept_then
    assert 101 + 40 <= ahead.kept_then.low.versions <= ahead.kept_then.high.versions <= 101 + 52


def test_a_policy_makes_nothing_grow_in_a_repository_to_which_nobody_pushes() -> None:
    releases = [image(f"r{day:04}", f"v{day}", age=f"{day}d") for day in range(400, 800, 2)]

    ahead = outlook(diagnosed(*releases), policy(KEEP_TAGGED))

    assert ahead
    assert ahead.kept_then == ahead.then == Estimate(ahead.now, ahead.now, ahead.now)


def test_a_young_repository_is_measured_by_its_own_age() -> None:
    ahead = outlook(diagnosed(*daily(21)), None)

    assert ahead
    assert ahead.measured == timedelta(days=20)
    assert ahead.then.middle.versions == 21 + round(21 * 90 / 20)


def test_less_than_two_weeks_are_not_forecast_from() -> None:
    assert outlook(diagnosed(*daily(14)), None) is None
    assert outlook(diagnosed(*daily(15)), None)


def test_a_year_of_weeks_ends_with_all_versions_and_counts_older_ones_from_its_start() -> None:
    rows = diagnosed(*daily(400)).standings

    assert len(rows) == YEAR_OF_WEEKS + 1
    assert (rows[0].day, rows[-1].day) == (date(2025, 11, 3), date(2026, 11, 2))
    assert rows[0].unneeded.versions == 400 - 364
    assert (rows[-1].needed.versions, rows[-1].unneeded.versions) == (1, 399)


def test_what_lost_its_tag_and_its_parts_have_one_main_cause() -> None:
    lost = index("old", lists=["left", "right"], age="20d")
    parts = [image(name, age="20d") for name in ("left", "right")]
    current = index("new", "main", lists=["l2", "r2"], age="1d")

    diagnosis = diagnosed(lost, *parts, current, image("l2", age="1d"), image("r2", age="1d"))

    assert diagnosis.main_cause is VersionCause.MOVED
    assert diagnosis.unneeded == 3
    assert diagnosis.unneeded_bytes > 0


def test_without_push_times_there_is_no_growth_to_tell() -> None:
    diagnosis = diagnosed(image("one", "v1", age=None))

    assert diagnosis.weeks == ()
    assert outlook(diagnosis, None) is None


def test_the_amounts_of_all_causes_are_those_of_the_repository() -> None:
    diagnosis = diagnosed(*daily(40))

    every = sum((Amount(group.count, group.added_bytes) for group in diagnosis.groups), Amount())
    assert every == Amount.of(diagnosis.findings)
    assert sum((week.amount for week in diagnosis.weeks), Amount()) == every
