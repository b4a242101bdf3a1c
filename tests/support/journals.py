"""Journals as runs would have written them: deletions and restorations by name."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from reconciler.engine.records import intents, outcome_entry
from reconciler.model.causes import Cause
from reconciler.model.journal import Entry, Record, Result, chain
from reconciler.model.names import Tag
from reconciler.model.plan_rows import Change, Observed
from reconciler.model.results import Outcome
from tests.support.inventories import WEB, digest
from tests.support.time import NOON

OPENED = {"who": "robot@ci", "plan": "sha256:abc", "policy": "web", "undo_days": 30}


def change(
    name: str, *tags: str, lists: Sequence[str] = (), subject: str = "", restore: bool = False
) -> Change:
    """Change one version; its digest spells the name, and its number follows from it."""
    return Change(
        key=f"{WEB}@{digest(name)}",
        digest=digest(name),
        version_id=number(name),
        action="restore" if restore else "delete",
        component=1,
        cause=Cause.EXPIRED,
        rules=("previews",),
        reasons=("previews: age 9d vs within 7d",),
        observed=Observed(
            tags=tuple(map(Tag, tags)),
            children=tuple(map(digest, lists)),
            subject=digest(subject) if subject else None,
        ),
    )


def number(name: str) -> str:
    """Return the registry's number of a version."""
    return str(int(digest(name)[7:27], 16))


@dataclass
class Book:
    """A journal that is written run by run."""

    records: list[Record] = field(default_factory=list)

    def write(self, run: str, days_ago: float, *entries: Entry) -> None:
        """Let a run write entries, all at one moment."""
        last = self.records[-1] if self.records else None
        self.records += chain(last, run, ago(days_ago), entries)

    def run(
        self,
        run: str,
        days_ago: float,
        *changes: Change,
        result: Result | None = None,
        opened: Mapping[str, Any] = OPENED,
    ) -> None:
        """Let a run change versions, one way or the other, and close; or die, without a result."""
        self.write(run, days_ago, Entry("run_open", opened), *map(_begun, changes))
        if result is not None:
            ended = [outcome_entry(Outcome(one, result)) for one in changes]
            self.write(run, days_ago, *ended, Entry("run_close", {"reason": "done"}))

    def deleted(self, run: str, days_ago: float, *changes: Change) -> None:
        """Let a run delete versions."""
        self.run(run, days_ago, *changes, result=Result.DELETED)

    def restored(self, run: str, days_ago: float, *names: str) -> None:
        """Let a run restore versions."""
        back = (change(name, restore=True) for name in names)
        self.run(run, days_ago, *back, result=Result.RESTORED)

    def resolved(self, run: str, days_ago: float, of: str, one: Change, result: Result) -> None:
        """Let a run find out what became of an intent of a dead one."""
        body = {**_begun(one).body, "result": result, "of": of}
        self.write(run, days_ago, Entry("resolve", body))


def ago(days: float) -> datetime:
    """Return the moment so many days before noon."""
    return NOON - timedelta(days=days)


def _begun(one: Change) -> Entry:
    *_, begun = intents(one, one.observed.children)
    return begun


def spelled(texts: Iterable[str], *names: str) -> list[str]:
    """Write names in the place of the digests that spell them."""
    written = list(texts)
    for name in names:
        full = digest(name)
        written = [text.replace(full, name).replace(full.short, name) for text in written]
    return written
