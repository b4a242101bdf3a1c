"""Find patterns that are written as a search inside a tag.

Other tools search for a pattern, so `^v` finds all tags that begin with v. Here a pattern must
match the whole tag, so `^v` matches the tag `v` alone.
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
"""Means any text in a regular expression; after a number, as in `1.4.*`, it is a version."""


def unanchored(match: Match) -> Iterator[str]:
    """Yield why a pattern matches less than it seems to, and what to write instead."""
    if match.regex:
        yield from _half_anchored(match.regex)
    for pattern in (*(match.tags or ()), *match.except_, *match.with_, *match.without):
        yield from _like_a_regex(pattern)


def _half_anchored(regex: str) -> Iterator[str]:
    """Look for an anchor on one side only: only a search needs one."""
    begun, ended = _BEGUN.match(regex), _ENDED.search(regex)
    if begun and not ended and not _OPEN_END.search(regex):
        yield (
            f"'{regex}' looks like a search, but it must match the whole tag:"
            " end it with .* if more may follow, or with $ if not"
        )
    if ended and not begun and not _OPEN_START.match(regex):
        yield (
            f"'{regex}' looks like a search, but it must match the whole tag:"
            " begin it with .* if more may precede it, or with ^ if not"
        )


def _like_a_regex(pattern: TagGlob) -> Iterator[str]:
    if _DOT_STAR.search(pattern):
        glob, dotted = pattern.replace(".*", "*"), pattern.replace(".*", ".?*")
        yield (
            f"{pattern} matches only tags with a dot there, because * alone is any text:"
            f" write {glob}, or {dotted} if you mean the dot"
        )
