"""What stdout cannot take is a sentence, and colours follow the conventions."""

import os
import subprocess
import sys
from collections.abc import Sequence

import pytest

from reconciler.commands import _console

PROGRAM = (sys.executable, "-m", "reconciler")


def ended(arguments: Sequence[str], stdout: int) -> "subprocess.CompletedProcess[str]":
    """Run the program with its stdout in an open file."""
    return subprocess.run(
        [*PROGRAM, *arguments],
        stdout=stdout,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
        timeout=60,
    )


@pytest.mark.parametrize("arguments", [["--help"], ["schema"], ["log", "list"], ["log"]])
def test_a_full_disk_is_a_sentence(arguments: Sequence[str]) -> None:
    with open("/dev/full", "wb") as full:  # noqa: PTH123 - a device
        done = ended(arguments, full.fileno())

    assert done.returncode == 1
    assert done.stderr == (
        "Error: stdout cannot be written: No space left on device\n"
        "The output is incomplete. Write it to another place; if this command deletes or restores,"
        " `reconciler log list` lists what it did.\n"
    )


@pytest.mark.parametrize("arguments", [["--help"], ["schema"]])
def test_whoever_stops_reading_reads_no_error(arguments: Sequence[str]) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    try:
        done = ended(arguments, writing)
    finally:
        os.close(writing)

    assert (done.returncode, done.stderr) == (1, "")


@pytest.mark.parametrize(
    ("variables", "coloured"),
    [
        ({}, False),
        ({"FORCE_COLOR": "1"}, True),
        ({"FORCE_COLOR": ""}, False),
        ({"FORCE_COLOR": "1", "NO_COLOR": "1"}, False),
        ({"FORCE_COLOR": "1", "TERM": "dumb"}, True),
    ],
)
def test_colours_where_there_is_no_terminal(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    variables: dict[str, str],
    coloured: bool,  # noqa: FBT001 - a parameter of the test
) -> None:
    for name in ("FORCE_COLOR", "NO_COLOR"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)

    assert _console.colours() is coloured
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("colour", ["FORCE_COLOR", "NO_COLOR"])
def test_a_piped_report_has_the_colours_that_were_asked_for(colour: str) -> None:
    done = subprocess.run(
        [*PROGRAM, "log", "list", "--format", "text"],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
        env={**os.environ, colour: "1"},
    )

    assert "\x1b" not in done.stdout
