"""Log lines: sentences, or JSON on request, without secrets or terminal controls."""

import io
import json
import logging
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import structlog
from pydantic import SecretStr

import reconciler
from reconciler.logs import FORMAT, SENTENCES, configure


@pytest.fixture(autouse=True)
def fresh_logging(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Leave no configuration behind, and write JSON unless a test wants sentences."""
    monkeypatch.setenv(FORMAT, "json")
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


def test_as_json_each_event_is_one_line_with_its_facts() -> None:
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


@pytest.fixture
def sentences(monkeypatch: pytest.MonkeyPatch) -> io.StringIO:
    """Write for people, as without a choice; return where to."""
    monkeypatch.delenv(FORMAT)
    stream = io.StringIO()
    configure(stream, verbose=True)
    return stream


def test_a_traceback_shows_no_local_variables(sentences: io.StringIO) -> None:
    fail("this went wrong")

    assert "ValueError: this went wrong" in sentences.getvalue()
    assert sentences.getvalue().count("kept in a local variable") == 0


@pytest.mark.parametrize(
    ("level", "event", "facts", "line"),
    [
        (
            "warning",
            "pattern_names_nothing",
            {"pattern": "ghcr.io/acme/*", "policy": "web"},
            (
                "Warning: ghcr.io/acme/* in policy web names no repository that exists; check the"
                " name, unless the next push creates it\n"
            ),
        ),
        (
            "info",
            "waiting",
            {"seconds": 3.0, "until": "12:00", "reason": "the limit of ghcr.io"},
            "waiting 3.0 s, until 12:00: the limit of ghcr.io\n",
        ),
        ("info", "something_else", {"tag": "v1"}, "something else: tag v1\n"),
        ("error", "something_else", {}, "Error: something else\n"),
        ("info", "waiting", {"seconds": 3.0}, "waiting: seconds 3.0\n"),
    ],
)
def test_people_read_sentences(
    sentences: io.StringIO, level: str, event: str, facts: dict[str, Any], line: str
) -> None:
    getattr(structlog.get_logger(), level)(event, **facts)

    assert sentences.getvalue() == line


def test_each_event_that_people_see_has_a_sentence() -> None:
    sources = Path(str(reconciler.__file__)).parent.rglob("*.py")
    text = "\n".join(path.read_text("utf-8") for path in sources)
    events = set(re.findall(r"\b_?log\.(?:info|warning|error)\(\s*\"(\w+)\"", text))

    assert events
    assert events <= set(SENTENCES)


def test_hostile_text_cannot_drive_the_terminal(sentences: io.StringIO) -> None:
    fail("from a server: \x1b[2J\u202e")

    assert "\x1b" not in sentences.getvalue()
    assert "\x9b" not in sentences.getvalue()
    assert "\u202e" not in sentences.getvalue()
    assert "\r" not in sentences.getvalue()
    assert r"ValueError: from a server: \x1b[2J\u202e" in sentences.getvalue()


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
