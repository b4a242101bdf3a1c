"""A policy comparison for a terminal and for a pull request."""

import json
from collections.abc import Iterator, Sequence

from rich.text import Text

from reconciler.formats.markdown import ROWS as MARKDOWN_ROWS
from reconciler.formats.markdown import ImageGroup, alert, code, html, row
from reconciler.formats.phrases import Quote, counted, fitting, shortened
from reconciler.formats.terminal import ROWS, STYLES, Row, first_rows, line, table, wrapped
from reconciler.formats.view import View
from reconciler.model.comparison import (
    Difference,
    PolicyEdit,
    RepositoryDifference,
    Shift,
    Weakening,
)

EDITS = 3
"""Edits that one sentence lists; the others are counted."""

_LONGEST = 120
"""Longest value that is quoted, in characters."""

_PLAIN = (int, float, bool)

WEAKENED_BYTES = 6_000
"""Room for the list of weakened protections, in bytes."""

CHANGES_BYTES = 6_000
"""Room for the list of changes, in bytes."""


def headline(difference: Difference, quote: Quote = str) -> str:
    """Sum up what the change does."""
    where = f"Compared with {quote(difference.against)} on the same inventory"
    if difference.error:
        return f"{where}: not possible."
    counts = (
        f"{difference.added:,} more to delete" if difference.added else "",
        f"{difference.spared:,} fewer" if difference.spared else "",
    )
    return f"{where}: {', '.join(filter(None, counts)) or 'no difference in what is deleted'}."


def failure(difference: Difference, quote: Quote = str) -> str:
    """Say why the comparison is not possible."""
    return f"the other policies cannot be compared: {quote(difference.error)}"


def weakness(weak: Weakening, quote: Quote = str) -> str:
    """Say which protection was weakened, and how many images lose it."""
    edits = _list_edits(weak.edits, quote)
    if not weak.images:
        return edits
    lose = "image loses its" if weak.images == 1 else "images lose their"
    to_delete = f"{weak.going:,}" if weak.going else "none"
    return f"{edits}: {weak.images:,} {lose} protection, {to_delete} of them to delete now"


def reason(shift: Shift, part: RepositoryDifference, quote: Quote = str) -> str:
    """Say which edit changes the decision of these images."""
    if shift.because:
        return f"because {_list_edits(shift.because, quote)}"
    if not part.before:
        return f"because policy {quote(part.after)} now governs it, and no policy did before"
    if not part.after:
        return f"because policy {quote(part.before)} no longer governs it"
    return f"because policy {quote(part.after)} decides differently than {quote(part.before)}"


def shift_amount(shift: Shift, *, more: bool) -> str:
    """Say how many versions have another decision."""
    return f"{shift.versions:,} {'more' if more else 'fewer'} to delete"


def verdicts(reasons: Sequence[str]) -> str:
    """Write the reasons of one side; `no policy` where no policy governs the repository."""
    return "; ".join(reasons) or "no policy"


def uncompared(part: RepositoryDifference, quote: Quote = str) -> str:
    """Say that a repository could not be compared, and why."""
    return f"not compared: {quote(part.error)}"


def _list_edits(edits: Sequence[PolicyEdit], quote: Quote) -> str:
    texts = []
    for edit in edits[:EDITS]:
        path = quote(edit.path)
        before, after = _value(edit.before, quote), _value(edit.after, quote)
        # An edit without a key adds or removes a whole part, such as a rule.
        if not edit.key:
            texts.append(f"{edit.part} {path} {'is new' if edit.after else 'was removed'}")
        elif not edit.after:
            texts.append(f"{path}: {before} was removed")
        elif not edit.before:
            texts.append(f"{path} is now {after}")
        else:
            texts.append(f"{path} changed from {before} to {after}")
    if len(edits) > EDITS:
        texts.append(counted(len(edits) - EDITS, "more change"))
    *others, last = texts
    return ", ".join([*others, f"and {last}" if others else last])


def _value(text: str, quote: Quote) -> str:
    """Write a value as a policy does: numbers bare, everything else quoted.

    A saved comparison may be hostile: a value that is not JSON is quoted unchanged.
    """
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        value = text
    if isinstance(value, _PLAIN):
        # Serialized again, because JSON allows line breaks around a number.
        return shortened(json.dumps(value), _LONGEST)
    return quote(shortened(value if isinstance(value, str) else text, _LONGEST))


