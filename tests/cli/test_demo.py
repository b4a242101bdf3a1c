"""The demo: the first command of the README, which needs nothing but itself."""

import re
import shutil
import tempfile
from pathlib import Path

import pytest

from reconciler.__main__ import run
from reconciler.errors import ExitCode
from tests.support.cli import CommandLine


def test_the_demo_deletes_verifies_and_says_what_to_do_next(tmp_path: Path) -> None:
    done = CommandLine(tmp_path, {})("demo")

    assert (done.code, done.stderr) == (0, "")
    assert "tagged images, 0 of them broken.\n" in done.stdout
    assert "Plan: 0 to delete, " in done.stdout
    lines = done.stdout.splitlines()
    assert lines[1] == "1. Diagnose: why are there so many versions?"
    assert re.match(
        r"31% of 1,0\d\d versions, 1\d GiB, are needed by nothing; main cause: ", lines[2]
    )
    end, pages, _, heading, *commands = lines[-6:]
    assert end == "The simulated registry and its log end here, so there is nothing to undo."
    index = Path(pages.partition(": ")[2])
    assert index.is_file()
    assert {page.stem for page in index.parent.rglob("*/*.html")} == {
        *("diagnose", "plan", "usage", "log")
    }
    shutil.rmtree(index.parent)
    assert heading == "The same for your own package, with nothing deleted:"
    assert commands == [
        "  reconciler diagnose ghcr.io/YOU/APP",
        "  reconciler init ghcr.io/YOU/APP",
    ]


def test_without_a_folder_for_temporary_files_it_says_what_to_do(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def nowhere() -> str:
        raise FileNotFoundError("No usable temporary directory found in ['/tmp']")

    monkeypatch.setattr(tempfile, "gettempdir", nowhere)

    assert run(["demo"]) == ExitCode.BAD_POLICY
    assert "add `--tmpfs /tmp`" in capsys.readouterr().err
