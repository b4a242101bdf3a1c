"""The install step as it stands: with hashes, in an environment of its own."""

import re
from pathlib import Path

from tests.actions.conftest import INSTALL, Actions

ROOT = Path(__file__).parents[2]
PINS = re.compile(r"^([\w.-]+)(?:\[\S+\])?(==\S+).*\\\n((?: +--hash=\S+(?: \\)?\n)+)", re.MULTILINE)


def test_the_step_installs_what_is_locked_and_the_program_runs(actions: Actions) -> None:
    job = actions.step({"command": "plan"}, install=True)

    assert [step.outcome for step in job.steps if step.name == INSTALL] == ["success"]
    assert job.step("one").outputs["to-delete"] == "7"


def pins(name: str) -> dict[str, frozenset[str]]:
    """Return the hashes of a lock by what they are for."""
    blocks = PINS.findall((ROOT / name).read_text(encoding="utf-8"))
    return {
        name + version: frozenset(hashes.replace("\\", "").split())
        for name, version, hashes in blocks
    }


def test_what_the_action_installs_is_what_was_tested() -> None:
    locked, tested = pins("action.lock"), pins("requirements.lock")

    assert len(locked) > 30
    assert {pin: tested.get(pin) for pin in locked} == locked


def test_the_lock_names_no_address() -> None:
    assert "://" not in (ROOT / "action.lock").read_text(encoding="utf-8")
