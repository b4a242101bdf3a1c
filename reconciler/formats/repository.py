"""One repository of a plan, for a terminal."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from rich.text import Text

from reconciler.formats import sentences
from reconciler.formats.humanise import counted
from reconciler.formats.images import by_rules, expired
from reconciler.formats.paper import line, wrapped
from reconciler.formats.rows import ROWS, STYLES, expired_row, first_rows, kept_row, table
from reconciler.formats.view import View
from reconciler.model.plan import RepositoryPlan


@dataclass(frozen=True, slots=True)
class RepositorySection:
    """What is printed of one repository: first what stops it, then what goes, then what stays."""

    part: RepositoryPlan
    evaluated: datetime
    view: View

    @property
    def is_unchanged(self) -> bool:
        """Whether nothing goes, and nothing is wrong that a reader must know."""
        part = self.part
        return part.complete and not (part.changes or part.stopped or part.warnings or part.missing)

    @property
    def symbols(self) -> set[str]:
        """The symbols that its lines begin with."""
        part = self.part
        used = {
            "-": part.changes,
            "!": part.protected,
            "?": not part.complete or part.stopped,
            ".": part.waiting or part.retained,
        }
        return {symbol for symbol, use in used.items() if use}

    def lines(self) -> Iterator[Text]:
        """Print the repository."""
        yield from self._heading()
        if not self.part.complete:
            yield from self._failure()
            return
        yield from self._stops()
        yield from self._warnings()
        yield from self._expired()
        yield from self._kept()
        yield from self._counts()

    def _heading(self) -> Iterator[Text]:
        part = self.part
        mark = "" if part.complete and not part.stopped else "? "
        size = sentences.scale(part) if part.complete else f"policy {part.policy}"
        yield line((mark, STYLES["?"]), (part.repository, "bold"), f"  ({size})")

    def _failure(self) -> Iterator[Text]:
        text = f"Incomplete: {self.part.error}"
        yield from wrapped(text, self.view, lead="  ", style=STYLES["?"])
        yield from wrapped(self.part.hint, self.view, lead="  ")

    def _stops(self) -> Iterator[Text]:
        if not self.part.stopped:
            return
        for guard in self.part.guards:
            if not guard.ok:
                text = f"Stopped by {guard.name}: {sentences.stops(guard)}."
                yield from wrapped(text, self.view, lead="  ", style=STYLES["?"])
        yield line("  To let it pass once, add to the command:")
        # Not broken into lines, so that it can be copied.
        yield line(f"    {sentences.override(self.part)}")

    def _warnings(self) -> Iterator[Text]:
        broken = [f"Broken already: {text}" for text in self.part.missing]
        warnings = [f"Warning: {text}" for text in self.part.warnings]
        texts = [*sentences.no_undo(self.part), *warnings, *broken]
        for text in first_rows(texts, self.view):
            yield from wrapped(text, self.view, lead="  ", style="yellow")
        if len(texts) > len(first_rows(texts, self.view)):
            yield line(f"  ... and {counted(len(texts) - ROWS, 'more warning')}")

    def _expired(self) -> Iterator[Text]:
        for rules, images in by_rules(expired(self.part)).items():
            yield line()
            yield line(f"  {counted(len(images), 'image')} expired by {rules}")
            rows = [expired_row(image, self.evaluated) for image in first_rows(images, self.view)]
            yield from table(rows, self.view, of=len(images))

    def _kept(self) -> Iterator[Text]:
        for symbol, images in (("!", self.part.protected), (".", self.part.retained)):
            if images:
                rows = [kept_row(symbol, image) for image in first_rows(images, self.view)]
                yield line()
                yield from table(rows, self.view, of=len(images))

    def _counts(self) -> Iterator[Text]:
        part, view = self.part, self.view
        if part.changes or part.protected or part.retained:
            yield line()
        if part.waiting:
            text = sentences.waiting(part.waiting, part.min_age, view)
            yield from wrapped(text, view, lead="  . ")
        if part.kept:
            yield from wrapped(sentences.keepers(part.kept), view, lead="  ")
        if part.unmatched:
            yield from wrapped(self._families(), view, lead="  ")

    def _families(self) -> str:
        named = first_rows(self.part.unmatched, self.view)
        hidden = len(self.part.unmatched) - len(named)
        more = f", and {hidden:,} more" if hidden else ""
        return f"Tags that no rule knows: {', '.join(map(sentences.family, named))}{more}."
