"""What a change of policies does, for a pull request."""

from collections.abc import Iterator

from reconciler.formats import changes
from reconciler.formats.budget import fitting
from reconciler.formats.details import ROWS, ImageGroup, html
from reconciler.formats.humanise import counted
from reconciler.formats.markup import alert, code, row
from reconciler.model.difference import ChangedImage, Difference, RepositoryDifference, Shift

WEAKENED_BYTES = 6_000
"""Room for what protects less, in bytes."""

CHANGES_BYTES = 6_000
"""Room for the list of what goes and what stays, in bytes."""


def summary(difference: Difference) -> Iterator[str]:
    """Say first what protects less, then what the change does, edit by edit."""
    weakened = [
        f"{code(part.repository)}: {changes.weakness(weak, code)}"
        for part in difference.repositories
        for weak in part.weakened
    ]
    if weakened:
        told = fitting(weakened, WEAKENED_BYTES, _more)
        yield from alert("CAUTION", ["**It protects less than before.**", *told])
    yield f"**{changes.headline(difference, code)}**"
    yield ""
    listed = [f"- {text}" for text in _listed(difference)]
    yield from fitting(listed, CHANGES_BYTES, lambda count: f"- {_more(count)}")
    if listed:
        yield ""


def shift_groups(difference: Difference) -> Iterator[ImageGroup]:
    """Group the images that change sides, to unfold on a click."""
    for part in difference.repositories:
        for shift, more in _shifts(part):
            if shift.images:
                yield _group(shift, part, more=more)


def _more(count: int) -> str:
    return f"... and {count:,} more"


def _listed(difference: Difference) -> Iterator[str]:
    if difference.error:
        yield changes.failure(difference, code)
    for part in difference.repositories:
        name = code(part.repository)
        if part.error:
            yield f"{name}: {changes.uncompared(part, code)}"
        for shift, more in _shifts(part):
            yield f"{name}: {changes.amount(shift, more=more)} {changes.reason(shift, part, code)}"


def _shifts(part: RepositoryDifference) -> Iterator[tuple[Shift, bool]]:
    yield from ((shift, True) for shift in part.added)
    yield from ((shift, False) for shift in part.spared)


def _group(shift: Shift, part: RepositoryDifference, *, more: bool) -> ImageGroup:
    # Without its rows it says nothing that the list has not said.
    amount = changes.amount(shift, more=more)
    table = "\n".join(_rows(shift))
    return ImageGroup(
        images=len(shift.images),
        full=(
            f"\n<details><summary>{html(part.repository)}: {amount}"
            f" {changes.reason(shift, part, html)}</summary>\n\n{table}\n\n</details>\n"
        ),
        folded="",
    )


def _rows(shift: Shift) -> Iterator[str]:
    yield row("Tags", "Digest", "Before", "Now")
    yield "| --- | --- | --- | --- |"
    for fate in shift.images[:ROWS]:
        yield _row(fate)
    if len(shift.images) > ROWS:
        yield f"\n{counted(len(shift.images) - ROWS, 'more image')} left out."


def _row(fate: ChangedImage) -> str:
    return row(
        code(", ".join(fate.tags) or "(untagged)"),
        code(fate.digest.short),
        code(changes.verdicts(fate.before)),
        code(changes.verdicts(fate.after)),
    )
