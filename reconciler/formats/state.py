"""Output of `state` and `lock`: the condition of each repository, copies, and lock holders."""

import json
from collections.abc import Iterable, Sequence

from rich.text import Text

from reconciler.formats.phrases import counted, distance, moment
from reconciler.formats.terminal import line, printed, wrapped
from reconciler.formats.view import View
from reconciler.model.base import safe
from reconciler.model.journal import Record
from reconciler.model.names import Repository
from reconciler.model.ports import Holder
from reconciler.model.results import CopyResult, LockStatus, StateCheck

FREE = "No lock is held. A lock ends with its process, so there is nothing to break."


def render_conditions(conditions: Sequence[StateCheck], view: View) -> str:
    """Print the condition of each repository."""
    lines = [] if conditions else [line("No repository has a state yet.")]
    for condition in conditions:
        lines.append(line((condition.repository, "bold")))
        if condition.error:
            lines.append(line(("  broken  ", "red"), safe(str(condition.error))))
            # Nothing else is known of a journal that fails its verification.
            continue
        records = counted(condition.records, "record")
        lines.append(line(f"  journal  {records}, verified; head {condition.head or '-'}"))
        if condition.pending:
            pending = counted(condition.pending, "intent")
            lines.append(line(f"  pending  {pending} without an outcome"))
        lines.append(line(f"  observed {counted(condition.observed, 'digest')}"))
        if condition.holder:
            lines.append(line(f"  locked   by run {condition.holder.run}"))
    return printed(lines, view)


def render_copied(copied: Sequence[CopyResult], view: View) -> str:
    """Print what was copied of each repository."""
    lines: list[Text] = []
    for result in copied:
        records = counted(result.records, "record")
        lines.append(line((result.repository, "bold")))
        lines.append(line(f"  {records} copied and verified; head {result.head or '-'}"))
    return printed(lines, view)


def as_line(repository: Repository, record: Record) -> str:
    """Write one record with its repository as one line of JSON."""
    document = {"repository": repository, **record.model_dump(mode="json")}
    return json.dumps(document, sort_keys=True, separators=(",", ":"))


def render(locks: Sequence[LockStatus], view: View) -> str:
    """Print the lock holder of each repository."""
    lines = [] if locks else [line("No repository has a state yet.")]
    for lock in locks:
        holder = lock.holder
        lines.append(line((lock.repository, "bold"), "" if holder else "  free"))
        if holder:
            since = f"{moment(holder.since)} ({distance(holder.since, view.now)})"
            who = f"{holder.who} on {holder.where}{_process(holder)}"
            text = f"held by run {holder.run} since {since}: {who}"
            lines += wrapped(text, view, lead="  ", style="yellow")
    return printed(lines, view)


def render_broken(locks: Sequence[LockStatus], view: View, *, machine: str) -> str:
    """Print the broken locks and how to end their processes; `machine` is this machine."""
    lines: list[Text] = []
    for lock in locks:
        holder = lock.holder
        if holder is None:
            continue
        lines.append(line((lock.repository, "bold"), f"  the lock of run {holder.run} is broken"))
        # A process id of another machine would name an unrelated process here.
        is_here = holder.where == machine
        where = "this machine" if is_here else holder.where
        lines += wrapped(f"Held by {holder.who} on {where}{_process(holder)}.", view, lead="  ")
        # Breaking a lock ends no process: each run checks its lock before each deletion.
        lines.append(
            line(
                "  If this process still runs, it deletes nothing more and stops at its next step."
            )
        )
        if is_here and holder.process:
            lines.append(line(f"  To end it now: kill {holder.process}"))
    return printed(lines, view)


def as_json(locks: Iterable[LockStatus]) -> str:
    """Write locks as JSON; the holder of a free lock is null."""
    documents = [
        {
            "repository": lock.repository,
            "holder": {
                "run": lock.holder.run,
                "who": lock.holder.who,
                "where": lock.holder.where,
                "since": lock.holder.since.isoformat(),
                "process": lock.holder.process or None,
            }
            if lock.holder
            else None,
        }
        for lock in locks
    ]
    return json.dumps(documents, indent=2, sort_keys=True) + "\n"


def _process(holder: Holder) -> str:
    return f", process {holder.process}" if holder.process else ""
