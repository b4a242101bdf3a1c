"""Every habit of builds and tools, alone and among others: each version is told for what it is."""

import pytest

from reconciler.analysis.diagnose.causes import VersionCause
from tests.support.diagnosed import tried
from tests.support.labelled.mixed import HABITS, lifelike_case, mixed, package_of
from tests.support.time import NOON


@pytest.mark.parametrize("times", [1, 3])
@pytest.mark.parametrize("habit", HABITS)
def test_what_one_habit_makes_is_told_for_what_it_is(habit: str, times: int) -> None:
    trial = tried(package_of([habit] * times, NOON))

    assert trial.mistakes == []
    assert len(trial.diagnosis.findings) == len(trial.labels)


@pytest.mark.parametrize("seed", range(12))
def test_habits_among_one_another_are_told_apart(seed: int) -> None:
    trial = tried(mixed(seed, 12, NOON))

    assert trial.mistakes == []


def test_the_habits_make_versions_of_every_cause() -> None:
    made = {label for habit in HABITS for label in package_of([habit], NOON).labels.values()}

    assert made == set(map(str, VersionCause))


def test_a_package_of_1002_versions_is_told_for_what_it_is() -> None:
    trial = tried(lifelike_case(NOON))

    assert trial.mistakes == []
    assert (len(trial.labels), trial.diagnosis.tagged) == (1002, 148)
    assert {str(group.cause): group.count for group in trial.diagnosis.groups} == {
        "superseded-child": 280,
        "tagged": 75,
        "platform-child": 74,
        "attestation": 74,
        "referrer": 146,
        "referrers-index": 73,
        "replaced-referrers-index": 73,
        "tag-moved": 140,
        "replaced-cache": 67,
    }


def test_nothing_that_is_in_use_is_counted_as_left_over() -> None:
    diagnosis = tried(lifelike_case(NOON)).diagnosis

    assert {str(group.cause) for group in diagnosis.groups if group.needed} == {
        "tagged",
        "platform-child",
        "attestation",
        "referrer",
        "referrers-index",
    }
    assert sum(group.count for group in diagnosis.groups if not group.needed) == 560
