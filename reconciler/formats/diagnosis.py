"""A diagnosis as a report: counts, causes, their meaning, growth, and what to change."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from math import ceil

from reconciler.analysis.diagnose.causes import ADVICE, VersionCause
from reconciler.analysis.diagnose.diagnose import Diagnosis, DiagnosisResult
from reconciler.analysis.diagnose.finding import AHEAD, Amount
from reconciler.analysis.diagnose.remedies import NAME, WorkflowAdvice, suggestion
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
    "is likely, but not proven: another cause can leave such versions, but the other versions of"
    " the repository point to this one"
)

_BLOCKS = "▁▂▃▄▅▆▇█"

DRAWN = 26
"""How many weeks a sparkline has."""

RECENT = 4
"""Over how many weeks an average is taken."""

_CAUSE = Column("Cause")


def report(results: Sequence[DiagnosisResult]) -> Report:
    """Build the report, a section for each repository."""
    diagnoses = [result.diagnosis for result in results if result.diagnosis]
    versions = sum(len(diagnosis.findings) for diagnosis in diagnoses)
    tagged = sum(diagnosis.tagged for diagnosis in diagnoses)
    needed = sum(diagnosis.needed for diagnosis in diagnoses)
    unneeded = sum(diagnosis.unneeded for diagnosis in diagnoses)
    unread = sum(result.error is not None for result in results)
    return Report(
        title="Why these versions exist",
        last=(
            f"Diagnose: {counted(versions, 'version')}, {tagged:,} tagged,"
            f" {needed:,} untagged but needed, {unneeded:,} not needed,"
            f" {counted(unread, 'repository', 'repositories')} unread."
        ),
        figures=(
            Figure(f"{versions:,}", "versions"),
            Figure(f"{tagged:,}", "tagged", "keep"),
            Figure(f"{needed:,}", "untagged but needed", "keep"),
            Figure(f"{unneeded:,}", "not needed", "delete"),
        ),
        sections=tuple(map(_section, results)),
    )


def _section(result: DiagnosisResult) -> ReportSection:
    diagnosis = result.diagnosis
    if diagnosis is None:
        texts = list(filter(None, (str(result.error), result.error.hint))) if result.error else []
        return ReportSection(
            result.repository, notices=[Notice("This repository could not be read.", texts)]
        )
    counsel = result.workflow_advice or WorkflowAdvice()
    bars = [
        Bar(group.cause, group.count, tone="keep" if group.needed else "delete")
        for group in diagnosis.groups
    ]
    return ReportSection(
        heading=result.repository,
        texts=tuple(_texts(result, diagnosis, counsel)),
        notices=tuple(_notices(diagnosis, counsel)),
        charts=(Chart(CAUSES_HEADING, bars),),
        courses=tuple(weekly_charts(diagnosis)),
        tables=(
            counts(diagnosis),
            meanings(diagnosis),
            *examples(diagnosis),
            *steps(counsel),
            changes(diagnosis),
            growth(diagnosis),
        ),
        listing=suggestion(diagnosis.inventory, (group.cause for group in diagnosis.groups)),
        # The first change is the most effective one, and one patch is enough to review at once.
        patch=next((change.patch for change in counsel.proposals[:1]), ""),
    )


def _texts(result: DiagnosisResult, diagnosis: Diagnosis, counsel: WorkflowAdvice) -> Iterator[str]:
    yield (
        f"{counted(len(diagnosis.findings), 'version')}: {diagnosis.tagged:,} tagged,"
        f" {diagnosis.needed:,} untagged and needed by a tagged image,"
        f" {diagnosis.unneeded:,} not needed."
    )
    if doubtful := sum(not finding.is_proven for finding in diagnosis.findings):
        yield f"The cause of {counted(doubtful, 'version')} {_LIKELY}."
    yield from outlook(result)
    for first in counsel.proposals[:1]:
        avoided = counted(first.unneeded or first.needed, "version")
        which = "that are not needed" if first.unneeded else "that are needed now"
        yield f"One change in {first.place} would have avoided {avoided} {which}."


def _notices(diagnosis: Diagnosis, counsel: WorkflowAdvice) -> Iterator[Notice]:
    broken = [
        finding
        for finding in diagnosis.findings
        if finding.cause is VersionCause.BROKEN and finding.version.tags
    ]
    if broken:
        named = (
            f"{', '.join(finding.version.tags[:3])}: {finding.evidence.text}"
            for finding in broken[:5]
        )
        yield Notice(
            f"{counted(len(broken), 'tagged image')} cannot be pulled completely.", [*named]
        )
    if counsel.unread:
        yield Notice("Workflow files that could not be read", counsel.unread)


def weekly_charts(diagnosis: Diagnosis) -> Iterator[Chart]:
    """Chart the versions and the bytes by week."""
    if len(diagnosis.weeks) > 1:
        days = [(f"{week.start:%Y-%m-%d}", week.amount) for week in diagnosis.weeks]
        yield Chart("Versions by week", [Bar(day, amount.versions) for day, amount in days])
        weights = [Bar(day, amount.octets, size(amount.octets)) for day, amount in days]
        yield Chart("Bytes by week", weights)


def outlook(result: DiagnosisResult) -> Iterator[str]:
    """Say what the repository will contain if pushes continue, without a policy and with one."""
    ahead = result.forecast
    if ahead is None:
        yield "This registry does not report push times, so growth cannot be estimated."
        return
    days = AHEAD.days
    yield (
        f"At the rate of the last {counted(ahead.measured.days, 'day')} there will be"
        f" {_amount(ahead.then)} in {days} days; now there are {_amount(ahead.now)}."
    )
    if result.policy and ahead.kept_now and ahead.kept_then:
        suggested = result.policy.name == NAME
        name = "the policy below" if suggested else f"policy {result.policy.name}"
        yield (
            f"With {name} there would be about {_amount(ahead.kept_then)} then, and"
            f" {_amount(ahead.kept_now)} now."
        )


def _amount(amount: Amount) -> str:
    return f"{counted(amount.versions, 'version')} and {size(amount.octets)}"


def counts(diagnosis: Diagnosis) -> Table:
    """Count the versions of each cause, and the bytes that they add."""
    numbers = (Column(title, "number") for title in ("Versions", "Needed", "Added"))
    columns = (_CAUSE, *numbers, Column("Newest"), Column("Oldest"))
    rows = []
    for group in diagnosis.groups:
        oldest, newest = group.span or (None, None)
        rows.append(
            (
                Cell(group.cause),
                Cell(f"{group.count:,}", group.count),
                Cell(f"{group.needed:,}", group.needed),
                Cell(size(group.added_bytes), group.added_bytes),
                Cell(_day(newest)),
                Cell(_day(oldest)),
            )
        )
    return Table("Why they exist", columns, rows)


def meanings(diagnosis: Diagnosis) -> Table:
    """Explain each cause, and whether its versions are needed."""
    advices = ((group.cause, ADVICE[group.cause]) for group in diagnosis.groups)
    rows = [_row(cause, f"{advice.means} {advice.needed}") for cause, advice in advices]
    return Table("What they are", (_CAUSE, Column("Meaning, and whether they are needed")), rows)


def examples(diagnosis: Diagnosis) -> Iterator[Table]:
    """List the newest and the oldest version of each cause, with the evidence."""
    columns = (_CAUSE, Column("Digest", "code"), Column("Pushed"), Column("Evidence"))
    for needed, which in ((False, "not needed"), (True, "needed")):
        rows: list[Sequence[Cell]] = []
        for group in diagnosis.groups:
            findings = [finding for finding in group.findings if finding.needed is needed]
            # The first and the last one, which are the same where a cause has a single version.
            for finding in (*findings[:1], *findings[1:][-1:]):
                doubt = "" if finding.is_proven else f"{finding.evidence.confidence}: "
                rows.append(
                    (
                        Cell(finding.cause),
                        Cell(finding.version.digest.short),
                        Cell(_day(finding.version.pushed)),
                        Cell(f"{doubt}{finding.evidence.text}"),
                    )
                )
        yield Table(f"Versions {which}: newest and oldest", columns, rows)


def steps(counsel: WorkflowAdvice) -> Iterator[Table]:
    """List the steps that create these versions, and what could be changed in them."""
    rows = [
        (Cell(attribution.place), Cell(attribution.step), Cell(", ".join(attribution.causes)))
        for attribution in counsel.attributions
    ]
    columns = (Column("Place", "code"), Column("Step", "code"), Column("Creates"))
    yield Table("Workflow steps that create them", columns, rows)
    changes = (Column("Place", "code"), Column("Avoids", "number"), Column("Change"))
    proposals = []
    for change in counsel.proposals:
        avoided = change.unneeded or change.needed
        which = "not needed" if change.unneeded else "needed"
        cells = (Cell(change.place), Cell(f"{avoided:,} {which}", avoided), Cell(change.text))
        proposals.append(cells)
    yield Table("What to change in the workflows", changes, proposals)


def changes(diagnosis: Diagnosis) -> Table:
    """Say what to change in the builds."""
    advices = ((group.cause, ADVICE[group.cause].build) for group in diagnosis.groups)
    rows = [_row(cause, change) for cause, change in advices if change]
    return Table("What to change in the builds", (_CAUSE, Column("Change")), rows)


def growth(diagnosis: Diagnosis) -> Table:
    """Show the weekly growth of each cause; no rows without push times."""
    drawn = min(DRAWN, len(diagnosis.weeks))
    columns = (
        _CAUSE,
        Column("Per week", "number"),
        Column("Bytes per week", "number"),
        Column(f"Last {drawn} weeks"),
    )
    rows = []
    # Without push times there are no weeks, and an average over none is not defined.
    for cause in [group.cause for group in diagnosis.groups] if diagnosis.weeks else []:
        amounts = [week.amounts.get(cause, Amount()) for week in diagnosis.weeks]
        recent = sum(amounts[-RECENT:], Amount())
        # A repository that is younger is averaged over the weeks that it has.
        weeks = min(RECENT, len(amounts))
        rows.append(
            (
                Cell(cause),
                Cell(f"{recent.versions / weeks:,.1f}", recent.versions / weeks),
                Cell(size(recent.octets // weeks), recent.octets / weeks),
                Cell(sparkline([amount.versions for amount in amounts[-DRAWN:]])),
            )
        )
    more = f"Averages of {RECENT} weeks, of versions that still exist. A dot is a week without any."
    return Table("Growth", columns, rows, more)


def _row(cause: VersionCause, text: str) -> Sequence[Cell]:
    return Cell(cause), Cell(text)


def _day(moment: datetime | None) -> str:
    return f"{moment:%Y-%m-%d}" if moment else ""


def sparkline(amounts: Sequence[float]) -> str:
    """Draw each amount as a block, relative to the largest; zero is a dot."""
    top = max(amounts, default=0)
    return "".join(
        _BLOCKS[ceil(amount / top * len(_BLOCKS)) - 1] if amount > 0 else "." for amount in amounts
    )
