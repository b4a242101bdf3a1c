"""Locks are told with who holds them, and breaking one with what becomes of its run."""

import json
from datetime import timedelta

from reconciler.formats.state import as_json, render, render_broken
from reconciler.formats.view import View
from reconciler.model.names import Repository
from reconciler.model.ports import Holder
from reconciler.model.results import LockStatus
from tests.support.inventories import WEB
from tests.support.time import NOON

VIEW = View(now=NOON, width=100)
API = Repository("ghcr.io/acme/api")
HOLDER = Holder("run-7", "octocat", "ci", NOON - timedelta(hours=3), 4711)


def test_free_and_held_locks_are_told_apart() -> None:
    assert render([LockStatus(API, None), LockStatus(WEB, HOLDER)], VIEW).splitlines() == [
        "ghcr.io/acme/api  free",
        "ghcr.io/acme/web",
        "  held by run run-7 since 2026-11-02 09:00 UTC (3h ago): octocat on ci, process 4711",
    ]


def test_where_no_run_was_ever_there_is_no_lock() -> None:
    assert render([], VIEW) == "No repository has a state yet.\n"


def test_programs_get_null_for_a_free_lock() -> None:
    assert json.loads(as_json([LockStatus(API, None), LockStatus(WEB, HOLDER)])) == [
        {"repository": API, "holder": None},
        {
            "repository": WEB,
            "holder": {
                "run": "run-7",
                "who": "octocat",
                "where": "ci",
                "since": "2026-11-02T09:00:00+00:00",
                "process": 4711,
            },
        },
    ]


def test_a_broken_lock_of_this_machine_says_how_to_end_its_process() -> None:
    text = render_broken([LockStatus(WEB, HOLDER)], VIEW, machine="ci")

    assert text.splitlines() == [
        "ghcr.io/acme/web  the lock of run run-7 is broken",
        "  Held by octocat on this machine, process 4711.",
        "  If this process still runs, it deletes nothing more and stops at its next step.",
        "  To end it now: kill 4711",
    ]


def test_a_process_of_another_machine_is_not_ours_to_kill() -> None:
    text = render_broken([LockStatus(WEB, HOLDER)], VIEW, machine="laptop")

    assert "  Held by octocat on ci, process 4711.\n" in text
    assert "kill" not in text
