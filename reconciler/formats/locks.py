"""Locks for people and programs: who holds the one of each repository."""

import json
from collections.abc import Iterable, Iterator, Sequence
from typing import Protocol

from rich.text import Text

from reconciler.formats.humanise import distance, moment
from reconciler.formats.paper import line, printed, wrapped
from reconciler.formats.view import View
from reconciler.model.names import Repository
from reconciler.model.ports import Holder

FREE = "No lock is held. A lock goes with its process, so there is nothing to break."


class LockRow(Protocol):
    """The lock of one repository."""

    @property
    def repository(self) -> Repository:
        """Whose lock it is."""

    @property
    def holder(self) -> Holder | None:
        """Who holds it; None if nobody does."""


def render(locks: Sequence[LockRow], view: View) -> str:
    """Print who holds the lock of each repository."""
    return printed(_lines(locks, view), view)


def render_broken(locks: Sequence[LockRow], view: View, *, machine: str) -> str:
    """Print which locks were broken, and what to do with their runs; `machine` is this one."""
    return printed(_broken(locks, view, machine), view)


def as_json(locks: Iterable[LockRow]) -> str:
    """Write locks as JSON; a free one has null for a holder."""
    documents = [{"repository": one.repository, "holder": _document(one.holder)} for one in locks]
    return json.dumps(documents, indent=2, sort_keys=True) + "\n"


def _lines(locks: Sequence[LockRow], view: View) -> Iterator[Text]:
    if not locks:
        yield line("No repository has a state yet.")
    for one in locks:
        yield line((one.repository, "bold"), "" if one.holder else "  free")
        if one.holder:
            yield from wrapped(_holder(one.holder, view), view, lead="  ", style="yellow")


def _holder(holder: Holder, view: View) -> str:
    since = f"{moment(holder.since)} ({distance(holder.since, view.now)})"
    who = f"{holder.who} on {holder.where}{_process(holder)}"
    return f"held by run {holder.run} since {since}: {who}"


def _process(holder: Holder) -> str:
    return f", process {holder.process}" if holder.process else ""


def _broken(locks: Sequence[LockRow], view: View, machine: str) -> Iterator[Text]:
    for one in locks:
        holder = one.holder
        if holder is None:
            continue
        yield line((one.repository, "bold"), f"  the lock of run {holder.run} is broken")
        is_here = holder.where == machine
        where = "this machine" if is_here else holder.where
        yield from wrapped(f"Held by {holder.who} on {where}{_process(holder)}.", view, lead="  ")
        yield line("  If that wakes up, it deletes nothing more and ends at its next step.")
        if is_here and holder.process:
            yield line(f"  To end it now: kill {holder.process}")


def _document(holder: Holder | None) -> dict[str, object] | None:
    if holder is None:
        return None
    return {
        "run": holder.run,
        "who": holder.who,
        "where": holder.where,
        "since": holder.since.isoformat(),
        "process": holder.process or None,
    }
