"""The log tells which runs there were, and what each of them did."""

import json
from collections.abc import Mapping, Sequence
from datetime import timedelta

from reconciler.formats.log import (
    located,
    records_as_json,
    render_records,
    render_runs,
    runs_as_json,
    summaries,
)
from reconciler.formats.view import View
from reconciler.model.journal import Entry, Record, chain
from reconciler.model.names import Repository
from tests.support.plans import NOW, WEB, digest

API = Repository("ghcr.io/acme/api")
PLAIN = View(now=NOW, width=100)
KEY = f"{WEB}@{digest('v1')}"
OTHER = f"{WEB}@{digest('v2')}"

INTENT = Entry(
    "intent",
    {"key": KEY, "tags": ["v1", "pr-7"], "reasons": ["previews: age 9d vs within 2d"]},
)
OUTCOME = Entry("outcome", {"key": KEY, "result": "deleted", "reason": "", "status": 204})
OPEN = Entry("run_open", {"plan": "sha256:abc", "policy": "web", "changes": 2, "who": "ci@runner"})
CLOSE = Entry("run_close", {"counts": {"deleted": 1}, "reason": "done"})


def journal(*runs: tuple[str, float, Sequence[Entry]]) -> list[Record]:
    """Write a journal: each entry of a run a minute after the one before."""
    records: list[Record] = []
    for run, hours_ago, entries in runs:
        for minute, entry in enumerate(entries):
            when = NOW - timedelta(hours=hours_ago) + timedelta(minutes=minute)
            last = records[-1] if records else None
            records += chain(last, run, when, [entry])
    return records


def journals() -> Mapping[Repository, Sequence[Record]]:
    """Write what two runs did: one finished, one was killed and settled by a third."""
    skipped = Entry("outcome", {"key": OTHER, "result": "skipped_changed", "reason": "tag moved"})
    settled = Entry("resolve", {"key": KEY, "result": "deleted", "of": "run-2"})
    abandoned = Entry("run_close", {"of": "run-2", "reason": "abandoned"})
    return {
        WEB: journal(("run-1", 72, [OPEN, INTENT, OUTCOME, skipped, CLOSE])),
        API: journal(
            ("run-1", 72, [OPEN, CLOSE]),
            ("run-2", 48, [OPEN, INTENT]),
            ("run-3", 5, [settled, abandoned, OPEN, CLOSE]),
        ),
    }


def test_runs_are_listed_with_the_latest_first() -> None:
    lines = render_runs(summaries(journals()), PLAIN).splitlines()

    assert lines == [
        "run-3  2026-11-02 07:02 UTC  4h ago  1m 00s",
        "    nothing; 1 repository; ci@runner",
        "run-2  2026-10-31 12:00 UTC  2d ago  abandoned",
        "    1 deleted; 1 repository; ci@runner",
        "run-1  2026-10-30 12:00 UTC  3d ago  4m 00s",
        "    1 deleted, 1 skipped changed; 2 repositories; ci@runner",
    ]


def test_a_run_without_an_end_is_open() -> None:
    (one,) = summaries({WEB: journal(("run-1", 1, [OPEN, INTENT]))})

    assert one.took == "open"
    assert one.results == {}


def test_a_result_that_was_settled_later_replaces_the_unknown_one() -> None:
    unknown = Entry("outcome", {"key": KEY, "result": "unknown"})
    settled = Entry("resolve", {"key": KEY, "result": "not_done", "of": "run-1"})

    (one,) = summaries(
        {WEB: journal(("run-1", 9, [OPEN, INTENT, unknown, CLOSE]), ("run-2", 5, [settled]))}
    )

    assert one.results == {"not_done": 1}
    assert one.took == "3m 00s"


def test_the_records_of_a_run_say_what_happened_and_why() -> None:
    lines = render_records(located(journals(), "run-2"), PLAIN).splitlines()

    assert lines == [
        "2026-10-31 12:00:00  run_open  ghcr.io/acme/api",
        "    by ci@runner",
        f"2026-10-31 12:01:00  intent  {KEY}",
        "    v1, pr-7 | previews: age 9d vs within 2d",
        f"2026-11-02 07:00:00  resolve  {KEY}",
        "    deleted | of run run-2",
        "2026-11-02 07:01:00  run_close  ghcr.io/acme/api",
        "    abandoned | of run run-2",
    ]


def test_an_undo_a_hold_and_a_release_say_what_they_are_about() -> None:
    opened = Entry("run_open", {"undoes": "run-1", "who": "ci@runner"})
    held = Entry("hold", {"digests": [digest("v1"), digest("v2")]})
    released = Entry("release", {"digests": [digest("v1")]})

    lines = render_records(located({WEB: journal(("u", 1, [opened, held, released]))}), PLAIN)

    told = [line.strip() for line in lines.splitlines()[1::2]]
    assert told == ["undoes run run-1 | by ci@runner", "2 versions", "1 version"]


def test_an_empty_log_says_so() -> None:
    assert render_runs(summaries({}), PLAIN) == "No run has been recorded yet.\n"
    assert render_records([], PLAIN) == "No record matches.\n"
    assert runs_as_json([]) == "[]\n"


def test_programs_get_the_runs_as_json() -> None:
    told = json.loads(runs_as_json(summaries(journals())))

    assert told[1] == {
        "run": "run-2",
        "opened": "2026-10-31T12:00:00+00:00",
        "closed": None,
        "end": "abandoned",
        "who": "ci@runner",
        "repositories": ["ghcr.io/acme/api"],
        "results": {"deleted": 1},
    }


def test_programs_get_each_record_whole() -> None:
    found = located(journals(), "run-2")

    told = json.loads(records_as_json(found))

    assert told[1] == {"repository": "ghcr.io/acme/api", **found[1][1].model_dump(mode="json")}


def test_a_hostile_journal_cannot_drive_the_terminal() -> None:
    entry = Entry("outcome", {"key": "\x1b[2J", "result": "failed", "reason": "[red]\x9b1m\nx"})

    text = render_records(located({WEB: journal(("\x1b]0;t\x07", 1, [entry]))}), PLAIN)
    runs = render_runs(summaries({WEB: journal(("\x1b]0;t\x07", 1, [entry]))}), PLAIN)

    assert text.splitlines()[0].endswith(r"outcome  \x1b[2J")
    assert text.splitlines()[1] == r"    failed | [red]\x9b1m\nx"
    assert runs.startswith(r"\x1b]0;t\x07  ")
