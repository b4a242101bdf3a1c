"""What every format for people says in the same words."""

import math
from collections.abc import Iterator, Mapping

from reconciler.formats.humanise import counted, distance, moment
from reconciler.formats.view import Cost, View
from reconciler.model.plan import (
    Cause,
    Guard,
    Plan,
    RepositoryPlan,
    Summary,
    TagFamily,
    Unlisted,
    Waiting,
)
from reconciler.model.ports import FRESH_SECONDS
from reconciler.model.spans import Span

UNLISTED = "is incomplete, as its repositories could not be listed"
"""What became of a pattern whose repositories are not known."""

_CAUSES = {
    Cause.PROTECTED: "protected",
    Cause.HELD: "held after an undo",
    Cause.UNMATCHED_TAG: "with a tag that no rule knows",
    Cause.UNCOVERED: "covered by no rule",
    Cause.YOUNG: "younger than min_age",
    Cause.NEEDED: "needed by something that stays",
    Cause.RETAINED: "refused by the registry",
}
_GUARDS = {
    "max_delete": "{actual:,.0f} images would go, and the limit is {limit:,}",
    "max_delete_percent": "{actual:.1f}% of the images would go, and the limit is {limit}%",
    "never_empty": "{actual:,.0f} images would stay, and at least {limit} must",
}


def totals(summary: Summary) -> str:
    """Write the counts of a plan; machines read them, so the words never change."""
    return (
        f"{summary.delete} to delete, {summary.protected} protected,"
        f" {summary.keep} to keep, {summary.incomplete} incomplete"
    )


def times(plan: Plan, view: View) -> str:
    """Say what moment a plan speaks of, and until when it may be applied."""
    evaluated = f"Evaluated {moment(plan.evaluated_at)}"
    if plan.forecast:
        return f"{evaluated}; a forecast, which cannot be applied."
    expiry = f"{moment(plan.expires_at)} ({distance(plan.expires_at, view.now)})"
    if view.now >= plan.expires_at:
        return f"{evaluated}; expired {expiry}, so it cannot be applied."
    return f"{evaluated}; expires {expiry}."


def unlisted(one: Unlisted) -> str:
    """Say what became of a pattern that the registry would not list."""
    return ". ".join(filter(None, [f"{UNLISTED}: {one.error}", one.hint]))


def hindrance(plan: Plan) -> str:
    """Say why a plan cannot be applied, empty where nothing is in the way."""
    incomplete = plan.summary.incomplete
    stopped = sum(part.stopped for part in plan.repositories)
    problems = [
        f"{counted(incomplete, 'repository', 'repositories')} incomplete" if incomplete else "",
        f"{counted(stopped, 'repository', 'repositories')} stopped by guards" if stopped else "",
    ]
    named = ", ".join(filter(None, problems))
    return f"This plan cannot be applied: {named}." if named else ""


def stops(guard: Guard) -> str:
    """Say what a guard that stops a plan has measured."""
    return _GUARDS[guard.name].format(actual=guard.actual, limit=guard.limit)


def override(part: RepositoryPlan) -> str:
    """Write what to add to the command to let a stopped repository pass, once."""
    return " ".join(guard.override for guard in part.guards if not guard.ok)


def strained(part: RepositoryPlan) -> Iterator[str]:
    """Name the guards that let a plan pass and were raised for it, or are more than half used."""
    for guard in part.guards:
        if guard.asked:
            yield f"{guard.name} is {guard.limit:,} for this plan, as was asked"
        if guard.ok and guard.name != "never_empty" and guard.actual * 2 > guard.limit:
            yield f"{guard.name} is more than half used: {guard.actual:g} of {guard.limit:,}"


def scale(part: RepositoryPlan) -> str:
    """Say which policy a repository belongs to, and how large it is."""
    versions, images = counted(part.versions, "version"), counted(part.images, "image")
    return f"policy {part.policy}, {versions}, {images}"


def no_undo(part: RepositoryPlan) -> Iterator[str]:
    """Say that what goes cannot come back, where that is so."""
    if part.changes and not part.undo:
        yield f"No undo: {part.repository.registry} cannot restore what is deleted."


def following(count: int) -> str:
    """Say how many versions go with an image."""
    return f"+ {count:,} that follow{'s' if count == 1 else ''} it" if count else ""


def keepers(kept: Mapping[str, int]) -> str:
    """List what keeps the images that stay, the largest first."""
    return f"Keeps {counted(sum(kept.values()), 'image')}: {', '.join(_keepers(kept))}."


def keeper(name: str) -> str:
    """Name what keeps images, a rule or a cause, as `kept` of a plan spells it."""
    cause = _CAUSES.get(Cause(name)) if name in set(Cause) else None
    return cause or f"by {name}"


def waiting(waits: Waiting, min_age: Span, view: View) -> str:
    """Say how many images are too young to go, and when that ends."""
    subject = (
        f"{counted(waits.count, 'image waits', 'images wait')}: younger than min_age {min_age}"
    )
    if waits.until is None:
        return f"{subject}, of unknown age."
    return f"{subject}, the first until {moment(waits.until)} ({distance(waits.until, view.now)})."


def family(tags: TagFamily) -> str:
    """Name tags of one shape, with an example where the shape alone does not tell."""
    if tags.pattern == tags.example:
        return tags.example
    return f"{tags.pattern} ({tags.count:,}, such as {tags.example})"


def price(cost: Cost) -> str:
    """Say what applying will take, and whether the quota suffices."""
    minutes = max(1, math.ceil(cost.takes.total_seconds() / 60))
    text = (
        f"Applying sends about {counted(cost.requests, 'request')},"
        f" {cost.deletions:,} of them deletions, and takes about {counted(minutes, 'minute')}."
    )
    if cost.window > FRESH_SECONDS:
        text += (
            f" Here a tag that is moved to an image less than {math.ceil(cost.window)} seconds"
            " before its deletion may be missed."
        )
    if cost.quota is None:
        return text
    left = f"{counted(cost.quota, 'request')} left until the limit is renewed"
    if cost.quota < cost.requests:
        return f"{text} Only {left}: several runs will be needed."
    return f"{text} {left[:1].upper()}{left[1:]}."


def _keepers(kept: Mapping[str, int]) -> Iterator[str]:
    for name, count in sorted(kept.items(), key=lambda pair: (-pair[1], pair[0])):
        yield f"{count:,} {keeper(name)}"