def lines(difference: Difference, view: View) -> Iterator[Text]:
    """Print a comparison, with an empty line after it."""
    yield from wrapped(headline(difference), view, style="bold")
    if difference.error:
        yield from wrapped(failure(difference), view, lead="  ? ", style=STYLES["?"])
    # Weakened protections come first: they also endanger images that are not to delete yet.
    weakened = [
        f"{part.repository}: {weakness(weak)}"
        for part in difference.repositories
        for weak in part.weakened
    ]
    if weakened:
        yield line(("  Weakened protections:", STYLES["?"]))
    for text in first_rows(weakened, view):
        yield from wrapped(text, view, lead="  ! ", style=STYLES["!"])
    if len(weakened) > len(first_rows(weakened, view)):
        yield line(f"  ... and {len(weakened) - ROWS:,} more; `--all` has them")
    for part in difference.repositories:
        if part.error:
            yield line((f"? {part.repository}", STYLES["?"]))
            yield from wrapped(uncompared(part), view, lead="  ")
        elif part.added or part.spared:
            yield line((part.repository, "bold"))
            for shift in part.added:
                yield from _shift(shift, part, view, symbol="-")
            for shift in part.spared:
                yield from _shift(shift, part, view, symbol="^")
    yield line()


def _shift(shift: Shift, part: RepositoryDifference, view: View, *, symbol: str) -> Iterator[Text]:
    amount = shift_amount(shift, more=symbol == "-")
    yield from wrapped(f"{amount} {reason(shift, part)}", view, lead="  ")
    if shift.images:
        rows = [
            Row(
                symbol,
                ", ".join(fate.tags) or "(untagged)",
                fate.digest.short,
                (f"before: {verdicts(fate.before)};", f"now: {verdicts(fate.after)}"),
            )
            for fate in first_rows(shift.images, view)
        ]
        yield from table(rows, view, of=len(rows))
    if len(shift.images) > len(first_rows(shift.images, view)):
        hidden = counted(len(shift.images) - ROWS, "more image")
        yield line(f"    ... and {hidden}; `--all` has them")


def summary(difference: Difference) -> Iterator[str]:
    """Write the weakened protections first, then the effect of each edit."""
    weakened = [
        f"{code(part.repository)}: {weakness(weak, code)}"
        for part in difference.repositories
        for weak in part.weakened
    ]
    if weakened:
        sentences = fitting(weakened, WEAKENED_BYTES, _more)
        yield from alert("CAUTION", ["**Weakened protections**", *sentences])
    yield f"**{headline(difference, code)}**"
    yield ""
    changes = [f"- {failure(difference, code)}"] if difference.error else []
    for part in difference.repositories:
        name = code(part.repository)
        if part.error:
            changes.append(f"- {name}: {uncompared(part, code)}")
        changes += [
            f"- {name}: {shift_amount(shift, more=more)} {reason(shift, part, code)}"
            for shift, more in _shifts(part)
        ]
    yield from fitting(changes, CHANGES_BYTES, lambda count: f"- {_more(count)}")
    if changes:
        yield ""


def shift_groups(difference: Difference) -> Iterator[ImageGroup]:
    """Group the images whose decision changes, in collapsible sections."""
    for part in difference.repositories:
        for shift, more in _shifts(part):
            if not shift.images:
                continue
            amount = shift_amount(shift, more=more)
            heading = f"{html(part.repository)}: {amount} {reason(shift, part, html)}"
            rows = [row("Tags", "Digest", "Before", "Now"), "| --- | --- | --- | --- |"]
            rows += [
                row(
                    code(", ".join(fate.tags) or "(untagged)"),
                    code(fate.digest.short),
                    code(verdicts(fate.before)),
                    code(verdicts(fate.after)),
                )
                for fate in shift.images[:MARKDOWN_ROWS]
            ]
            if (hidden := len(shift.images) - MARKDOWN_ROWS) > 0:
                rows.append(f"\n{counted(hidden, 'more image')} omitted.")
            text = "\n".join(rows)
            yield ImageGroup(
                images=len(shift.images),
                full=f"\n<details><summary>{heading}</summary>\n\n{text}\n\n</details>\n",
                # Empty, because the list of changes already has its heading.
                folded="",
            )


def _more(count: int) -> str:
    return f"... and {count:,} more"


def _shifts(part: RepositoryDifference) -> Iterator[tuple[Shift, bool]]:
    yield from ((shift, True) for shift in part.added)
    yield from ((shift, False) for shift in part.spared)
