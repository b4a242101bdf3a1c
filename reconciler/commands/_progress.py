"""What goes on, while it does: on stderr, on a terminal only, and gone when it is over."""

import sys
from collections import Counter
from contextlib import ExitStack
from threading import Lock
from types import TracebackType
from typing import Self

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.spinner import Spinner
from rich.text import Text

from reconciler.formats.phrases import counted, duration
from reconciler.model.results import Outcome
from reconciler.transport.watch import RunClock, Sent, Wait

_READS = ("GET", "HEAD")
_KINDS = (("/manifests/", "manifest"), ("/blobs/", "blob"), ("/token", ""))
"""What reads ask for, by a part of their path; the others are pages of listings."""

_PER_SECOND = 5
"""How often the picture is drawn."""


class Activity:
    """Shows the requests sent so far, the wait that is on and, where it is known, how far it is."""

    def __init__(self, watch: RunClock, doing: str = "", total: int = 0) -> None:
        """Prepare to show what `watch` tells of, and a bar of what is done besides reading."""
        self._watch = watch
        self._console = Console(stderr=True)
        self._reads: Counter[str] = Counter()
        self._lock = Lock()
        self._wait: Wait | None = None
        self._spinner = Spinner("line")
        self._bar = Progress(
            TextColumn(doing), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn()
        )
        self._task = self._bar.add_task(doing, total=total, visible=bool(total))
        self._shown = ExitStack()

    def __enter__(self) -> Self:
        """Show it, where somebody looks; elsewhere waits go to the log as ever."""
        # Not what rich takes for a terminal: FORCE_COLOR makes it take a file of a workflow's log.
        if sys.stderr.isatty() and not self._console.is_dumb_terminal:
            self._shown.enter_context(self._watch.observed(self.hear))
            self._shown.enter_context(
                Live(
                    console=self._console,
                    get_renderable=self.picture,
                    refresh_per_second=_PER_SECOND,
                    transient=True,
                    redirect_stdout=False,
                )
            )
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Take it away."""
        self._shown.close()

    def report(self, _: Outcome) -> None:
        """Count one outcome."""
        self._bar.advance(self._task)

    def hear(self, told: Sent | Wait) -> None:
        """Note a request or a wait."""
        with self._lock:
            if isinstance(told, Wait):
                self._wait = told
            elif told.method in _READS and (kind := _kind(told.url)):
                self._reads[kind] += 1

    def picture(self) -> RenderableType:
        """Draw what is known now: one line, below the bar."""
        self._spinner.update(text=Text(self._line(), no_wrap=True, overflow="ellipsis"))
        return Group(self._bar, self._spinner)

    def _line(self) -> str:
        wait = self._wait
        if wait and (left := wait.until - self._watch.now()).total_seconds() > 0:
            return f"Waiting {duration(left)}, until {wait.until:%H:%M:%S} UTC: {wait.reason}"
        with self._lock:
            reads = [counted(number, kind) for kind, number in self._reads.items()]
        return f"Reading: {', '.join(reads)}" if reads else "Reading"


def _kind(url: str) -> str:
    return next((kind for part, kind in _KINDS if part in url), "page")
