"""What goes on is shown on a terminal, and on nothing else; what is printed stays clean."""

import json
import re
import sys
from io import StringIO
from pathlib import Path

import pytest

from reconciler.commands._progress import Activity
from reconciler.logs import configure
from reconciler.transport.watch import RunClock, Sent
from tests.support.cli_harness import served_package
from tests.support.terminal import on_a_terminal
from tests.support.time import NOON, VirtualTime


class Terminal(StringIO):
    """What a person sees."""

    def isatty(self) -> bool:
        """Say that somebody looks."""
        return True


def looking(monkeypatch: pytest.MonkeyPatch) -> Terminal:
    """Give this process a terminal as its stderr."""
    seen = Terminal()
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr(sys, "stderr", seen)
    return seen


def test_reading_is_shown_on_a_terminal_and_json_on_stdout_stays_whole(tmp_path: Path) -> None:
    with served_package(tmp_path) as web:
        ended = on_a_terminal(web.reconciler, "plan", "--format", "json")

    assert ended.code == 0
    assert json.loads(ended.stdout)["summary"]["delete"] == 7
    assert "Reading: " in ended.stderr
    assert "manifests" in ended.stderr


def test_deleting_is_shown_as_a_bar(tmp_path: Path) -> None:
    with served_package(tmp_path) as web:
        ended = on_a_terminal(web.reconciler, "apply", "--yes")

    assert ended.code == 0
    assert "Deleting" in ended.stderr
    assert "7/7" in ended.stderr
    assert ended.last_line.startswith("Apply: 7 deleted")


@pytest.mark.parametrize("variables", [{"TERM": "dumb"}, {"NO_COLOR": "1"}])
def test_colours_and_movement_are_left_out_where_they_are_not_wanted(
    tmp_path: Path, variables: dict[str, str]
) -> None:
    with served_package(tmp_path) as web:
        ended = on_a_terminal(web.reconciler, "plan", more=variables)

    assert ended.code == 0
    assert "\x1b[3" not in ended.stderr
    assert ("Reading" in ended.stderr) == ("NO_COLOR" in variables)


def test_nothing_is_shown_in_a_file_even_where_colours_are_forced(tmp_path: Path) -> None:
    with served_package(tmp_path) as web:
        ended = web.reconciler("apply", "--yes", more={"FORCE_COLOR": "1"})

    assert ended.code == 0
    # What to do next is no progress, and has no colour.
    assert re.fullmatch(r"Next: reconciler log show \S+  \(.+\)\n", ended.stderr)


def test_a_wait_is_shown_with_its_reason_its_length_and_its_end(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    terminal = looking(monkeypatch)
    watch = RunClock(lambda: NOON, sleep=lambda _: None)

    with Activity(watch):
        watch.sent(Sent("GET", "https://api.github.com/orgs/acme/packages/container/web/versions"))
        watch.wait("secondary rate limit", 125.0)

    assert "Waiting 2m 05s, until 12:02:05 UTC: secondary rate limit" in terminal.getvalue()


def test_a_wait_that_is_over_gives_way_to_what_is_read(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    terminal = looking(monkeypatch)
    time = VirtualTime()
    watch = time.watch()

    with Activity(watch):
        watch.wait("secondary rate limit", 125.0)
        for digest in ("sha256:1", "sha256:2"):
            watch.sent(Sent("GET", f"https://ghcr.io/v2/acme/web/manifests/{digest}"))
        watch.sent(Sent("DELETE", "https://api.github.com/orgs/acme/packages/container/web/1"))
        watch.sent(Sent("GET", "https://ghcr.io/token"))

    assert "Reading: 2 manifests" in terminal.getvalue()
    assert "page" not in terminal.getvalue()


def test_what_is_logged_meanwhile_stands_above_on_lines_of_its_own(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    terminal = looking(monkeypatch)
    configure(verbose=True)
    watch = RunClock(lambda: NOON, sleep=lambda _: None)

    with Activity(watch):
        watch.sent(Sent("GET", "https://ghcr.io/v2/acme/web/manifests/latest"))

    lines = terminal.getvalue().splitlines()
    logged = next(line for line in lines if "GET https://ghcr.io/" in line)
    assert "Reading" not in logged
