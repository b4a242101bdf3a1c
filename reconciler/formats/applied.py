"""The result of an apply or an undo: what was not done and why, then the counts."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass

from rich.text import Text

from reconciler.formats.phrases import counted
from reconciler.formats.terminal import line, printed, wrapped
from reconciler.formats.view import View
from reconciler.model.journal import Result
from reconciler.model.results import Applied, Dropped, Outcome

ROWS = 20
"""Reasons of one result that are printed without `--all`."""

_TOTALS = {
    "deleted": (Result.DELETED,),
    "already absent": (Result.ABSENT,),
    "skipped": (Result.SKIPPED_CHANGED, Result.SKIPPED_REFERENCED, Result.RESTORED),
    "retained": (Result.RETAINED,),
    "failed": (Result.FAILED,),
    "unknown": (Result.UNKNOWN,),
}
# In the order of printing: what a user has to look at comes first.
_RESULT_TEXTS = {
    Result.FAILED: ("failed", "bold red"),
    Result.UNKNOWN: ("with unknown outcome: the next run asks the registry", "bold red"),
    Result.SKIPPED_CHANGED: ("skipped: changed since the plan", "yellow"),
    Result.SKIPPED_REFERENCED: ("skipped: needed by a kept image", "yellow"),
    Result.RESTORED: ("deleted and restored", "yellow"),
    Result.RETAINED: ("retained by the registry", "cyan"),
    Result.NOT_DONE: ("not begun: the next run continues", "cyan"),
}


_RESTORED_TOTALS = {
    "restored": (Result.RESTORED,),
    "absent": (Result.ABSENT,),
    "skipped": (Result.SKIPPED_CHANGED, Result.SKIPPED_REFERENCED),
    "failed": (Result.FAILED,),
    "unknown": (Result.UNKNOWN,),
}
_RESTORE_RESULT_TEXTS = {
    Result.FAILED: ("not restored", "bold red"),
    Result.UNKNOWN: ("with unknown outcome: the next run asks the registry", "bold red"),
    Result.ABSENT: ("no longer restorable", "yellow"),
    Result.SKIPPED_CHANGED: ("skipped: already in the registry", "yellow"),
    Result.SKIPPED_REFERENCED: ("skipped: incomplete or unreferenced", "yellow"),
    Result.RESTORED: ("restored, but not entirely as before", "yellow"),
    Result.NOT_DONE: ("not begun: run it again to continue", "cyan"),
}


@dataclass(frozen=True, slots=True)
class RunTexts:
    """The texts for one kind of run: its name, its counts, and each result to report."""

    title: str
    totals: Mapping[str, tuple[Result, ...]]
    results: Mapping[Result, tuple[str, str]]


Ended = Outcome | Dropped
"""One planned change that was attempted, or dropped before."""

APPLY = RunTexts("Apply", _TOTALS, _RESULT_TEXTS)
UNDO = RunTexts("Undo", _RESTORED_TOTALS, _RESTORE_RESULT_TEXTS)


def render(parts: Sequence[Applied], view: View, *, texts: RunTexts = APPLY, undo: str = "") -> str:
    """Print the result of a run; `undo` is the command that restores what it deleted."""
    lines: list[Text] = []
    for part in parts:
        # A repository where everything went as planned has no lines: the totals count it.
        if written := list(_part(part, view, texts)):
            lines += [line((part.planned.repository, "bold")), *written, line()]
    if count := remaining(parts):
        done = {"planned": sum(len(_keys(part)) for part in parts), **counts(parts, texts)}
        numbers = [f"{number:,} {name}" for name, number in done.items() if number]
        lines.append(line(f"Versions: {', '.join(numbers)}, {count:,} left for the next run."))
    if undo:
        lines.append(line(f"To restore what was deleted: {undo}"))
    lines.append(line((f"{texts.title}: {totals(parts, texts)}.", "bold")))
    return printed(lines, view)


def remaining(parts: Iterable[Applied]) -> int:
    """Count the planned versions that no change was attempted on: the next run continues."""
    return sum(
        len(_keys(part)) - sum(each.result is not Result.NOT_DONE for each in _final(part))
        for part in parts
    )


def _keys(part: Applied) -> Set[str]:
    """The planned versions; an outcome of any other, such as a restored signature, counts, too."""
    planned = {change.key for change in part.planned.changes}
    return planned | {each.change.key for each in _final(part)}


def totals(parts: Iterable[Applied], texts: RunTexts = APPLY) -> str:
    """Write the counts of a run. Programs read this text, so it must not change."""
    return ", ".join(f"{count} {name}" for name, count in counts(parts, texts).items())


def counts(parts: Iterable[Applied], texts: RunTexts = APPLY) -> Mapping[str, int]:
    """Count the versions of a run by result, under the names that `totals` writes."""
    results = Counter(ended.result for part in parts for ended in _final(part))
    return {
        name: sum(results[result] for result in counted_as)
        for name, counted_as in texts.totals.items()
    }


def _part(part: Applied, view: View, texts: RunTexts) -> Iterator[Text]:
    """Print the error of a repository first, then the outcomes of each reported result."""
    if part.error:
        yield from wrapped(str(part.error), view, lead="  Error: ", style="bold red")
        yield from wrapped(part.error.hint, view, lead="  ")
    elif part.stopped:
        yield from wrapped(f"Stopped: {part.stopped}.", view, lead="  ", style="yellow")
    final = _final(part)
    for result, (text, style) in texts.results.items():
        # An image that is restored entirely as before needs no line: the totals count it.
        ended = [
            change
            for change in final
            if change.result is result and (change.reason or result is not Result.RESTORED)
        ]
        if not ended:
            continue
        yield line((f"  {counted(len(ended), 'version')} {text}", style))
        displayed = ended if view.all_rows else ended[:ROWS]
        for ending in displayed:
            name = ", ".join(ending.change.observed.tags) or "(untagged)"
            reason = f": {ending.reason}" if ending.reason else ""
            yield from wrapped(f"{name} {ending.change.digest.short}{reason}", view, lead="    ")
        if hidden := len(ended) - len(displayed):
            run = part.run or "RUN"
            yield line(f"    ... and {hidden:,} more; `reconciler log show {run}` has all")
    # Users may keep the hash elsewhere, to prove later that no record was changed.
    if part.outcomes and part.head:
        yield line(f"  Head of the log: {part.head}")


def _final(part: Applied) -> Sequence[Ended]:
    """Return the last outcome of each version."""
    # A version that was deleted and then restored has two outcomes, and a retried one as well.
    ended: tuple[Ended, ...] = (*part.dropped, *part.outcomes)
    return tuple({ending.change.key: ending for ending in ended}.values())
