"""What `reconciler state` prints: the condition of each repository, and what was copied."""

import json
from collections.abc import Iterable, Iterator, Sequence
from typing import Protocol

from rich.text import Text

from reconciler.errors import ReconcilerError
from reconciler.formats.humanise import counted
from reconciler.formats.paper import line, printed
from reconciler.formats.view import View
from reconciler.model.display import safe
from reconciler.model.journal import Record
from reconciler.model.names import Repository
from reconciler.model.ports import Holder


class StateCondition(Protocol):
    """What is found of one repository."""

    @property
    def repository(self) -> Repository:
        """Which one."""

    @property
    def records(self) -> int:
        """How many records its journal has."""

    @property
    def head(self) -> str:
        """The hash of the last one."""

    @property
    def pending(self) -> int:
        """Intents without an outcome."""

    @property
    def observed(self) -> int:
        """Digests that were observed."""

    @property
    def holder(self) -> Holder | None:
        """Who holds its lock."""

    @property
    def error(self) -> ReconcilerError | None:
        """What is wrong with it."""


class CopiedState(Protocol):
    """What was copied of one repository."""

    @property
    def repository(self) -> Repository:
        """Which one."""

    @property
    def records(self) -> int:
        """How many records are new there."""

    @property
    def head(self) -> str:
        """The hash of the last one."""


def render_conditions(conditions: Sequence[StateCondition], view: View) -> str:
    """Print the condition of each repository."""
    return printed(_conditions(conditions), view)


def render_copied(copied: Sequence[CopiedState], view: View) -> str:
    """Print what was copied of each repository."""
    return printed(_copied(copied), view)


def as_line(repository: Repository, record: Record) -> str:
    """Write one record with its repository as a line of JSON, as it was chained."""
    document = {"repository": repository, **record.model_dump(mode="json")}
    return json.dumps(document, sort_keys=True, separators=(",", ":"))


def _conditions(conditions: Iterable[StateCondition]) -> Iterator[Text]:
    found = False
    for one in conditions:
        found = True
        yield line((one.repository, "bold"))
        if one.error:
            yield line(("  broken  ", "red"), safe(str(one.error)))
            continue
        yield line(f"  journal  {counted(one.records, 'record')}, verified; head {one.head or '-'}")
        if one.pending:
            yield line(f"  pending  {counted(one.pending, 'intent')} without an outcome")
        yield line(f"  observed {counted(one.observed, 'digest')}")
        if one.holder:
            yield line(f"  locked   by run {one.holder.run}")
    if not found:
        yield line("No repository has a state yet.")


def _copied(copied: Iterable[CopiedState]) -> Iterator[Text]:
    for one in copied:
        yield line((one.repository, "bold"))
        yield line(
            f"  {counted(one.records, 'record')} copied and verified; head {one.head or '-'}"
        )
