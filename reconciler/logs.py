"""Logging: events with facts, on stderr; for people on a terminal, as JSON lines elsewhere.

An event has a constant name in snake case; facts are keys, and are never formatted into the name.
Secrets and terminal controls are removed from every fact, even from those that a server sent.
"""

import logging
import os
import sys
from collections.abc import Mapping, Sequence, Set
from typing import Any, TextIO

import structlog
from structlog.dev import ConsoleRenderer, plain_traceback
from structlog.processors import JSONRenderer, TimeStamper, add_log_level, format_exc_info
from structlog.typing import EventDict, Processor, WrappedLogger

from reconciler.model.base import inert, public, safe

REDACTED = "[redacted]"

_SECRET_KEYS = ("authorization", "token", "password", "cookie", "secret")
_TALKATIVE = ("httpx", "httpcore")
"""Libraries that log URLs and headers themselves."""


def configure(stream: TextIO | None = None, *, verbose: bool) -> None:
    """Write log events to a stream from now on, by default to stderr.

    `verbose` adds the level `debug`, with an event for each request.
    """
    target = stream or sys.stderr
    renderer: Processor = JSONRenderer(sort_keys=True)
    if target.isatty():
        # NO_COLOR is the convention of no-color.org.
        colours = not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
        # The plain formatter: the default prints local variables, which may be secrets.
        renderer = ConsoleRenderer(colors=colours, exception_formatter=plain_traceback)
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            add_log_level,
            TimeStamper(fmt="iso", utc=True),
            format_exc_info,
            # After every fact was added, and before anything is written.
            redact,
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(
            logging.DEBUG if verbose else logging.INFO
        ),
        # Looked up for each event: during a progress display, stderr is replaced.
        logger_factory=lambda *_: structlog.WriteLogger(stream or sys.stderr),
        cache_logger_on_first_use=False,
    )
    # Their records pass no processor of ours, so nothing would redact a token in them.
    for name in _TALKATIVE:
        logging.getLogger(name).setLevel(logging.CRITICAL + 1)


def redact(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    """Redact secrets, and cut credentials out of URLs (a structlog processor)."""
    return {key: _fact(key, value) for key, value in event.items()}


def _fact(key: str, value: Any) -> Any:
    if any(secret in key.lower() for secret in _SECRET_KEYS):
        return REDACTED
    if key == "exception":
        return "\n".join(_text(line) for line in str(value).splitlines())
    return _printable(value)


def _printable(value: Any) -> Any:
    """Make a fact printable; unknown types become text."""
    match value:
        case bool() | int() | float() | None:
            return value
        case str() | bytes():
            return _text(str(value))
        case Mapping():
            return {str(key): _fact(str(key), inner) for key, inner in value.items()}
        case Sequence() | Set():
            return [_printable(inner) for inner in value]
        case _:
            return _text(str(value))


def _text(text: str) -> str:
    return inert(safe(public(text)))
