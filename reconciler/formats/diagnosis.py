"""A diagnosis as a report: counts, causes, their meaning, growth, and what to change."""

from collections.abc import Iterator, Sequence
from datetime import datetime

from reconciler.analysis.diagnose.causes import ADVICE, PHRASES, VersionCause
from reconciler.analysis.diagnose.diagnose import Diagnosis, DiagnosisResult
from reconciler.analysis.diagnose.remedies import (
    NAME,
    AdvisedChange,
    WorkflowAdvice,
    suggestion,
)
from reconciler.formats.growth import amount, charts, growth, outlook
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
        answer=answer(diagnoses),
        next=next_command(results),
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
        sections=tuple(_section(result, alone=len(results) == 1) for result in results),
    )


def answer(diagnoses: Sequence[Diagnosis]) -> str:
    """Answer in one sentence how much is needed by nothing, and why it is there.

    Shape: empty where nothing was read; without a full stop, since a next step may follow.
    """
    versions = sum(len(diagnosis.findings) for diagnosis in diagnoses)
    unneeded = sum(diagnosis.unneeded for diagnosis in diagnoses)
    if not versions:
        return ""
    if not unneeded:
        return f"All of {counted(versions, 'version')} are needed"
    share = round(100 * unneeded / versions)
    octets = sum(diagnosis.unneeded_bytes for diagnosis in diagnoses)
    largest = max(diagnoses, key=lambda diagnosis: diagnosis.unneeded)
    cause = f"; main cause: {PHRASES[largest.main_cause]}" if largest.main_cause else ""
    return (
        f"{share or 'Under 1'}% of {counted(versions, 'version')}, {size(octets)}, are needed by"
        f" nothing{cause}"
    )


def next_command(results: Sequence[DiagnosisResult]) -> str:
    """Return the command that goes on from a diagnosis; empty where nothing was read."""
    read = [result for result in results if result.diagnosis and result.diagnosis.findings]
    if not read:
        return ""
    if any(result.policy and result.policy.name != NAME for result in read):
        return "reconciler plan"
    # Of many repositories, the one where most can be deleted comes first.
    first = max(read, key=lambda result: result.diagnosis.unneeded if result.diagnosis else 0)
    return f"reconciler init {first.repository}"


def _section(result: DiagnosisResult, *, alone: bool) -> ReportSection:
    diagnosis = result.diagnosis
    if diagnosis is None:
        texts = list(filter(None, (str(result.error), result.error.hint))) if result.error else []
        return ReportSection(
            result.repository, notices=[Notice("This repository could not be read.", texts)]
        )
    counsel = result.workflow_advice or WorkflowAdvice()
    bars = [
        Bar(PHRASES[group.cause], group.count, tone="keep" if group.needed else "delete")
        for group in diagnosis.groups
    ]
    return ReportSection(
        heading=result.repository,
        texts=(
            *([] if alone else [f"{answer([diagnosis])}."]),
            *_texts(result, diagnosis, counsel),
        ),
        notices=tuple(_notices(diagnosis, counsel)),
        charts=(Chart(CAUSES_HEADING, bars),),
        courses=tuple(charts(result)),
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
        yield from _effect(first, result)


def _effect(change: AdvisedChange, result: DiagnosisResult) -> Iterator[str]:
    """Say what a change would have done; a replay of such workflows in our tests proves it."""
    concerned = counted(change.unneeded or change.needed, "version")
    which = "that are not needed" if change.unneeded else "that are needed now"
    if not change.names:
        yield f"One change in {change.place} would have avoided {concerned} {which}."
        return
    yield (
        f"One change in {change.place} gives each build a tag of its own: {concerned} {which} would"
        " still have one. It spares none of them."
    )
    if result.forecast and result.forecast.kept_now:
        kept = amount(result.forecast.kept_now)
        yield f"A policy does: of {amount(result.forecast.now)} it keeps {kept} now."


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


def counts(diagnosis: Diagnosis) -> Table:
    """Count the versions of each cause, and the bytes that they add."""
    numbers = (Column(title, "number") for title in ("Versions", "Needed", "Added"))
    columns = (_CAUSE, *numbers, Column("Newest"), Column("Oldest"))
    rows = []
    for group in diagnosis.groups:
        oldest, newest = group.span or (None, None)
        rows.append(
            (
                Cell(PHRASES[group.cause]),
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
    rows = [_row(cause, f"{advice.means} {advice.needed} [{cause}]") for cause, advice in advices]
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
                        Cell(PHRASES[finding.cause]),
                        Cell(finding.version.digest.short),
                        Cell(_day(finding.version.pushed)),
                        Cell(f"{doubt}{finding.evidence.text}"),
                    )
                )
        yield Table(f"Versions {which}: newest and oldest", columns, rows)


def steps(counsel: WorkflowAdvice) -> Iterator[Table]:
    """List the steps that create these versions, and what could be changed in them."""
    rows = []
    for attribution in counsel.attributions:
        made = ", ".join(PHRASES[cause] for cause in attribution.causes)
        rows.append((Cell(attribution.place), Cell(attribution.step), Cell(made)))
    columns = (Column("Place", "code"), Column("Step", "code"), Column("Creates"))
    yield Table("Workflow steps that create them", columns, rows)
    changes = (Column("Place", "code"), Column("Effect"), Column("Change"))
    proposals = []
    for change in counsel.proposals:
        concerned = change.unneeded or change.needed
        which = "not needed" if change.unneeded else "needed"
        effect = f"{'tags' if change.names else 'avoids'} {concerned:,} {which}"
        cells = (Cell(change.place), Cell(effect, concerned), Cell(change.text))
        proposals.append(cells)
    yield Table("What to change in the workflows", changes, proposals)


def changes(diagnosis: Diagnosis) -> Table:
    """Say what to change in the builds."""
    advices = ((group.cause, ADVICE[group.cause].build) for group in diagnosis.groups)
    rows = [_row(cause, change) for cause, change in advices if change]
    return Table("What to change in the builds", (_CAUSE, Column("Change")), rows)


def _row(cause: VersionCause, text: str) -> Sequence[Cell]:
    return Cell(PHRASES[cause]), Cell(text)


def _day(moment: datetime | None) -> str:
    return f"{moment:%Y-%m-%d}" if moment else ""
