"""A diagnosis as a report: counts, causes, what they mean, growth, and what to change."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from math import ceil

from reconciler.analysis.diagnose.causes import ADVICE, VersionCause
from reconciler.analysis.diagnose.diagnose import Diagnosis, Examined
from reconciler.analysis.diagnose.finding import AHEAD, Amount, CauseGroup, DiagnosedVersion
from reconciler.analysis.diagnose.suggestion import NAME, WorkflowAdvice, suggestion
from reconciler.formats.diagnosis_json import patch, steps, unread, verdict
from reconciler.formats.phrases import counted, size
from reconciler.formats.report import (
    Bar,
    Cell,
    Chart,
    Column,
    Figure,
    Notice,
    Report,
    ReportSection,
    Table,
)

CAUSES_HEADING = "Versions by cause"

_LIKELY = (
    "is likely and not proven: something else leaves the same behind, and what there is beside"
    " it decided"
)

_BLOCKS = "▁▂▃▄▅▆▇█"

DRAWN = 26
"""How many weeks a line of blocks shows."""

RECENT = 4
"""How many weeks an average is taken of."""

_CAUSE = Column("Cause")


def report(found: Sequence[Examined]) -> Report:
    """Put a report together, a section for each repository."""
    return Report(
        title="Why these versions are here",
        last=_totals(found),
        figures=tuple(_figures(found)),
        sections=tuple(map(_section, found)),
    )


def _totals(found: Sequence[Examined]) -> str:
    told = [one.diagnosis for one in found if one.diagnosis]
    unread = sum(one.error is not None for one in found)
    return (
        f"Diagnose: {counted(sum(len(one.findings) for one in told), 'version')},"
        f" {sum(one.tagged for one in told):,} tagged,"
        f" {sum(one.needed for one in told):,} needed without a tag,"
        f" {sum(one.unneeded for one in told):,} that nothing needs,"
        f" {counted(unread, 'repository', 'repositories')} unread."
    )


def _figures(found: Sequence[Examined]) -> Iterator[Figure]:
    told = [one.diagnosis for one in found if one.diagnosis]
    yield Figure(f"{sum(len(one.findings) for one in told):,}", "versions")
    yield Figure(f"{sum(one.tagged for one in told):,}", "tagged", "stays")
    yield Figure(f"{sum(one.needed for one in told):,}", "needed without a tag", "stays")
    yield Figure(f"{sum(one.unneeded for one in told):,}", "that nothing needs", "goes")


def _section(one: Examined) -> ReportSection:
    told = one.diagnosis
    if told is None:
        texts = list(filter(None, (str(one.error), one.error.hint))) if one.error else []
        return ReportSection(one.repository, notices=[Notice("This could not be read.", texts)])
    counsel = one.counsel or WorkflowAdvice()
    return ReportSection(
        heading=one.repository,
        texts=tuple(_texts(one, told)),
        notices=(*_notices(told), *unread(counsel)),
        charts=(_chart(told),),
        courses=tuple(course(told)),
        tables=(
            counts(told),
            meanings(told),
            *examples(told),
            *steps(counsel),
            changes(told),
            growth(told),
        ),
        listing=suggestion(told.inventory, (group.cause for group in told.groups)),
        patch=patch(counsel),
    )


def _texts(one: Examined, told: Diagnosis) -> Iterator[str]:
    yield (
        f"{counted(len(told.findings), 'version')}: {told.tagged:,} tagged, {told.needed:,}"
        f" without a tag that something tagged needs, {told.unneeded:,} that nothing needs."
    )
    if doubtful := sum(not finding.is_proven for finding in told.findings):
        yield f"The cause of {counted(doubtful, 'version')} {_LIKELY}."
    yield from outlook(one)
    yield from verdict(one.counsel or WorkflowAdvice())


def _notices(told: Diagnosis) -> Iterator[Notice]:
    broken = [
        finding
        for finding in told.findings
        if finding.cause is VersionCause.BROKEN and finding.version.tags
    ]
    if broken:
        named = (f"{', '.join(one.version.tags[:3])}: {one.sign.text}" for one in broken[:5])
        yield Notice(f"{counted(len(broken), 'tagged image')} cannot be pulled whole.", [*named])


def _chart(told: Diagnosis) -> Chart:
    return Chart(
        CAUSES_HEADING,
        [
            Bar(group.cause, group.count, tone="stays" if group.needed else "goes")
            for group in told.groups
        ],
    )


def course(told: Diagnosis) -> Iterator[Chart]:
    """Draw versions and bytes by week."""
    if len(told.weeks) > 1:
        days = [(f"{week.start:%Y-%m-%d}", week.amount) for week in told.weeks]
        yield Chart("Versions by week", [Bar(day, amount.versions) for day, amount in days])
        weights = [Bar(day, amount.octets, size(amount.octets)) for day, amount in days]
        yield Chart("Bytes by week", weights)


def outlook(one: Examined) -> Iterator[str]:
    """Say what there will be if pushes go on as they do, without a policy and with one."""
    ahead = one.forecast
    if ahead is None:
        yield "This registry tells no push times, so nothing can be said of growth."
        return
    days = AHEAD.days
    yield (
        f"At the pace of the last {counted(ahead.measured.days, 'day')} there will be"
        f" {_amount(ahead.then)} in {days} days; now there are {_amount(ahead.now)}."
    )
    if one.policy and ahead.staying and ahead.kept:
        suggested = one.policy.name == NAME
        name = "the policy below" if suggested else f"policy {one.policy.name}"
        yield f"With {name} about {_amount(ahead.kept)} then; now {_amount(ahead.staying)}."


def _amount(amount: Amount) -> str:
    return f"{counted(amount.versions, 'version')} and {size(amount.octets)}"


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


def sparkline(amounts: Sequence[float]) -> str:
    """Draw each amount as high as it is beside the largest; nothing at all is a dot."""
    top = max(amounts, default=0)
    return "".join(_block(amount, top) for amount in amounts)


def _block(amount: float, top: float) -> str:
    if amount <= 0:
        return "."
    return _BLOCKS[ceil(amount / top * len(_BLOCKS)) - 1]
