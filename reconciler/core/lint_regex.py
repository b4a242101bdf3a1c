"""Find what a regular expression can never match, and patterns that are written as a search.

What can never match is shown by the plain parts of an expression; nested groups are not examined.

Other tools search for a pattern inside a tag, so `^v` finds all tags that begin with v. Here a
pattern must match the whole tag, so `^v` matches the tag `v` alone.
"""

import re
import string
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from typing import NamedTuple

from reconciler.model.match import Match
from reconciler.model.patterns import PatternSet, TagRegex

_TAG = string.ascii_letters + string.digits + "_.-"
_DIGITS = string.digits
_DATE = string.digits + "-._T"

_PART = re.compile(
    r"(\\[dDwWsS]|\\[^A-Za-z0-9]|\[\^?[^\]\[\\^]+\]|[^\\\[\](){}|*+?^$])"
    r"(?:([*+?])|\{(\d+)(?:(,)(\d*))?\})?\??"
)
_OPENING = re.compile(r"\((?:\?P?<\w+>|\?:)?")
_NESTED = re.compile(r"\\[()]|\)[*+?{]|[|]|\[[^\]]*[()]")

_BEGUN = re.compile(r"[(?:]*(?:\^|\\A)")
_ENDED = re.compile(r"(?:(?<!\\)\$|\\z)\)*\Z")
_OPEN_END = re.compile(r"(?:\.|\\[SDW]|\])[*+]\??[)]*\Z")
_OPEN_START = re.compile(r"[(?:]*(?:\.|\\[SDW])[*+]")
_DOT_STAR = re.compile(r"[A-Za-z_-]\.\*")
"""Means any text in a regular expression; after a number, as in `1.4.*`, it is a version."""


class RegexPart(NamedTuple):
    """A class of characters and how often it repeats. Shape: `most` is None for any number."""

    characters: str
    least: int
    most: int | None

    def takes(self, alphabet: str) -> bool:
        """Whether the class contains a character of an alphabet."""
        return _takes(self.characters, alphabet)


def impossible_in_a_tag(regex: TagRegex) -> str:
    """Return a part of an expression that no tag can contain; empty if there is none."""
    # Groups that neither repeat nor branch do not change what the parts in them require.
    flat = "" if _NESTED.search(regex) else _OPENING.sub("", regex).replace(")", "")
    needed = (part for part in _parts(flat) or () if part.least)
    return next((part.characters for part in needed if not part.takes(_TAG)), "")


def never_a_number(regex: TagRegex, name: str) -> bool:
    """Whether a group certainly never captures a whole number."""
    return _every_way(regex, name, _no_number)


def never_a_date(regex: TagRegex, name: str) -> bool:
    """Whether a group certainly never captures a date of 8, 10, 12 or 14 digits."""
    return _every_way(regex, name, _no_date)


def _every_way(regex: TagRegex, name: str, fails: Callable[[Sequence[RegexPart]], bool]) -> bool:
    """Whether all alternatives of a group can be examined, and all of them fail."""
    bodies = re.findall(rf"\(\?P?<{name}>([^()]*)\)", regex)
    if len(bodies) != 1 or re.search(r"\[[^\]]*[|]", bodies[0]):
        return False
    ways = [_parts(way) for way in bodies[0].split("|")]
    return all(way is not None and fails(way) for way in ways)


def _no_number(parts: Sequence[RegexPart]) -> bool:
    return any(part.least and not part.takes(_DIGITS) for part in parts)


def _no_date(parts: Sequence[RegexPart]) -> bool:
    if any(part.least and not part.takes(_DATE) for part in parts):
        return True
    # The shortest date that is read is 20260131.
    digits = [part.most for part in parts if part.takes(_DIGITS)]
    return None not in digits and sum(most or 0 for most in digits) < 8


def _parts(text: str) -> list[RegexPart] | None:
    """Split an expression without groups into its parts; None if it is not that simple."""
    parts: list[RegexPart] = []
    at = 0
    while at < len(text):
        match = _PART.match(text, at)
        if match is None:
            return None
        parts.append(RegexPart(match[1], *_times(match)))
        at = match.end()
    return parts


def _times(match: re.Match[str]) -> tuple[int, int | None]:
    _, quantifier, least, comma, most = match.groups()
    if least is not None:
        return int(least), int(most) if most else None if comma else int(least)
    return {"*": (0, None), "+": (1, None), "?": (0, 1)}.get(quantifier, (1, 1))


@lru_cache(maxsize=1024)
def _takes(characters: str, alphabet: str) -> bool:
    pattern = PatternSet([TagRegex(characters)])
    return any(pattern.matching(character) for character in alphabet)


def unanchored(match: Match) -> Iterator[str]:
    """Yield why a pattern matches less than it seems to, and what to write instead."""
    if regex := match.regex:
        # An anchor on one side only: an expression for the whole tag needs none, a search does.
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
    for pattern in (*(match.tags or ()), *match.except_, *match.with_, *match.without):
        if _DOT_STAR.search(pattern):
            glob, dotted = pattern.replace(".*", "*"), pattern.replace(".*", ".?*")
            yield (
                f"{pattern} matches only tags with a dot there, because * alone is any text:"
                f" write {glob}, or {dotted} if you mean the dot"
            )
