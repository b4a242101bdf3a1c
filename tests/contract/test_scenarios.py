"""Whole stories against the sandbox: policy in, plan, apply, and once more; each is a file's row.

After each one every surviving tag must be whole, nothing that stays may have lost a signature or
attestation, and applying again must delete nothing.
"""

from operator import attrgetter
from pathlib import Path

import pytest

from tests.support.matrix import matrix
from tests.support.scenario_runs import ScenarioRun, performed, rehearsed
from tests.support.scenarios import Scenario, read_scenarios

SCENARIOS = read_scenarios(Path(__file__).parent / "scenarios")
FOR_REAL = [scenario for scenario in SCENARIOS if scenario.cli]
BY_NAME = attrgetter("name")


def check(play: ScenarioRun) -> None:
    """Play a scenario and hold it to what it says of itself."""
    scenario = play.scenario

    planned, applied = play.first()

    assert planned.code == scenario.planned, planned
    assert (applied.code, applied.last_line) == (scenario.exit, scenario.last_line), applied
    assert play.cast.gone() == scenario.doomed
    assert play.newly_broken() == set()
    assert play.bereaved() == scenario.bereaved
    # A plan is wrapped to the width of the terminal, anywhere between two words.
    shown = planned.stdout + planned.stderr + applied.stdout + applied.stderr
    for text in play.cast.resolved(scenario.says):
        assert text in " ".join(shown.split())


def check_again(play: ScenarioRun) -> None:
    """Play on: what the first run had to leave goes, and then nothing is sent any more."""
    scenario = play.scenario

    play.go_on()
    second, sent = play.again()
    third, sent_later = play.again() if scenario.again else (second, sent)

    assert (second.code, third.code) == (scenario.exit_again, scenario.exit_again), second
    assert sent_later == 0
    assert play.cast.gone() == scenario.doomed_later
    assert play.newly_broken() == set()
    assert play.bereaved() == scenario.bereaved_later


@pytest.mark.parametrize("scenario", SCENARIOS, ids=BY_NAME)
def test_in_a_session(scenario: Scenario, tmp_path: Path) -> None:
    with rehearsed(scenario, tmp_path) as play:
        check(play)
        check_again(play)


@pytest.mark.parametrize("scenario", list(matrix()), ids=BY_NAME)
def test_graphs(scenario: Scenario, tmp_path: Path) -> None:
    with rehearsed(scenario, tmp_path) as play:
        check(play)
        check_again(play)


@pytest.mark.parametrize("scenario", FOR_REAL, ids=BY_NAME)
def test_on_the_command_line(scenario: Scenario, tmp_path: Path) -> None:
    with performed(scenario, tmp_path) as play:
        check(play)
        check_again(play)


@pytest.mark.parametrize("scenario", FOR_REAL, ids=BY_NAME)
def test_planning_sends_nothing_but_reads(scenario: Scenario, tmp_path: Path) -> None:
    with rehearsed(scenario, tmp_path) as play:
        play.plan()

        assert {seen.method for seen in play.sandbox.requests} == {"GET"}
        assert play.cast.gone() == set()


@pytest.mark.parametrize("scenario", FOR_REAL, ids=BY_NAME)
def test_applying_the_same_plan_again_only_makes_up_for_what_failed(
    scenario: Scenario, tmp_path: Path
) -> None:
    with rehearsed(scenario, tmp_path) as play:
        play.first()
        play.go_on()

        ended = play.apply()

        assert (ended.code, play.cast.gone()) == (0, scenario.doomed_later), ended
