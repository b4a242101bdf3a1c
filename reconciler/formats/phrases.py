"""Phrases, numbers, sizes and times that all formats for people share.

The texts are plain ASCII, so that their width is their length.
"""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta

from reconciler.formats.view import Cost, View
from reconciler.model.causes import Cause
from reconciler.model.durations import FRESH_SECONDS, Span, as_span
from reconciler.model.plan import (
    DeletionPlan,
    Plan,
    RepositoryPlan,
    Summary,
    TagFamily,
    Unlisted,
    Waiting,
)

Quote = Callable[[str], str]
"""Escapes or quotes a text from outside for one format."""

UNLISTED = "is incomplete, as its repositories could not be listed"
"""The condition of a pattern whose repositories are not known."""

_CAUSES = {
    Cause.PROTECTED: "protected",
    Cause.HELD: "held by an undo",
    Cause.UNMATCHED_TAG: "with a tag that no rule matches",
    Cause.UNCOVERED: "not covered by any rule",
    Cause.YOUNG: "younger than min_age",
    Cause.NEEDED: "needed by a kept image",
    Cause.RETAINED: "retained by the registry",
}
_UNITS = ("KiB", "MiB", "GiB", "TiB", "PiB")
_TWO_YEARS = timedelta(days=2 * 365)


def totals(summary: Summary) -> str:
    """Write the counts of a plan. Programs read this text, so it must not change."""
    return (
        f"{summary.delete} to delete, {summary.protected} protected,"
        f" {summary.keep} to keep, {summary.incomplete} incomplete"
    )


def units(plan: DeletionPlan) -> str:
    """Write the counts of a plan with their units: `totals` counts versions and names none."""
    summary = plan.summary
    images = sum(part.images_deleted for part in plan.repositories)
    protected = counted(summary.protected, "protected image")
    among = f", with {protected} among them" if summary.protected else ""
    return (
        f"Deletes {counted(summary.delete, 'version')} ({counted(images, 'image')}) and keeps"
        f" {counted(summary.keep, 'version')}{among}."
    )


def times(plan: Plan, view: View) -> str:
    """Say when a plan was evaluated, and until when it may be applied."""
    evaluated = f"Evaluated {moment(plan.evaluated_at)}"
    if plan.forecast:
        return f"{evaluated}; a forecast, which cannot be applied."
    expiry = f"{moment(plan.expires_at)} ({distance(plan.expires_at, view.now)})"
    if view.now >= plan.expires_at:
        return f"{evaluated}; expired {expiry}, so it cannot be applied."
    return f"{evaluated}; expires {expiry}."


def times_and_cost(plan: Plan, view: View) -> Iterator[str]:
    """Say when a plan may be applied, and how long that takes where it deletes anything."""
    yield times(plan, view)
    if view.cost and plan.summary.delete:
        yield cost_text(view.cost)


def unlisted(pattern: Unlisted) -> str:
    """Say that the repositories of a pattern could not be listed, and why."""
    return ". ".join(filter(None, [f"{UNLISTED}: {pattern.error}", pattern.hint]))


def size_text(part: RepositoryPlan) -> str:
    """Say which policy governs a repository, and how large it is."""
    versions, images = counted(part.versions, "version"), counted(part.images, "image")
    return f"policy {part.policy}, {versions}, {images}"


def related_versions(count: int) -> str:
    """Say how many versions are deleted or restored together with an image."""
    return f"+ {counted(count, 'related version')}" if count else ""


def kept_counts(kept: Mapping[str, int], protected: int = 0) -> str:
    """Count the kept images by the rule or cause that keeps them, the largest first.

    Shape: `protected` is how many of them are protected, under whatever name they are counted.
    """
    largest_first = sorted(kept.items(), key=lambda pair: (-pair[1], pair[0]))
    parts = ", ".join(f"{count:,} {kept_by(name)}" for name, count in largest_first)
    among = f" ({protected:,} of them protected)" if protected else ""
    return f"Keeps {counted(sum(kept.values()), 'image')}{among}: {parts}."


def kept_by(name: str) -> str:
    """Name what keeps images, by a key of `kept` in a plan: a rule or a cause."""
    cause = _CAUSES.get(Cause(name)) if name in set(Cause) else None
    return cause or f"by {name}"


