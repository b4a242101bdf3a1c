"""Keys of a rule that surely change nothing, or something else than they seem to."""

from collections.abc import Iterator

from reconciler.core.linting.captures import never_a_date, never_a_number
from reconciler.model.inventory import Fact
from reconciler.model.language import OrderKey
from reconciler.model.rules import Rule
from reconciler.model.spans import Span


def idle(rule: Rule, min_age: Span) -> Iterator[str]:
    """Yield keys without effect, and what to do about them."""
    yield from _unread_keys(rule)
    yield from _unknown_ages(rule)
    yield from _unread_captures(rule)
    yield from _spans_within(rule, min_age)
    yield from _ranked_candidates(rule)


def _unread_keys(rule: Rule) -> Iterator[str]:
    if rule.group_by and not rule.keep.reads_order:
        yield "'group_by' changes nothing, because no key of 'keep' counts images; remove it"
    if rule.order_by and not rule.keep.reads_order:
        yield "'order_by' changes nothing, because no key of 'keep' counts images; remove it"
    if "age_by" in rule.model_fields_set and not rule.keep.reads_age:
        yield "'age_by' changes nothing, because no key of 'keep' reads ages; remove it"


def _unknown_ages(rule: Rule) -> Iterator[str]:
    if rule.match.reads_tags and rule.keep.reads_age and rule.age_by.fact is Fact.UNTAGGED_SINCE:
        yield "a tagged image has no untagged_since, so all of them count as new; age by pushed"
    if rule.match.untagged and Fact.TAGGED_SINCE in rule.facts:
        yield "an untagged image has no tagged_since, so all of them count as new; use pushed"


def _unread_captures(rule: Rule) -> Iterator[str]:
    for key, read in (("order_by", rule.order), ("age_by", rule.age_by)):
        if wrong := _never(rule, read):
            yield f"{key}: {read} reads nothing, because {read.capture!r} is never {wrong}"


def _never(rule: Rule, read: OrderKey) -> str:
    """Return what a capture is never, empty where it may be."""
    regex, name = rule.match.regex, read.capture
    if regex is None or not name:
        return ""
    if read.startswith("int:") and never_a_number(regex, name):
        return "a whole number; correct the regex or order by text:" + name
    if read.startswith("date:") and never_a_date(regex, name):
        return "a date such as 20260131 or 2026-01-31; correct the regex"
    return ""


def _ranked_candidates(rule: Rule) -> Iterator[str]:
    """Yield what the letter of SemVer makes of pre-releases that people write."""
    if rule.match.prerelease == "only" and rule.order == "semver" and rule.keep.reads_order:
        yield (
            "as versions rc10 comes before rc9, and 1.2.1-alpine is a pre-release: match the words"
            " of your candidates by regex, and order by pushed"
        )


def _spans_within(rule: Rule, min_age: Span) -> Iterator[str]:
    """Yield spans that a longer span makes pointless."""
    within = rule.keep.within
    if within is None:
        return
    for name, limit in rule.keep.buckets:
        same = rule.order == rule.age_by
        if isinstance(limit, Span) and same and limit.delta <= within.delta:
            yield f"'{name}: {limit}' keeps nothing that 'within: {within}' does not; remove it"
    if rule.age_by.fact is Fact.PUSHED and within.delta <= min_age.delta:
        yield f"'within: {within}' changes nothing, because min_age is {min_age}; write more"
