"""What repositories take, for people and for programs."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict

from reconciler.analysis.usage import GroupUsage, ImageUsage, Usage, UsageTotals
from reconciler.formats.phrases import counted, size
from reconciler.formats.report import Bar, Cell, Chart, Column, Figure, Report, ReportSection, Table

_ONLY = "Only here: what no version outside of the row names, and so what would go with it."
_BARS = 12
"""Most bars of one chart."""

_FAMILIES = (
    Column("Tags", "code"),
    Column("Versions", "number"),
    Column("Takes", "number"),
    Column("Only here", "number"),
)
_CAUSES = (Column("Cause"), *_FAMILIES[1:])
_IMAGES = (
    Column("Digest", "code"),
    Column("Takes", "number"),
    Column("Only here", "number"),
    Column("Tags", "code"),
)
_TAGS = 5
"""Most tags that are named of one image; JSON has them all."""


def report(totals: UsageTotals) -> Report:
    """Put a report together: the repositories that take most first."""
    ordered = sorted(totals.repositories, key=lambda usage: (-usage.octets, usage.repository))
    return Report(
        title="What repositories take",
        last=_totals(totals),
        figures=tuple(_figures(totals)),
        sections=(*map(_section, ordered), *_common(totals)),
    )


def as_json(totals: UsageTotals) -> str:
    """Write an account as one JSON document. Units: `octets`, `alone` and the like in bytes."""
    return json.dumps(asdict(totals), indent=2, sort_keys=True) + "\n"


def _totals(totals: UsageTotals) -> str:
    versions = sum(usage.versions for usage in totals.repositories)
    repositories = counted(len(totals.repositories), "repository", "repositories")
    return f"Usage: {size(totals.octets)} in {counted(versions, 'version')} of {repositories}."


def _figures(totals: UsageTotals) -> Iterator[Figure]:
    yield Figure(size(totals.octets), "each blob once in each repository")
    yield Figure(f"{sum(usage.versions for usage in totals.repositories):,}", "versions")
    freed = [usage.freed.alone for usage in totals.repositories if usage.freed]
    if freed:
        yield Figure(size(sum(freed)), "freed by the plan", "goes")


def _section(usage: Usage) -> ReportSection:
    bars = [
        Bar(family.name, family.octets, size(family.octets)) for family in usage.families[:_BARS]
    ]
    return ReportSection(
        heading=usage.repository,
        texts=tuple(_texts(usage)),
        charts=[Chart("What the images of each kind of tag take", bars)],
        tables=(
            Table("By tag", _FAMILIES, list(map(_share, usage.families)), _ONLY),
            Table("By cause", _CAUSES, list(map(_share, usage.causes))),
            Table(
                "The biggest images, with all they keep", _IMAGES, list(map(_image, usage.biggest))
            ),
        ),
    )


def _texts(usage: Usage) -> Iterator[str]:
    yield (
        f"{size(usage.octets)} in {counted(usage.versions, 'version')}, each blob once;"
        f" {size(usage.stated)} if nothing were shared."
        f" {size(usage.shared)} belong to more than one version."
    )
    if usage.freed:
        yield _freed(usage.freed)
    if usage.foreign:
        layers = counted(usage.foreign, "layer")
        yield f"Not counted: {layers} that may not be distributed and lie elsewhere."
    if usage.unmeasured:
        versions = counted(usage.unmeasured, "version")
        yield f"Not counted: the layers of {versions} without a manifest that tells sizes."


def _freed(plan: GroupUsage) -> str:
    """Say what a plan takes away, and what of that belongs to something that stays."""
    deleted = f"The plan deletes {counted(plan.versions, 'version')} that take {size(plan.octets)}"
    if plan.alone == plan.octets:
        return f"{deleted}, and frees all of it."
    return f"{deleted}, and frees {size(plan.alone)}: the rest belongs to versions that stay, too."


def _common(totals: UsageTotals) -> Iterator[ReportSection]:
    """Say what several repositories have in common, where more than one was weighed."""
    if len(totals.repositories) > 1:
        text = (
            f"{size(totals.between)} belong to more than one of these repositories, and are counted"
            " in each; whether the registry stores them once, it does not say."
        )
        yield ReportSection("Between repositories", (text,))


def _share(share: GroupUsage) -> Sequence[Cell]:
    return (
        Cell(share.name),
        Cell(f"{share.versions:,}", share.versions),
        _amount(share.octets),
        _amount(share.alone),
    )


def _image(image: ImageUsage) -> Sequence[Cell]:
    tags = ", ".join(image.tags[:_TAGS]) or "(no tag)"
    more = len(image.tags) - _TAGS
    return (
        Cell(image.digest.short),
        _amount(image.octets),
        _amount(image.alone),
        Cell(f"{tags} and {more} more" if more > 0 else tags),
    )


def _amount(octets: int) -> Cell:
    return Cell(size(octets), octets)
