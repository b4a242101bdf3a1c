"""Semantic versions in tags, and ranges of them.

Source: semver.org 2.0.0; Helm's registry rule (`_` in a tag stands for `+`).
"""

import re
from functools import lru_cache
from typing import ClassVar, NamedTuple

from reconciler.model.names import Name

# At most 18 digits, so that every number fits into 64 bits.
_NUMBER = r"(0|[1-9][0-9]{0,17})"
_IDENTIFIER = r"(?:[0-9]*[A-Za-z-][0-9A-Za-z-]*|0|[1-9][0-9]*)"
_PRERELEASE = rf"(?:-({_IDENTIFIER}(?:\.{_IDENTIFIER})*))?"
_VERSION = re.compile(rf"v?{_NUMBER}\.{_NUMBER}\.{_NUMBER}{_PRERELEASE}(?:[+_][0-9A-Za-z.-]+)?")
_BOUND = re.compile(
    rf"(?:(>=|>|<=|<|=|!=|\^|~)\s*+)?"
    rf"v?{_NUMBER}(?:\.{_NUMBER})?(?:\.{_NUMBER})?{_PRERELEASE}"
)
_BETWEEN = r"(?:\s++(?:(?:,|\|\|)\s*+)?|(?:,|\|\|)\s*+)"
"""What separates two bounds. Possessive, so that a run of blanks can be matched in one way only:
ranges come from pull requests, and matching them must be linear."""

MAX_RANGE = 256
"""Longest range, in characters."""


Prerelease = tuple[tuple[int, int, str], ...]
_RELEASED: Prerelease = ((2, 0, ""),)
"""Sorts after every pre-release of the same numbers, as semver.org rule 11 asks."""


_FIRST: Prerelease = ((0, 0, ""),)
"""The first pre-release of any version, `-0`, and what the next one after a pre-release appends."""


class SemVer(NamedTuple):
    """One version; tuples compare in SemVer precedence, which knows no build metadata."""

    major: int
    minor: int
    patch: int
    prerelease: Prerelease = _RELEASED
    past: bool = False
    """Whether it means the point just after this version, where a range may end."""

    @property
    def is_prerelease(self) -> bool:
        """Whether it has a pre-release part."""
        return self.prerelease != _RELEASED

    @property
    def numbers(self) -> tuple[int, int, int]:
        """The release numbers alone."""
        return self[:3]


def parse_semver(tag: str) -> SemVer | None:
    """Parse a tag of exactly three numbers with an optional `v`; None if it is not a version."""
    match = _VERSION.fullmatch(tag)
    if match is None:
        return None
    return SemVer(int(match[1]), int(match[2]), int(match[3]), _prerelease(match[4]))


def _prerelease(text: str | None) -> Prerelease:
    """Turn the pre-release part into a sort key: numbers before words."""
    if text is None:
        return _RELEASED
    parts = text.split(".")
    # Source: SemVer 2.0.0, section 11.4.
    return tuple((0, int(word), "") if word.isdigit() else (1, 0, word) for word in parts)


class _Bound(NamedTuple):
    """A half-open interval of versions; each end is a release or a pre-release."""

    low: SemVer | None
    high: SemVer | None
    negated: bool = False

    def admits(self, version: SemVer) -> bool:
        low, high = self.low, self.high
        inside = (low is None or _as(low, version) >= low) and (
            high is None or _as(high, version) < high
        )
        return inside != self.negated


def _as(end: SemVer, version: SemVer) -> SemVer:
    """Return a version as it is compared with an end of a range: its numbers, or in full."""
    return version if end.is_prerelease else SemVer(*version.numbers)


class SemVerRange(Name):
    """A range such as `>=1.2 <2`, `^1.4`, `~1.2`, `1.x` written `1`, or several with `||`.

    A bound compares release numbers only, so `<2` does not admit 2.0.0-rc.1; a bound that has a
    pre-release compares in full.
    """

    __slots__ = ()

    _kind: ClassVar[str] = 'version range such as ">=1.2 <2", "^1.4" or ">=0"'
    _grammar: ClassVar[re.Pattern[str]] = re.compile(
        rf"(?=(?s:.{{1,{MAX_RANGE}}})\Z)\s*+{_BOUND.pattern}(?:{_BETWEEN}{_BOUND.pattern}){{0,31}}\s*+"
    )

    @property
    def probes(self) -> frozenset[SemVer]:
        """Versions to try: two ranges that differ anywhere differ at a probe of one of them.

        Between the ends of its intervals a range admits all or nothing, so it is enough to try
        each end, its release and its first pre-release.
        """
        pieces = (bound for bounds in _bounds(self) for bound in bounds)
        ends = {end for bound in pieces for end in (bound.low, bound.high) if end}
        probes: set[SemVer] = set()
        for end in (SemVer(0, 0, 0), *ends):
            probes |= {SemVer(*end.numbers), SemVer(*end.numbers, _FIRST)}
            # An end that is a pre-release compares in full: try it, and the next version after it.
            if end.is_prerelease:
                probes |= {end._replace(past=False), SemVer(*end.numbers, end.prerelease + _FIRST)}
        return frozenset(probes)

    def admits(self, version: SemVer) -> bool:
        """Whether a version is in one of the alternatives."""
        return any(all(bound.admits(version) for bound in bounds) for bounds in _bounds(self))


# A range is compared with every tag of a repository, so it is parsed once.
@lru_cache(maxsize=1024)
def _bounds(text: str) -> tuple[tuple[_Bound, ...], ...]:
    return tuple(
        tuple(_bound(match) for match in _BOUND.finditer(alternative))
        for alternative in text.split("||")
    )


def _bound(match: re.Match[str]) -> _Bound:
    operator = match[1] or "="
    # One or two numbers mean all versions that start with them, as in `1.4`.
    given = [int(number) for number in match.groups()[1:4] if number is not None]
    floor = SemVer(*_padded(given), _prerelease(match[5]))
    above = floor._replace(past=True) if floor.is_prerelease else _after(given)
    # A caret fixes the numbers through the first one that is not zero, else all of them.
    fixed = next((at for at, number in enumerate(given, start=1) if number), len(given))
    ends = {
        ">=": (floor, None),
        ">": (above, None),
        "<": (None, floor),
        "<=": (None, above),
        "^": (floor, _after(given[:fixed])),
        "~": (floor, _after(given[:2])),
    }
    return _Bound(*ends.get(operator, (floor, above)), negated=operator == "!=")


def _padded(numbers: list[int]) -> tuple[int, int, int]:
    major, minor, patch = [*numbers, 0, 0][:3]
    return major, minor, patch


def _after(numbers: list[int]) -> SemVer:
    """Return the first release after every version that starts with these numbers."""
    return SemVer(*_padded([*numbers[:-1], numbers[-1] + 1]))
