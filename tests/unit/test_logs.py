"""Log lines: readable on a terminal, JSON elsewhere, without secrets or terminal controls."""

import io
import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest
import structlog
from pydantic import SecretStr

from reconciler.logs import configure


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        """Say so."""
        return True


@pytest.fixture(autouse=True)
def fresh_logging() -> Iterator[None]:
    """Leave no configuration behind."""
    yield
    structlog.reset_defaults()
    for name in ("httpx", "httpcore"):
        logging.getLogger(name).setLevel(logging.NOTSET)


def logged(**facts: object) -> dict[str, Any]:
    """Log one event as JSON and return what was written."""
    stream = io.StringIO()
    configure(stream, verbose=False)
    structlog.get_logger().info("version_deleted", **facts)
    line: dict[str, Any] = json.loads(stream.getvalue())
    return line


def test_elsewhere_each_event_is_one_json_line_with_its_facts() -> None:
    line = logged(repository="ghcr.io/acme/web", attempt=1, elapsed_ms=1.5, tags=("a", "b"))

    assert line.pop("timestamp").endswith("Z")
    assert line == {
        "event": "version_deleted",
        "level": "info",
        "repository": "ghcr.io/acme/web",
        "attempt": 1,
        "elapsed_ms": 1.5,
        "tags": ["a", "b"],
    }


def test_a_run_marks_all_its_lines() -> None:
    with structlog.contextvars.bound_contextvars(run="01J8"):
        line = logged()

    assert line["run"] == "01J8"


@pytest.mark.parametrize(
    "facts",
    [
        {"token": "hidden"},
        {"github_token": "hidden"},
        {"Authorization": "Bearer hidden"},
        {"set-cookie": ["hidden"]},
        {"password": "hidden"},
        {"client_secret": "hidden"},
        {"headers": {"Authorization": "Bearer hidden", "accept": "*/*"}},
        {"calls": [{"headers": {"x-api-token": "hidden"}}]},
        {"url": "https://user:hidden@ghcr.io/v2/?token=hidden"},
        {"error": ValueError("GET https://ghcr.io/v2/?token=hidden failed")},
        {"settings": SecretStr("hidden")},
    ],
)
def test_no_secret_is_logged(facts: dict[str, Any]) -> None:
    assert "hidden" not in json.dumps(logged(**facts))


def fail(message: str) -> None:
    """Log a failure the way the last `except` of a run does."""
    password = "kept in a local variable"
    try:
        raise_error(message, password)
    except ValueError:
        structlog.get_logger().exception("run_failed", tag="\x1b[2J\r\n", names=["\x9b1m"])


def raise_error(message: str, _: str) -> None:
    """Fail, with a secret among the arguments."""
    raise ValueError(message)


def test_a_failure_is_logged_with_its_traceback_but_without_secrets() -> None:
    stream = io.StringIO()
    configure(stream, verbose=False)

    fail("GET https://user:hidden@ghcr.io/v2/?a=hidden")

    line = json.loads(stream.getvalue())
    assert line["exception"].endswith("ValueError: GET https://ghcr.io/v2/")
    assert "hidden" not in stream.getvalue()


def test_a_traceback_shows_no_local_variables() -> None:
    stream = Terminal()
    configure(stream, verbose=True)

    fail("this went wrong")

    assert "ValueError: this went wrong" in stream.getvalue()
    assert stream.getvalue().count("kept in a local variable") == 0


def test_on_a_terminal_the_line_is_for_people_and_coloured() -> None:
    stream = Terminal()
    configure(stream, verbose=False)

    structlog.get_logger().info("version_deleted", tag="v1")

    assert "\x1b[1mversion_deleted" in stream.getvalue()


def test_no_color_leaves_no_escape_in_the_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    stream = Terminal()
    configure(stream, verbose=False)

    structlog.get_logger().info("version_deleted", tag="v1")

    assert stream.getvalue().endswith("[info     ] version_deleted                tag=v1\n")
    assert "\x1b" not in stream.getvalue()


def test_hostile_text_cannot_drive_the_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    stream = Terminal()
    configure(stream, verbose=False)

    fail("from a server: \x1b[2J\u202e")

    assert "\x1b" not in stream.getvalue()
    assert "\x9b" not in stream.getvalue()
    assert "\u202e" not in stream.getvalue()
    assert "\r" not in stream.getvalue()
    assert r"ValueError: from a server: \x1b[2J\u202e" in stream.getvalue()


@pytest.mark.parametrize(("verbose", "lines"), [(False, 0), (True, 1)])
def test_requests_are_told_only_when_asked_for(*, verbose: bool, lines: int) -> None:
    stream = io.StringIO()
    configure(stream, verbose=verbose)

    structlog.get_logger().debug("request_sent", status=200)

    assert len(stream.getvalue().splitlines()) == lines


def test_the_http_library_stays_silent_though_others_log(
    caplog: pytest.LogCaptureFixture,
) -> None:
    configure(io.StringIO(), verbose=True)

    with caplog.at_level(logging.DEBUG):
        logging.getLogger("httpx").info("HTTP Request: GET https://h/?token=hidden")
        logging.getLogger("httpcore.http11").debug("send_request_headers.started")

    assert caplog.messages == []


def test_without_a_stream_events_go_to_stderr(capsys: pytest.CaptureFixture[str]) -> None:
    configure(verbose=False)

    structlog.get_logger().info("version_deleted")

    captured = capsys.readouterr()
    assert captured.out == ""
    assert '"event": "version_deleted"' in captured.err
