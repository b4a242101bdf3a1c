"""Show progress on stderr, on a terminal only; it is erased at the end."""

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
"""What a read is for, by a part of its path; any other path is a page of a listing.

Requests for tokens are not counted.
"""

_PER_SECOND = 5
"""How often the display is updated."""


class Activity:
    """Displays the requests sent, the current wait and, where the total is known, a bar."""

    def __init__(self, watch: RunClock, doing: str = "", total: int = 0) -> None:
        """Prepare to display the requests that `watch` reports, and a bar if there is a `total`."""
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
        """Start the display on a terminal; elsewhere waits are logged as usual."""
        # Do not ask rich: with FORCE_COLOR it takes the log of a workflow for a terminal.
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
        """Erase the display."""
        self._shown.close()

    def report(self, _: Outcome) -> None:
        """Count one outcome."""
        self._bar.advance(self._task)

    def hear(self, event: Sent | Wait) -> None:
        """Note a request or a wait."""
        # Called by every thread that reads, while the display is drawn by another one.
        with self._lock:
            if isinstance(event, Wait):
                self._wait = event
            elif event.method in _READS:
                kinds = (kind for part, kind in _KINDS if part in event.url)
                if kind := next(kinds, "page"):
                    self._reads[kind] += 1

    def picture(self) -> RenderableType:
        """Draw one line below the bar."""
        with self._lock:
            reads = [counted(number, kind) for kind, number in self._reads.items()]
            wait = self._wait
        line = f"Reading: {', '.join(reads)}" if reads else "Reading"
        if wait and (remaining := wait.until - self._watch.now()).total_seconds() > 0:
            line = f"Waiting {duration(remaining)}, until {wait.until:%H:%M:%S} UTC: {wait.reason}"
        self._spinner.update(text=Text(line, no_wrap=True, overflow="ellipsis"))
        return Group(self._bar, self._spinner)
