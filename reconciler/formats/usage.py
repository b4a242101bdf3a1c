"""Storage used by repositories, as a report and as JSON."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict

from reconciler.analysis.usage import GroupUsage, Usage, UsageTotals
from reconciler.formats.phrases import counted, size
from reconciler.formats.report import Bar, Cell, Chart, Column, Figure, Report, ReportSection, Table

_ONLY = "Unshared: what no version outside of the row refers to, so deleting the row would free it."
_BARS = 12
"""Most bars of one chart."""

_FAMILIES = (
    Column("Tags", "code"),
    Column("Versions", "number"),
    Column("Size", "number"),
    Column("Unshared", "number"),
)
_CAUSES = (Column("Cause"), *_FAMILIES[1:])
_IMAGES = (
    Column("Digest", "code"),
    Column("Size", "number"),
    Column("Unshared", "number"),
    Column("Tags", "code"),
)
_TAGS = 5
"""Most tags of one image that are printed; JSON has them all."""


def report(totals: UsageTotals) -> Report:
    """Build the report, the largest repositories first."""
    ordered = sorted(totals.repositories, key=lambda usage: (-usage.octets, usage.repository))
    versions = sum(usage.versions for usage in ordered)
    repositories = counted(len(ordered), "repository", "repositories")
    figures = [
        Figure(size(totals.octets), "each blob counted once per repository"),
        Figure(f"{versions:,}", "versions"),
    ]
    if freed := [usage.freed.alone for usage in ordered if usage.freed]:
        figures.append(Figure(size(sum(freed)), "freed by the plan", "delete"))
    sections = [*map(_section, ordered)]
    # Of one repository alone nothing is shared with others.
    if len(totals.repositories) > 1:
        text = (
            f"{size(totals.between)} are shared by several of these repositories, and counted in"
            " each. The registry does not report whether it stores them once."
        )
        sections.append(ReportSection("Between repositories", (text,)))
    return Report(
        title="Storage used by repositories",
        last=f"Usage: {size(totals.octets)} in {counted(versions, 'version')} of {repositories}.",
        figures=figures,
        sections=sections,
    )


def as_json(totals: UsageTotals) -> str:
    """Write the usage as one JSON document. Units: `octets`, `alone` and similar in bytes."""
    return json.dumps(asdict(totals), indent=2, sort_keys=True) + "\n"


def _section(usage: Usage) -> ReportSection:
    images = []
    for image in usage.biggest:
        tags = ", ".join(image.tags[:_TAGS]) or "(no tag)"
        more = len(image.tags) - _TAGS
        images.append(
            (
                Cell(image.digest.short),
                _amount(image.octets),
                _amount(image.alone),
                Cell(f"{tags} and {more} more" if more > 0 else tags),
            )
        )
    bars = [
        Bar(family.name, family.octets, size(family.octets)) for family in usage.families[:_BARS]
    ]
    return ReportSection(
        heading=usage.repository,
        texts=tuple(_texts(usage)),
        charts=[*_before_after(usage), Chart("Size by kind of tag", bars)],
        tables=(
            Table("By tag", _FAMILIES, list(map(_share, usage.families)), _ONLY),
            Table("By cause", _CAUSES, list(map(_share, usage.causes))),
            Table("Largest images, with all that they refer to", _IMAGES, images),
        ),
    )


def _before_after(usage: Usage) -> Iterator[Chart]:
    """Compare now with what a plan leaves: bytes that only its versions use are freed."""
    if (plan := usage.freed) and plan.versions:
        after = usage.octets - plan.alone
        bars = [
            Bar("now", usage.octets, size(usage.octets)),
            Bar("after the plan", after, size(after), "keep"),
            Bar("freed", plan.alone, size(plan.alone), "delete"),
        ]
        yield Chart("Bytes before and after the plan", bars)


def _texts(usage: Usage) -> Iterator[str]:
    yield (
        f"{size(usage.octets)} in {counted(usage.versions, 'version')}, each blob counted"
        f" once; {size(usage.stated)} if nothing were shared."
        f" {size(usage.shared)} are shared by several versions."
    )
    if plan := usage.freed:
        deleted = f"The plan deletes {counted(plan.versions, 'version')} of {size(plan.octets)}"
        if plan.alone == plan.octets:
            yield f"{deleted}, and frees all of it."
        else:
            yield f"{deleted}, and frees {size(plan.alone)}: kept versions share the rest."
    if usage.foreign:
        yield f"Not counted: {counted(usage.foreign, 'non-distributable layer')}."
    if usage.unmeasured:
        versions = counted(usage.unmeasured, "version")
        yield f"Not counted: the layers of {versions} without a manifest that states sizes."


def _share(share: GroupUsage) -> Sequence[Cell]:
    return (
        Cell(share.name),
        Cell(f"{share.versions:,}", share.versions),
        _amount(share.octets),
        _amount(share.alone),
    )


def _amount(octets: int) -> Cell:
    return Cell(size(octets), octets)
