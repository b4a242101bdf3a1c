"""What every format for people says of a change of policies, in the same words."""

import json
from collections.abc import Callable, Iterator, Sequence
from itertools import islice

from reconciler.formats.humanise import counted, shortened
from reconciler.model.difference import (
    Difference,
    PolicyEdit,
    RepositoryDifference,
    Shift,
    Weakening,
)

Quote = Callable[[str], str]
"""Makes a text from outside fit for a format."""

EDITS = 3
"""Edits that are told in one sentence; the others are counted."""

_LONGEST = 120
"""Longest value that is quoted, in characters."""

_PLAIN = (int, float, bool)


def headline(difference: Difference, quote: Quote = str) -> str:
    """Say what the change does, on the whole."""
    where = f"Compared with {quote(difference.against)} on the same inventory"
    if difference.error:
        return f"{where}: not possible."
    counts = (
        f"{difference.added:,} more to delete" if difference.added else "",
        f"{difference.spared:,} fewer" if difference.spared else "",
    )
    return f"{where}: {', '.join(filter(None, counts)) or 'nothing else is to delete'}."


def failure(difference: Difference, quote: Quote = str) -> str:
    """Say why there is nothing to compare with."""
    return f"the policies there cannot be compared: {quote(difference.error)}"


def weakness(weak: Weakening, quote: Quote = str) -> str:
    """Say what protects less, and what that means now."""
    told = _listed(weak.edits, quote)
    if not weak.images:
        return told
    lose = "image loses its" if weak.images == 1 else "images lose their"
    going = f"{weak.going:,}" if weak.going else "none"
    return f"{told}: {weak.images:,} {lose} protection, {going} of them to delete now"


def reason(shift: Shift, part: RepositoryDifference, quote: Quote = str) -> str:
    """Say because of what images change sides."""
    if shift.because:
        return f"because {_listed(shift.because, quote)}"
    if not part.before:
        return f"because policy {quote(part.after)} governs it now, and none did before"
    if not part.after:
        return f"because policy {quote(part.before)} does not govern it any more"
    return f"because policy {quote(part.after)} decides otherwise than {quote(part.before)} did"


def amount(shift: Shift, *, more: bool) -> str:
    """Say how many versions change sides."""
    return f"{shift.versions:,} {'more' if more else 'fewer'} to delete"


def verdicts(reasons: Sequence[str]) -> str:
    """Write what the rules of one side say; nothing where no policy asked them."""
    return "; ".join(reasons) or "no policy"


def uncompared(part: RepositoryDifference, quote: Quote = str) -> str:
    """Say that a repository could not be compared, and why."""
    return f"not compared: {quote(part.error)}"


def _listed(edits: Sequence[PolicyEdit], quote: Quote) -> str:
    told = [_edit_text(edit, quote) for edit in islice(edits, EDITS)]
    if len(edits) > EDITS:
        told.append(counted(len(edits) - EDITS, "more change"))
    return ", ".join(_joined(told))


def _joined(told: list[str]) -> Iterator[str]:
    yield from told[:-1]
    yield f"and {told[-1]}" if len(told) > 1 else told[0]


def _edit_text(edit: PolicyEdit, quote: Quote) -> str:
    """Tell one edit: `commits.keep.last` went from 50 to 20."""
    path = quote(edit.path)
    if not edit.key:
        return f"{edit.part} {path} {'is new' if edit.after else 'was removed'}"
    if not edit.after:
        return f"{path}, which was {_value(edit.before, quote)}, was removed"
    if not edit.before:
        return f"{path} is now {_value(edit.after, quote)}"
    return f"{path} went from {_value(edit.before, quote)} to {_value(edit.after, quote)}"


def _value(text: str, quote: Quote) -> str:
    """Write a value the way a policy does: numbers bare, everything else quoted.

    Saved differences are hostile: what is no JSON is quoted as it is.
    """
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        value = text
    if isinstance(value, _PLAIN):
        # Written anew: around a number JSON allows line breaks.
        return shortened(json.dumps(value), _LONGEST)
    return quote(shortened(value if isinstance(value, str) else text, _LONGEST))
