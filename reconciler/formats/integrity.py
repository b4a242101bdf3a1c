"""Whether images are complete, as text and JSON."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict

from reconciler.analysis.integrity import Broken, ImagePart, Missing, Wholeness
from reconciler.formats.phrases import counted, moment, size
from reconciler.formats.report import Cell, Column, Figure, Notice, Report, ReportSection, Table

_COLUMNS = (Column("Tags", "code"), Column("Digest", "code"), Column("Lacks"))
_MAX_ROWS = 3
"""Most tags that are named of one image, and most things it lacks; JSON has them all."""


def report(found: Sequence[Wholeness]) -> Report:
    """Put a report together: the repositories with broken images first."""
    ordered = sorted(found, key=_worst_first)
    return Report(
        title="Images, whole or broken",
        last=_totals(found),
        figures=tuple(_figures(found)),
        sections=tuple(map(_section, ordered)),
    )


def _worst_first(one: Wholeness) -> tuple[bool, bool, str]:
    return not one.error, not (one.broken or one.dangling), one.repository


def as_json(found: Sequence[Wholeness]) -> str:
    """Write what was found as one JSON document."""
    repositories = [
        {name: value for name, value in asdict(one).items() if name != "failure"} for one in found
    ]
    broken = sum(len(one.broken) for one in found)
    document = {"repositories": repositories, "broken": broken}
    return json.dumps(document, indent=2, sort_keys=True, default=str) + "\n"


def _totals(found: Sequence[Wholeness]) -> str:
    images, broken = sum(one.images for one in found), sum(len(one.broken) for one in found)
    unread = counted(sum(bool(one.error) for one in found), "repository", "repositories")
    return f"Verify: {counted(images, 'image')}, {broken:,} broken, {unread} unread."


def _figures(found: Sequence[Wholeness]) -> Iterator[Figure]:
    broken = sum(len(one.broken) for one in found)
    yield Figure(f"{sum(one.images for one in found):,}", "tagged images")
    yield Figure(f"{broken:,}", "broken", "warns" if broken else "stays")
    yield Figure(f"{len(found):,}", "repositories")


def _section(one: Wholeness) -> ReportSection:
    rows = [_row(image) for image in one.broken]
    return ReportSection(
        heading=one.repository,
        notices=tuple(_notices(one)),
        texts=() if one.error else tuple(_texts(one)),
        tables=(Table(f"{counted(len(rows), 'broken image')}", _COLUMNS, rows),) if rows else (),
    )


def _notices(one: Wholeness) -> Iterator[Notice]:
    if one.error:
        yield Notice(
            "This repository could not be read.", list(filter(None, (one.error, one.hint)))
        )
    if one.dangling:
        yield Notice(
            f"{counted(len(one.dangling), 'tag')} listed without a manifest.",
            [", ".join(one.dangling), "To mend a tag, push it anew, or delete it by hand."],
        )
    if runs := sorted({hole.run for image in one.broken for hole in image.missing if hole.run}):
        yield Notice(
            "Runs of ours deleted what some of these images lack.",
            [f"To bring it back, where the registry can: reconciler undo {run}" for run in runs],
        )


def _texts(one: Wholeness) -> Iterator[str]:
    asked = counted(one.manifests, "manifest")
    if one.blobs is None:
        asked += "; --blobs asks for configurations and layers too"
    else:
        asked += f" and {counted(one.blobs, 'configuration or layer', 'configurations and layers')}"
    whole = one.images - len(one.broken)
    yield f"{counted(one.images, 'tagged image')}, {whole:,} of them whole. Asked for: {asked}."
    if one.foreign:
        layers = counted(one.foreign, "layer")
        yield f"Not asked for: {layers} that may not be distributed and lie elsewhere."
    if one.broken:
        yield "To mend a broken image, build and push it again, or delete its tags."


def _row(image: Broken) -> Sequence[Cell]:
    tags = ", ".join(image.tags[:_MAX_ROWS])
    more = len(image.tags) - _MAX_ROWS
    return (
        Cell(f"{tags} and {more} more" if more > 0 else tags),
        Cell(image.digest.short),
        Cell(_lacks(image)),
    )


def _lacks(image: Broken) -> str:
    named = [_named(hole) for hole in image.missing[:_MAX_ROWS]]
    more = len(image.missing) - _MAX_ROWS
    return "; ".join([*named, *([f"and {more:,} more"] if more > 0 else [])])


def _named(hole: Missing) -> str:
    """Name one thing that is missing, and say since when where somebody knows."""
    weight = f" of {size(hole.size)}" if hole.size else ""
    match hole.part:
        case ImagePart.MANIFEST:
            what = f"manifest for {hole.platform}" if hole.platform else "manifest"
        case ImagePart.CONFIGURATION:
            what = "configuration"
        case ImagePart.LAYER:
            what = f"layer{weight}"
    return f"{what} {hole.digest.short}{_since(hole)}"


def _since(hole: Missing) -> str:
    if hole.gone:
        return f", deleted by run {hole.run} at {moment(hole.gone)}"
    return f", which a run saw first at {moment(hole.last_seen)}" if hole.last_seen else ""
