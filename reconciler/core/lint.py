"""Warn of valid policies that certainly do not do what their author meant.

A remark is made only where the policy alone proves it, and it never stops a command.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from reconciler.core.lint_regex import impossible_in_a_tag, never_a_date, never_a_number, unanchored
from reconciler.core.select import TagIndex
from reconciler.model.durations import Span
from reconciler.model.inventory import Fact
from reconciler.model.language import OrderKey
from reconciler.model.match import Match
from reconciler.model.names import Tag
from reconciler.model.patterns import TagGlob
from reconciler.model.policy import Policy
from reconciler.model.rules import Rule

MAX_COMPARED = 1_000
"""Most tag patterns in one policy: its rules are compared in pairs, which takes quadratic time."""

_EVERY_IMAGE = Match(any=True)

EVERYTHING = TagGlob("*")

_LONGEST = 128
"""Most characters in a tag. Source: OCI distribution-spec v1.1, "Pulling manifests"."""


@dataclass(frozen=True, slots=True)
class Remark:
    """One mistake and how to correct it. Shape: `rule` is empty when it is about the policy."""

    policy: str
    rule: str
    message: str


def lint(policy: Policy) -> tuple[Remark, ...]:
    """Return the remarks on a policy: on the policy, on each rule, and on pairs of rules."""
    protections = [part.rule for part in policy.protect if part.rule]
    remarks = [("", message) for message in _policy_remarks(policy)]
    for rule in (*protections, *policy.rules):
        remarks += [(rule.name, message) for message in futile(rule.match)]
        remarks += [(rule.name, message) for message in unanchored(rule.match)]
        remarks += [(rule.name, message) for message in idle(rule, policy.guards.min_age)]
    if sum(len(rule.match.patterns) for rule in (*protections, *policy.rules)) > MAX_COMPARED:
        remarks.append(("", f"more than {MAX_COMPARED} patterns are too many to compare; split it"))
    else:
        remarks += _compared(policy.rules, protections)
    return tuple(Remark(policy.name, name, message) for name, message in remarks)


def _policy_remarks(policy: Policy) -> Iterator[str]:
    for name in ("max_delete", "max_delete_percent"):
        if getattr(policy.guards, name) == 0:
            yield f"'{name}: 0' stops every plan that would delete something; allow more"
    if all(rule.keep.all for rule in policy.rules):
        yield "every rule keeps all it covers, so nothing ever expires; make one of them keep less"
    # A pattern with a wildcard is certainly excluded only if `except` repeats it.
    if all(
        glob in policy.except_ or (glob.literal and not policy.governs(glob.literal))
        for glob in policy.repositories
    ):
        yield "'except' excludes all of 'repositories', so nothing is governed; remove one of them"


def _compared(rules: Sequence[Rule], protections: Sequence[Rule]) -> Iterator[tuple[str, str]]:
    for position, rule in enumerate(rules):
        earlier, later = rules[:position], rules[position + 1 :]
        others = (*earlier, *later)
        # One remark of each kind is enough: correcting the first often removes the others.
        for other in (*protections, *others):
            if other.keep.all and not rule.keep.all and sees_all(other.match, rule.match):
                redundant = f"'{other.name}' keeps every image that this rule covers"
                yield rule.name, f"{redundant}; remove this rule, or narrow '{other.name}'"
                break
        for other in others if rule.match.rest else ():
            if sees_all(other.match, _EVERY_IMAGE):
                empty = f"'rest' matches nothing, because '{other.name}' covers every image"
                yield rule.name, f"{empty}; remove one"
                break
        # Only earlier rules, so that each pair is reported once.
        for other in earlier:
            if other.model_copy(update={"name": rule.name}) == rule:
                yield rule.name, f"'{other.name}' is the same rule; remove one of them"
                break


def sees_all(wide: Match, narrow: Match) -> bool:
    """Whether `wide` certainly covers every image that `narrow` covers; False when in doubt."""
    has_all_filters = (
        not wide.every_tag
        and wide.artifact_type in (None, narrow.artifact_type)
        and set(wide.except_) <= set(narrow.except_)
        and set(wide.with_) <= set(narrow.with_)
        and set(wide.without) <= set(narrow.without)
    )
    return has_all_filters and _picks_all(wide, narrow)


def _picks_all(wide: Match, narrow: Match) -> bool:
    if wide.any or wide.selector == narrow.selector == "untagged":
        return True
    if narrow.tags:
        return all(
            _picks(wide, pattern.literal)
            if pattern.literal
            else any(other.covers(pattern) for other in wide.tags or ())
            for pattern in narrow.tags
        )
    if narrow.semver and wide.semver:
        # Ranges that differ anywhere differ at a probe of one of them; see `SemVerRange.probes`.
        versions = frozenset().union(wide.semver.probes, narrow.semver.probes)
        return all(wide.admits(version) for version in versions if narrow.admits(version))
    if narrow.regex and narrow.regex == wide.regex:
        return True
    return narrow.reads_tags and EVERYTHING in (wide.tags or ())


def futile(match: Match) -> Iterator[str]:
    """Yield why a selector, or one of its patterns, never matches, and what to write instead."""
    yield from _empty_range(match)
    for pattern in match.tags or ():
        if pattern[0] in ".-" or len(pattern.replace("*", "")) > _LONGEST:
            yield f"no tag matches {pattern}: tags start with a letter, a digit or _; correct it"
    if match.regex and (signs := impossible_in_a_tag(match.regex)):
        yield f"no tag contains {signs}, so nothing matches; correct the regex"
    # The filters of a rule may exclude all that its selector matches, or what they require.
    for key, patterns in (("except", match.except_), ("without", match.without)):
        if match.reads_tags and _cover(patterns, match.tags or [EVERYTHING]):
            yield f"{key!r} excludes all that {match.selector!r} matches; remove one of them"
    for pattern in match.with_:
        if _cover(match.without, [pattern]):
            yield f"'with' requires {pattern} and 'without' excludes it; remove one of them"
        elif match.every_tag and (tag := pattern.literal) and not _picks(match, tag):
            yield f"'with' requires {tag} and 'every_tag' excludes it; remove one of them"


def _empty_range(match: Match) -> Iterator[str]:
    if match.semver is None or any(match.admits(version) for version in match.semver.probes):
        return
    if any(match.semver.admits(version) for version in match.semver.probes):
        other = "release" if match.prerelease == "only" else "pre-release"
        cure = "write prerelease: include"
        yield f"every version in {match.semver} is a {other}, so nothing matches; {cure}"
    else:
        yield f"no version is in the range {match.semver}, so nothing matches; correct the range"


def _cover(wide: Iterable[TagGlob], narrow: Iterable[TagGlob]) -> bool:
    return all(any(glob.covers(pattern) for glob in wide) for pattern in narrow)


def _picks(match: Match, tag: Tag) -> bool:
    return bool(TagIndex([tag], [match]).known(match))


def idle(rule: Rule, min_age: Span) -> Iterator[str]:
    """Yield keys that have no effect, and what to write instead."""
    for key, is_written in (("group_by", rule.group_by), ("order_by", rule.order_by)):
        if is_written and not rule.keep.reads_order:
            yield f"'{key}' has no effect, because no key of 'keep' counts images; remove it"
    if "age_by" in rule.model_fields_set and not rule.keep.reads_age:
        yield "'age_by' has no effect, because no key of 'keep' reads ages; remove it"
    # The state records each of these two times for one kind of image only.
    if rule.match.reads_tags and rule.keep.reads_age and rule.age_by.fact is Fact.UNTAGGED_SINCE:
        yield "a tagged image has no untagged_since, so all of them count as new; use pushed"
    if rule.match.untagged and Fact.TAGGED_SINCE in rule.facts:
        yield "an untagged image has no tagged_since, so all of them count as new; use pushed"
    for key, read in (("order_by", rule.order), ("age_by", rule.age_by)):
        if wrong := _never(rule, read):
            yield f"{key}: {read} reads nothing, because {read.capture!r} is never {wrong}"
    yield from _spans_within(rule, min_age)
    # Identifiers with letters are compared as text. Source: SemVer 2.0.0, section 11.
    if rule.match.prerelease == "only" and rule.order == "semver" and rule.keep.reads_order:
        yield (
            "in SemVer, rc10 comes before rc9, and 1.2.1-alpine is a pre-release: match"
            " pre-releases by regex, and order by pushed"
        )


def _never(rule: Rule, read: OrderKey) -> str:
    """Return what a capture can never be; empty if it can be what the rule reads."""
    regex, name = rule.match.regex, read.capture
    if regex is None or not name:
        return ""
    if read.startswith("int:") and never_a_number(regex, name):
        return "a whole number; correct the regex or order by text:" + name
    if read.startswith("date:") and never_a_date(regex, name):
        return "a date such as 20260131 or 2026-01-31; correct the regex"
    return ""


def _spans_within(rule: Rule, min_age: Span) -> Iterator[str]:
    """Yield spans that have no effect beside a longer span."""
    within = rule.keep.within
    if within is None:
        return
    for name, limit in rule.keep.buckets:
        # By another time, the newest image of a bucket may be older than `within`.
        same = rule.order == rule.age_by
        if isinstance(limit, Span) and same and limit.delta <= within.delta:
            yield f"'{name}: {limit}' keeps nothing that 'within: {within}' does not; remove it"
    if rule.age_by.fact is Fact.PUSHED and within.delta <= min_age.delta:
        yield f"'within: {within}' has no effect, because min_age is {min_age}; write more"
