"""Whether images can be pulled completely, as a report and as JSON."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict

from reconciler.analysis.integrity import ImagePart, IntegrityResult, MissingPart
from reconciler.formats.phrases import counted, moment, size
from reconciler.formats.report import Cell, Column, Figure, Notice, Report, ReportSection, Table

_COLUMNS = (Column("Tags", "code"), Column("Digest", "code"), Column("Missing"))
_MAX_ROWS = 3
"""Most tags and most missing parts of one image that are printed; JSON has them all."""


def report(results: Sequence[IntegrityResult]) -> Report:
    """Build the report, the repositories with broken images first."""
    ordered = sorted(results, key=_worst_first)
    images = sum(result.images for result in results)
    broken = sum(len(result.broken) for result in results)
    unread = counted(sum(bool(result.error) for result in results), "repository", "repositories")
    return Report(
        title="Complete and broken images",
        last=f"Verify: {counted(images, 'image')}, {broken:,} broken, {unread} unread.",
        figures=(
            Figure(f"{images:,}", "tagged images"),
            Figure(f"{broken:,}", "broken", "warn" if broken else "keep"),
            Figure(f"{len(results):,}", "repositories"),
        ),
        sections=tuple(map(_section, ordered)),
    )


def _worst_first(result: IntegrityResult) -> tuple[bool, bool, str]:
    # Nothing is known of a repository that could not be read, so it comes first.
    return not result.error, not (result.broken or result.dangling), result.repository


def as_json(results: Sequence[IntegrityResult]) -> str:
    """Write the results as one JSON document."""
    repositories = [asdict(result) for result in results]
    # The keys are part of the format: programs read them, so they keep their first names.
    for repository in repositories:
        del repository["failure"]
        for image in repository["broken"]:
            for part in image["missing"]:
                part["seen"] = part.pop("last_seen")
    broken = sum(len(result.broken) for result in results)
    document = {"repositories": repositories, "broken": broken}
    return json.dumps(document, indent=2, sort_keys=True, default=str) + "\n"


def _section(result: IntegrityResult) -> ReportSection:
    rows = []
    for image in result.broken:
        tags = ", ".join(image.tags[:_MAX_ROWS])
        more = len(image.tags) - _MAX_ROWS
        missing = [_named(hole) for hole in image.missing[:_MAX_ROWS]]
        if len(image.missing) > _MAX_ROWS:
            missing.append(f"and {len(image.missing) - _MAX_ROWS:,} more")
        rows.append(
            (
                Cell(f"{tags} and {more} more" if more > 0 else tags),
                Cell(image.digest.short),
                Cell("; ".join(missing)),
            )
        )
    return ReportSection(
        heading=result.repository,
        notices=tuple(_notices(result)),
        texts=() if result.error else tuple(_texts(result)),
        tables=(Table(f"{counted(len(rows), 'broken image')}", _COLUMNS, rows),) if rows else (),
    )


def _notices(result: IntegrityResult) -> Iterator[Notice]:
    if result.error:
        yield Notice(
            "This repository could not be read.", list(filter(None, (result.error, result.hint)))
        )
    if result.dangling:
        yield Notice(
            f"{counted(len(result.dangling), 'tag')} listed without a manifest.",
            [", ".join(result.dangling), "To repair a tag, push it again, or delete it by hand."],
        )
    if runs := sorted({hole.run for image in result.broken for hole in image.missing if hole.run}):
        yield Notice(
            "Runs of Reconciler deleted what some of these images lack.",
            [f"To restore it, where the registry can: reconciler undo {run}" for run in runs],
        )


def _texts(result: IntegrityResult) -> Iterator[str]:
    asked = counted(result.manifests, "manifest")
    if result.blobs is None:
        asked += "; --blobs checks configurations and layers as well"
    else:
        asked += (
            f" and {counted(result.blobs, 'configuration or layer', 'configurations and layers')}"
        )
    whole = result.images - len(result.broken)
    yield f"{counted(result.images, 'tagged image')}, {whole:,} of them complete. Checked: {asked}."
    if result.foreign:
        yield f"Not checked: {counted(result.foreign, 'non-distributable layer')}."
    if result.broken:
        yield "To repair a broken image, rebuild and push it, or delete its tags."


def _named(hole: MissingPart) -> str:
    """Name one missing part, and when it was deleted or first observed, where known."""
    weight = f" of {size(hole.size)}" if hole.size else ""
    match hole.part:
        case ImagePart.MANIFEST:
            what = f"manifest for {hole.platform}" if hole.platform else "manifest"
        case ImagePart.CONFIGURATION:
            what = "configuration"
        case ImagePart.LAYER:
            what = f"layer{weight}"
    since = ""
    if hole.gone:
        since = f", deleted by run {hole.run} at {moment(hole.gone)}"
    elif hole.last_seen:
        since = f", first observed by a run at {moment(hole.last_seen)}"
    return f"{what} {hole.digest.short}{since}"
