"""Waits: slept through, and told once to whoever watches."""

import json
from datetime import timedelta
from io import StringIO
from threading import Thread

import pytest
from structlog.testing import capture_logs

from reconciler.errors import StoppedError
from reconciler.logs import FORMAT, configure
from reconciler.transport.watch import RunClock, Sent, Wait
from tests.support.time import NOON, VirtualTime


def test_a_wait_is_logged_with_its_reason_and_its_end() -> None:
    time = VirtualTime()
    watch = RunClock(lambda: time.now, lambda: time.seconds, time.pass_by)

    with capture_logs() as logs:
        watch.wait("secondary rate limit", 90.04)

    assert logs == [
        {
            "event": "waiting",
            "log_level": "info",
            "reason": "secondary rate limit",
            "seconds": 90.0,
            "until": "2026-11-02T12:01:30+00:00",
        }
    ]
    assert time.seconds == 90.04


def test_a_short_wait_is_slept_and_not_told() -> None:
    time = VirtualTime()

    time.watch().wait("pacing", 1.5)

    assert time.seconds == 1.5
    assert time.waits == []


def test_a_wait_that_several_threads_share_is_told_once() -> None:
    told: list[Wait] = []
    watch = RunClock(lambda: NOON, lambda: 0.0, lambda _: None, told.append)

    for seconds in (60.0, 60.2, 59.9, 120.0):
        watch.wait("secondary rate limit", seconds)

    assert [wait.seconds for wait in told] == [60.0, 120.0]


def test_an_observer_hears_of_requests_and_waits_and_the_log_of_no_wait_meanwhile() -> None:
    time, heard = VirtualTime(), list[Wait | Sent]()
    watch = time.watch()
    request = Sent("GET", "https://ghcr.io/v2/acme/web/manifests/latest")

    with watch.observed(heard.append):
        watch.sent(request)
        watch.wait("secondary rate limit", 60.0)
    watch.sent(request)
    watch.wait("secondary rate limit", 90.0)

    assert heard == [request, Wait("secondary rate limit", 60.0, NOON + timedelta(seconds=60))]
    assert [wait.seconds for wait in time.waits] == [90.0]


def test_each_request_is_logged_for_whoever_asked_for_it_without_its_secrets(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv(FORMAT, "json")
    log = StringIO()
    configure(log, verbose=True)

    VirtualTime().watch().sent(Sent("GET", "https://ghcr.io/token?service=ghcr.io"))

    event = json.loads(log.getvalue())
    assert (event["event"], event["method"]) == ("request_sent", "GET")
    assert event["url"] == "https://ghcr.io/token"


def test_where_nobody_set_up_logging_requests_are_not_printed(
    capsys: pytest.CaptureFixture[str],
) -> None:
    VirtualTime().watch().sent(Sent("GET", "https://ghcr.io/token"))

    assert capsys.readouterr() == ("", "")


def test_a_stop_wakes_what_waits_and_ends_every_later_wait() -> None:
    watch = RunClock(lambda: NOON, report=lambda _: None)
    errors: list[StoppedError] = []

    def wait() -> None:
        try:
            watch.wait("a limit", 3600)
        except StoppedError as error:
            errors.append(error)

    thread = Thread(target=wait)
    thread.start()

    watch.stop()

    thread.join(timeout=10)
    assert len(errors) == 1
    with pytest.raises(StoppedError, match="the run was ended"):
        watch.check()
