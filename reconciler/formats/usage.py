"""What repositories take, for people and for programs."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict

from reconciler.analysis.usage import Share, Usage, UsageTotals, Weighed
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


def report(found: UsageTotals) -> Report:
    """Put a report together: the repositories that take most first."""
    ordered = sorted(found.repositories, key=lambda usage: (-usage.octets, usage.repository))
    return Report(
        title="What repositories take",
        last=_totals(found),
        figures=tuple(_figures(found)),
        sections=(*map(_section, ordered), *_common(found)),
    )


def as_json(found: UsageTotals) -> str:
    """Write an account as one JSON document. Units: `octets`, `alone` and the like in bytes."""
    return json.dumps(asdict(found), indent=2, sort_keys=True) + "\n"


def _totals(found: UsageTotals) -> str:
    versions = sum(usage.versions for usage in found.repositories)
    repositories = counted(len(found.repositories), "repository", "repositories")
    return f"Usage: {size(found.octets)} in {counted(versions, 'version')} of {repositories}."


def _figures(found: UsageTotals) -> Iterator[Figure]:
    yield Figure(size(found.octets), "each blob once in each repository")
    yield Figure(f"{sum(usage.versions for usage in found.repositories):,}", "versions")
    freed = [usage.freed.alone for usage in found.repositories if usage.freed]
    if freed:
        yield Figure(size(sum(freed)), "freed by the plan", "goes")


def _section(usage: Usage) -> ReportSection:
    bars = [Bar(one.name, one.octets, size(one.octets)) for one in usage.families[:_BARS]]
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


def _freed(plan: Share) -> str:
    """Say what a plan takes away, and what of that belongs to something that stays."""
    deleted = f"The plan deletes {counted(plan.versions, 'version')} that take {size(plan.octets)}"
    if plan.alone == plan.octets:
        return f"{deleted}, and frees all of it."
    return f"{deleted}, and frees {size(plan.alone)}: the rest belongs to versions that stay, too."


def _common(found: UsageTotals) -> Iterator[ReportSection]:
    """Say what several repositories have in common, where more than one was weighed."""
    if len(found.repositories) > 1:
        text = (
            f"{size(found.between)} belong to more than one of these repositories, and are counted"
            " in each; whether the registry stores them once, it does not say."
        )
        yield ReportSection("Between repositories", (text,))


def _share(share: Share) -> Sequence[Cell]:
    return (
        Cell(share.name),
        Cell(f"{share.versions:,}", share.versions),
        _amount(share.octets),
        _amount(share.alone),
    )


def _image(image: Weighed) -> Sequence[Cell]:
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
