"""What was found, as a report: how much there is, why, what it means, and what to change."""

from collections.abc import Iterator, Sequence

from reconciler.core.diagnosing.causes import VersionCause
from reconciler.core.diagnosing.counsel import WorkflowAdvice
from reconciler.core.diagnosing.diagnose import Diagnosis
from reconciler.core.diagnosing.examined import Examined
from reconciler.core.diagnosing.suggestion import suggestion
from reconciler.formats.diagnosis.course import course, outlook
from reconciler.formats.diagnosis.tables import changes, counts, examples, growth, meanings
from reconciler.formats.diagnosis.workflows import patch, steps, unread, verdict
from reconciler.formats.html.parts import Bar, Chart, Figure, Notice
from reconciler.formats.humanise import counted
from reconciler.formats.reports.report import Report, ReportSection

CAUSES_HEADING = "Versions by cause"

_LIKELY = (
    "is likely and not proven: something else leaves the same behind, and what there is beside"
    " it decided"
)


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
    broken = [one for one in told.findings if one.cause is VersionCause.BROKEN and one.version.tags]
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
