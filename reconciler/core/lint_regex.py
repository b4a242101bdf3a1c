"""Find what a regular expression can never match, as far as its plain parts show.

Only expressions without nested groups are examined.
"""

import re
import string
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import NamedTuple

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
    expression = PatternSet([TagRegex(characters)])
    return any(expression.matching(quantifier) for quantifier in alphabet)
