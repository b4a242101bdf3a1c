"""The tables of a diagnosis."""

from collections.abc import Iterator, Sequence
from datetime import datetime

from reconciler.core.diagnosing.advice import ADVICE
from reconciler.core.diagnosing.causes import VersionCause
from reconciler.core.diagnosing.diagnose import Diagnosis
from reconciler.core.diagnosing.finding import CauseGroup, DiagnosedVersion
from reconciler.core.diagnosing.growth import Amount
from reconciler.formats.html.parts import Cell, Column, Table
from reconciler.formats.humanise import size
from reconciler.formats.sparkline import sparkline

DRAWN = 26
"""How many weeks a line of blocks shows."""

RECENT = 4
"""How many weeks an average is taken of."""

_CAUSE = Column("Cause")


def counts(told: Diagnosis) -> Table:
    """Count and weigh the versions of each cause."""
    numbers = (Column(title, "number") for title in ("Versions", "Needed", "Brought"))
    columns = (_CAUSE, *numbers, Column("Newest"), Column("Oldest"))
    return Table("Why they are here", columns, [_count(group) for group in told.groups])


def meanings(told: Diagnosis) -> Table:
    """Say what the versions of each cause are, and whether they are needed."""
    advices = ((group.cause, ADVICE[group.cause]) for group in told.groups)
    rows = [_row(cause, f"{advice.means} {advice.needed}") for cause, advice in advices]
    return Table("What they are", (_CAUSE, Column("And whether they are needed")), rows)


def examples(told: Diagnosis) -> Iterator[Table]:
    """Show the newest and the oldest of each cause, and what shows that it is one."""
    columns = (_CAUSE, Column("Digest", "code"), Column("Pushed"), Column("What shows it"))
    for needed, which in ((False, "that nothing needs"), (True, "that are needed")):
        found = [one for group in told.groups for one in _two(group, needed=needed)]
        yield Table(f"Versions {which}, newest and oldest", columns, [*map(_example, found)])


def changes(told: Diagnosis) -> Table:
    """Say what to change where images are built."""
    advices = ((group.cause, ADVICE[group.cause].build) for group in told.groups)
    rows = [_row(cause, change) for cause, change in advices if change]
    return Table("What to change so that fewer come", (_CAUSE, Column("Change")), rows)


def growth(told: Diagnosis) -> Table:
    """Show how each cause grows from week to week; no rows without push times."""
    drawn = min(DRAWN, len(told.weeks))
    columns = (
        _CAUSE,
        Column("A week", "number"),
        Column("Bytes a week", "number"),
        Column(f"The last {drawn} weeks"),
    )
    rows = [_grown(group.cause, told) for group in told.groups] if told.weeks else []
    more = f"An average of {RECENT} weeks, of what is here still; a dot is a week without any."
    return Table("How it grows", columns, rows, more)


def _count(group: CauseGroup) -> Sequence[Cell]:
    oldest, newest = group.span or (None, None)
    return (
        Cell(group.cause),
        Cell(f"{group.count:,}", group.count),
        Cell(f"{group.needed:,}", group.needed),
        Cell(size(group.brings), group.brings),
        Cell(_day(newest)),
        Cell(_day(oldest)),
    )


def _example(finding: DiagnosedVersion) -> Sequence[Cell]:
    doubt = "" if finding.is_proven else f"{finding.sign.confidence}: "
    return (
        Cell(finding.cause),
        Cell(finding.version.digest.short),
        Cell(_day(finding.version.pushed)),
        Cell(f"{doubt}{finding.sign.text}"),
    )


def _two(group: CauseGroup, *, needed: bool) -> Sequence[DiagnosedVersion]:
    found = [finding for finding in group.findings if finding.needed is needed]
    return [*found[:1], *found[1:][-1:]]


def _grown(cause: VersionCause, told: Diagnosis) -> Sequence[Cell]:
    amounts = [week.amounts.get(cause, Amount()) for week in told.weeks]
    recent = sum(amounts[-RECENT:], Amount())
    weeks = min(RECENT, len(amounts))
    return (
        Cell(cause),
        Cell(f"{recent.versions / weeks:,.1f}", recent.versions / weeks),
        Cell(size(recent.octets // weeks), recent.octets / weeks),
        Cell(sparkline([amount.versions for amount in amounts[-DRAWN:]])),
    )


def _row(cause: VersionCause, text: str) -> Sequence[Cell]:
    return Cell(cause), Cell(text)


def _day(moment: datetime | None) -> str:
    return f"{moment:%Y-%m-%d}" if moment else ""
