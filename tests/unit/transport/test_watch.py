"""Waits: slept through, and told once to whoever watches."""

from structlog.testing import capture_logs

from reconciler.transport.watch import Wait, Watch
from tests.support.time import NOON, VirtualTime


def test_a_wait_is_logged_with_its_reason_and_its_end() -> None:
    time = VirtualTime()
    watch = Watch(lambda: time.now, lambda: time.seconds, time.pass_by)

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
    watch = Watch(lambda: NOON, lambda: 0.0, lambda _: None, told.append)

    for seconds in (60.0, 60.2, 59.9, 120.0):
        watch.wait("secondary rate limit", seconds)

    assert [wait.seconds for wait in told] == [60.0, 120.0]
