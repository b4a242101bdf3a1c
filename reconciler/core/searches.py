"""Patterns that look as if they were to be searched for inside a tag.

Elsewhere patterns are searched for, and `^v` finds all tags that begin with it. Here a pattern
has to match the whole tag, so it finds the tag `v` alone.
"""

import re
from collections.abc import Iterator

from reconciler.model.match import Match
from reconciler.model.patterns import TagGlob

_BEGUN = re.compile(r"[(?:]*(?:\^|\\A)")
_ENDED = re.compile(r"(?:(?<!\\)\$|\\z)\)*\Z")
_OPEN_END = re.compile(r"(?:\.|\\[SDW]|\])[*+]\??[)]*\Z")
_OPEN_START = re.compile(r"[(?:]*(?:\.|\\[SDW])[*+]")
_DOT_STAR = re.compile(r"[A-Za-z_-]\.\*")
"""What means any text in a regular expression; after a number, as in `1.4.*`, it is a version."""


def unanchored(match: Match) -> Iterator[str]:
    """Yield why a pattern finds less than it seems to, and what to do."""
    if match.regex:
        yield from _half_anchored(match.regex)
    for pattern in (*(match.tags or ()), *match.except_, *match.with_, *match.without):
        yield from _like_a_regex(pattern)


def _half_anchored(regex: str) -> Iterator[str]:
    """Look for an anchor on one side only: whoever needs one takes it for a search."""
    begun, ended = _BEGUN.match(regex), _ENDED.search(regex)
    if begun and not ended and not _OPEN_END.search(regex):
        yield (
            f"'{regex}' looks like a search, and has to match the whole tag:"
            " end it with .* if more may follow, or with $ if not"
        )
    if ended and not begun and not _OPEN_START.match(regex):
        yield (
            f"'{regex}' looks like a search, and has to match the whole tag:"
            " begin it with .* if more may stand before, or with ^ if not"
        )


def _like_a_regex(pattern: TagGlob) -> Iterator[str]:
    if _DOT_STAR.search(pattern):
        glob, dotted = pattern.replace(".*", "*"), pattern.replace(".*", ".?*")
        yield (
            f"{pattern} matches only tags with a dot there, because * alone is any text:"
            f" write {glob}, or {dotted} if the dot is meant"
        )