def waiting(waits: Waiting, min_age: Span, view: View) -> str:
    """Say how many images are too young to be deleted, and until when."""
    subject = (
        f"{counted(waits.count, 'image waits', 'images wait')}: younger than min_age {min_age}"
    )
    if waits.until is None:
        return f"{subject}, of unknown age."
    return f"{subject}, the first until {moment(waits.until)} ({distance(waits.until, view.now)})."


def family(tags: TagFamily) -> str:
    """Name tags of one shape, with an example where the shape is not a tag itself."""
    if tags.pattern == tags.example:
        return tags.example
    return f"{tags.pattern} ({tags.count:,}, such as {tags.example})"


def cost_text(cost: Cost) -> str:
    """Say how long applying takes, and whether the request quota suffices."""
    # Rounded up, so that a time budget chosen by this number suffices.
    minutes = max(1, math.ceil(cost.duration.total_seconds() / 60))
    how = "at least" if cost.rereads else "about"
    text = (
        f"Applying sends {how} {counted(cost.requests, 'request')},"
        f" {cost.deletions:,} of them deletions, and takes {how} {counted(minutes, 'minute')}."
    )
    if cost.rereads:
        text += (
            " While images are deleted, all tags of their repository"
            f" ({cost.rereads.tags:,} at most) are read again about every"
            f" {counted(round(cost.rereads.every), 'second')}, so a registry that deletes slowly"
            " gets more requests."
        )
    if cost.window > FRESH_SECONDS:
        text += (
            f" A tag that is moved to an image less than {math.ceil(cost.window)} seconds before"
            " its deletion may be missed."
        )
    if cost.quota is None:
        return text
    remaining = f"{counted(cost.quota, 'request')} left until the limit is renewed"
    if cost.quota < cost.requests:
        return f"{text} Only {remaining}: several runs will be needed."
    return f"{text} {remaining[:1].upper()}{remaining[1:]}."


def counted(number: int, singular: str, plural: str = "") -> str:
    """Write a number with its noun, as in `1 image` and `1,234 images`."""
    return f"{number:,} {singular if number == 1 else plural or singular + 's'}"


def size(octets: int) -> str:
    """Write a number of bytes in the unit that needs at most four digits."""
    if octets < 1024:
        return f"{octets} B"
    amount, unit = octets / 1024, _UNITS[0]
    for larger in _UNITS[1:]:
        # 1023.5 and more would be rounded to 1024, so it is written in the next unit.
        if amount < 1023.5:
            break
        amount, unit = amount / 1024, larger
    return f"{amount:.1f} {unit}" if amount < 9.95 else f"{amount:.0f} {unit}"


def age(delta: timedelta) -> str:
    """Write an age in hours, days or years, rounded down; below an hour it is `<1h`."""
    if delta < timedelta(hours=1):
        return "<1h"
    # Rounded down, so that an image is never called older than a rule takes it for.
    return as_span(delta) if delta < _TWO_YEARS else f"{delta.days // 365}y"


def duration(delta: timedelta) -> str:
    """Write a duration, in two units at most."""
    seconds = max(0, round(delta.total_seconds()))
    if seconds < 60:
        return f"{seconds}s"
    if seconds < 3600:
        return f"{seconds // 60}m {seconds % 60:02}s"
    return f"{seconds // 3600}h {seconds % 3600 // 60:02}m"


def moment(when: datetime) -> str:
    """Write a time to the minute, in UTC."""
    return f"{when.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def distance(when: datetime, now: datetime) -> str:
    """Write a time relative to now: `in 3d`, or `5h ago`."""
    return f"in {age(when - now)}" if when > now else f"{age(now - when)} ago"


def shortened(text: str, limit: int) -> str:
    """Cut a text to `limit` characters, with `...` where it was cut."""
    return text if len(text) <= limit else text[: limit - 3] + "..."


def octets(text: str) -> int:
    """Count the bytes of a text in UTF-8."""
    return len(text.encode())


def fitting(lines: Sequence[str], room: int, rest: Callable[[int], str]) -> Iterator[str]:
    """Yield the first lines that fit into `room` bytes; `rest` counts the omitted ones."""
    for number, line in enumerate(lines):
        room -= octets(line)
        if room < 0:
            yield rest(len(lines) - number)
            return
        yield line
