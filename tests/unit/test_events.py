"""Events are written by structlog, which is loaded with the first one."""

import json
import subprocess
import sys

import pytest

from reconciler.events import EventLog

QUIET = {"deepdiff", "jinja2", "structlog"}
"""What a command that reads a repository loads only where it is needed."""

EVENTS = """
import sys
from reconciler import logs
from reconciler.events import log

logs.configure(verbose={verbose})
log.debug("request_sent", method="GET", url="https://user:hidden@h/?token=hidden")
print("structlog" in sys.modules)
log.warning("lease_not_renewed", error="hidden", token="hidden")
print("structlog" in sys.modules)
"""


def ran(code: str) -> subprocess.CompletedProcess[str]:
    """Run code in a process that has loaded nothing yet."""
    return subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
        env={"RECONCILER_LOG_FORMAT": "json"},
    )


@pytest.mark.parametrize("verbose", [False, True])
def test_the_first_event_that_is_written_loads_structlog(*, verbose: bool) -> None:
    done = ran(EVENTS.format(verbose=verbose))

    events = [json.loads(line) for line in done.stderr.splitlines()]
    assert done.stdout.split() == [str(verbose), "True"]
    assert [event["event"] for event in events] == [
        *(["request_sent"] if verbose else []),
        "lease_not_renewed",
    ]
    assert events[-1]["token"] == "[redacted]"
    assert events[0].get("url", "https://h/") == "https://h/"


def test_without_a_configuration_details_are_not_printed() -> None:
    done = ran('from reconciler.events import log\nlog.debug("request_sent")')

    assert (done.stdout, done.stderr) == ("", "")


def test_what_prepares_structlog_runs_once_and_before_an_event() -> None:
    calls: list[str] = []
    log = EventLog()

    log.prepare_with(lambda: calls.append("prepared"), verbose=True)
    log.debug("request_sent")
    log.debug("request_sent")

    assert calls == ["prepared"]


def test_a_session_loads_no_log_and_nothing_that_it_may_not_need() -> None:
    done = ran(
        "import sys, reconciler.session, reconciler.analysis.explain\n"
        "import reconciler.formats.explain, reconciler.commands._progress\n"
        "print(*sys.modules)"
    )

    assert QUIET & set(done.stdout.split()) == set()
