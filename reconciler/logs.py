"""Logging: events with facts, on stderr; as sentences, or as JSON lines where that is asked for.

An event has a constant name in snake case; facts are keys, and are never formatted into the name.
Secrets and terminal controls are removed from every fact, even from those that a server sent.
"""

import logging
import os
import sys
from collections.abc import Mapping, Sequence, Set
from typing import TYPE_CHECKING, Any, TextIO

from reconciler.events import log
from reconciler.model.base import inert, public, safe

if TYPE_CHECKING:
    from structlog.typing import EventDict, Processor, WrappedLogger

REDACTED = "[redacted]"

FORMAT = "RECONCILER_LOG_FORMAT"
"""The variable that asks for JSON lines; --log-format sets it."""

SENTENCES = {
    "cache_damaged": "the cache {path} is damaged ({error}); it is kept as {kept_as}, and a new"
    " one begins",
    "cache_unusable": "the cache {path} cannot be used ({error}); every manifest is read again",
    "cached_documents_damaged": "{count} documents in the cache are damaged, and are read again;"
    " the first is {first}",
    "journal_tail_ignored": "{path} ends within a record, as after a crash; those {size} bytes are"
    " not read",
    "journal_tail_set_aside": "the end of a record that was cut off by a crash, {size} bytes, is"
    " kept as {path}",
    "lease_not_renewed": "the lock could not be renewed ({error}); it is tried again",
    "listing_uneven": "{repository}: the pages of the listing have gaps, the same each time;"
    " {versions} versions were read",
    "pattern_names_nothing": "{pattern} in policy {policy} names no repository that exists; check"
    " the name, unless the next push creates it",
    "repository_name_invalid": "{registry} lists {name}, which is not a valid name; it is left out",
    "request_sent": "{method} {url}",
    "state_on_network_filesystem": "the state {path} is on a network file system ({filesystem}),"
    " whose locks may not hold; use a bucket or PostgreSQL for several machines",
    "version_name_is_no_digest": "{repository}: the versions {ids} have no digest as their name;"
    " they are kept",
    "waiting": "waiting {seconds} s, until {until}: {reason}",
}
"""What people read instead of an event and its facts. Shape: members are facts."""

_SECRET_KEYS = ("authorization", "token", "password", "cookie", "secret")
_FRAME = ("event", "level", "timestamp", "exception")
"""Members of an event that are no facts."""

_TALKATIVE = ("httpx", "httpcore")
"""Libraries that log URLs and headers themselves."""


def configure(stream: TextIO | None = None, *, verbose: bool) -> None:
    """Write log events to a stream from now on, by default to stderr.

    They are sentences, unless FORMAT is `json`: logs of workflows are read by people, too.
    `verbose` adds the level `debug`, with an event for each request.
    """
    log.prepare_with(lambda: _configure(stream, verbose=verbose), verbose=verbose)
    # Their records pass no processor of ours, so nothing would redact a token in them.
    for name in _TALKATIVE:
        logging.getLogger(name).setLevel(logging.CRITICAL + 1)


def _configure(stream: TextIO | None, *, verbose: bool) -> None:
    """Load structlog and let it write to a stream."""
    import structlog
    from structlog.processors import JSONRenderer, TimeStamper, add_log_level, format_exc_info

    as_json = os.environ.get(FORMAT) == "json"
    renderer: Processor = JSONRenderer(sort_keys=True) if as_json else sentence
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


def sentence(_: "WrappedLogger", __: str, event: "EventDict") -> str:
    """Write an event as a sentence for people (a structlog processor)."""
    facts = {key: value for key, value in event.items() if key not in _FRAME}
    name = str(event["event"])
    try:
        text = SENTENCES[name].format_map(facts)
    # An event of another library, or with other facts, is written as it is.
    except KeyError:
        listed = ", ".join(f"{key} {value}" for key, value in facts.items())
        text = f"{name.replace('_', ' ')}: {listed}" if listed else name.replace("_", " ")
    level = str(event.get("level", "info"))
    start = "" if level in ("info", "debug") else f"{level.capitalize()}: "
    failure = event.get("exception")
    return f"{start}{text}\n{failure}" if failure else f"{start}{text}"


def redact(_: "WrappedLogger", __: str, event: "EventDict") -> "EventDict":
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
