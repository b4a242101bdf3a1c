"""Events of the log, as every module reports them. structlog writes them.

It is loaded with the first event that is written: loading it takes a tenth of the processor time
of a command that reads a warm cache, and most commands write no event.
"""

import sys
from collections.abc import Callable
from threading import Lock
from typing import Any


class EventLog:
    """Passes events to structlog. `event` is a constant name in snake case; facts are keys."""

    def __init__(self) -> None:
        """Write with whatever configuration structlog has."""
        self._prepare: Callable[[], None] | None = None
        self._verbose = False
        self._lock = Lock()

    def prepare_with(self, prepare: Callable[[], None], *, verbose: bool) -> None:
        """Call `prepare` once, before the next event is written: it configures structlog.

        Without `verbose`, it must let structlog write no event of level debug.
        """
        self._prepare, self._verbose = prepare, verbose
        # Whoever has loaded structlog may log with it directly.
        if "structlog" in sys.modules:
            self._logger()

    def debug(self, event: str, **facts: Any) -> None:
        """Log what only a verbose run reports."""
        if self._writes_debug():
            self._logger().debug(event, **facts)

    def info(self, event: str, **facts: Any) -> None:
        """Log what a run did."""
        self._logger().info(event, **facts)

    def warning(self, event: str, **facts: Any) -> None:
        """Log what someone should look at."""
        self._logger().warning(event, **facts)

    def _writes_debug(self) -> bool:
        if self._prepare:
            return self._verbose
        # Unconfigured, structlog prints every event on stdout.
        structlog = sys.modules.get("structlog")
        return structlog is not None and bool(structlog.is_configured())

    def _logger(self) -> Any:
        import structlog

        # Several threads may report the first event at once: each waits until all is prepared.
        with self._lock:
            if self._prepare:
                self._prepare()
                self._prepare = None
        return structlog.get_logger()


log = EventLog()
"""The log of this process."""
