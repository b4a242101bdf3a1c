"""Which selector surely sees everything that another one sees."""

from reconciler.core.select import TagIndex
from reconciler.model.match import Match
from reconciler.model.patterns import TagGlob

EVERYTHING = TagGlob("*")


def sees_all(wide: Match, narrow: Match) -> bool:
    """Whether every image that `narrow` sees is surely seen by `wide`; False when in doubt."""
    return _filters_no_more(wide, narrow) and _picks_all(wide, narrow)


def _filters_no_more(wide: Match, narrow: Match) -> bool:
    """Whether each filter of `wide` stands in `narrow` as well."""
    return (
        not wide.every_tag
        and wide.artifact_type in (None, narrow.artifact_type)
        and set(wide.except_) <= set(narrow.except_)
        and set(wide.with_) <= set(narrow.with_)
        and set(wide.without) <= set(narrow.without)
    )


def _picks_all(wide: Match, narrow: Match) -> bool:
    if wide.any or wide.selector == narrow.selector == "untagged":
        return True
    if narrow.tags:
        return all(_picks(wide, pattern) for pattern in narrow.tags)
    if narrow.semver and wide.semver:
        return _admits_all(wide, narrow)
    if narrow.regex and narrow.regex == wide.regex:
        return True
    return narrow.reads_tags and EVERYTHING in (wide.tags or ())


def _picks(wide: Match, pattern: TagGlob) -> bool:
    """Whether a selector picks every tag of a pattern."""
    if pattern.literal:
        return bool(TagIndex([pattern.literal], [wide]).known(wide))
    return any(other.covers(pattern) for other in wide.tags or ())


def _admits_all(wide: Match, narrow: Match) -> bool:
    """Whether one range holds every version of another, asked where they could differ."""
    probes = (part.semver.probes for part in (wide, narrow) if part.semver)
    versions = frozenset().union(*probes)
    return all(wide.admits(version) for version in versions if narrow.admits(version))
