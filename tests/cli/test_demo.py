"""The demo: the first command of the README, which needs nothing but itself."""

from pathlib import Path

from tests.support.cli import CommandLine


def test_the_demo_deletes_verifies_and_says_what_to_do_next(tmp_path: Path) -> None:
    done = CommandLine(tmp_path, {})("demo")

    assert (done.code, done.stderr) == (0, "")
    assert "tagged images, 0 of them broken.\n" in done.stdout
    assert "Plan: 0 to delete, " in done.stdout
    *_, end, sandbox, init = done.stdout.splitlines()
    assert end == "The simulated registry and its log end here, so there is nothing to undo."
    assert sandbox.startswith("Next: reconciler sandbox  ")
    assert init.startswith("      reconciler init ghcr.io/OWNER/PACKAGE  ")
