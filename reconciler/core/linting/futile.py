"""Selectors that can surely never match, or not with all of their patterns."""

from collections.abc import Iterable, Iterator

from reconciler.core.linting.breadth import EVERYTHING
from reconciler.core.linting.captures import impossible_in_a_tag
from reconciler.core.select import TagIndex
from reconciler.model.match import Match
from reconciler.model.names import Tag
from reconciler.model.patterns import TagGlob

_LONGEST = 128
"""Most characters of a tag."""


def futile(match: Match) -> Iterator[str]:
    """Yield why a selector, or one of its patterns, never matches, and what to do."""
    yield from _empty_range(match)
    yield from _impossible_patterns(match)
    yield from _taken_away(match)
    yield from _contradicted(match)


def _empty_range(match: Match) -> Iterator[str]:
    if match.semver is None or any(match.admits(version) for version in match.semver.probes):
        return
    if any(match.semver.admits(version) for version in match.semver.probes):
        other = "release" if match.prerelease == "only" else "pre-release"
        cure = "write prerelease: include"
        yield f"every version in {match.semver} is a {other}, so nothing matches; {cure}"
    else:
        yield f"no version lies in {match.semver}, so nothing matches; correct the range"


def _impossible_patterns(match: Match) -> Iterator[str]:
    for pattern in match.tags or ():
        if pattern[0] in ".-" or len(pattern.replace("*", "")) > _LONGEST:
            yield f"no tag is like {pattern}: tags start with a letter, a digit or _; correct it"
    if match.regex and (signs := impossible_in_a_tag(match.regex)):
        yield f"no tag holds {signs}, so nothing matches; correct the regex"


def _taken_away(match: Match) -> Iterator[str]:
    """Yield filters that leave nothing of what the selector picks."""
    for key, patterns in (("except", match.except_), ("without", match.without)):
        if match.reads_tags and _cover(patterns, match.tags or [EVERYTHING]):
            yield f"{key!r} takes away all that {match.selector!r} picks; remove one of them"


def _contradicted(match: Match) -> Iterator[str]:
    """Yield demands for a tag that another filter rules out."""
    for pattern in match.with_:
        if _cover(match.without, [pattern]):
            yield f"'with' asks for {pattern} and 'without' refuses it; remove one of them"
        elif match.every_tag and (tag := pattern.literal) and not _picks(match, tag):
            yield f"'with' asks for {tag} and 'every_tag' refuses it; remove one of them"


def _cover(wide: Iterable[TagGlob], narrow: Iterable[TagGlob]) -> bool:
    return all(any(glob.covers(pattern) for glob in wide) for pattern in narrow)


def _picks(match: Match, tag: Tag) -> bool:
    return bool(TagIndex([tag], [match]).known(match))
