"""Check one repository: overdue images, interrupted runs, stale locks, missing manifests."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from reconciler.analysis.health import (
    HealthFinding,
    HealthInput,
    Kind,
    Thresholds,
    called,
    shortly,
    version_name,
    versions,
)
from reconciler.core.decide import decide
from reconciler.core.graph import build_graph
from reconciler.core.history import Attempt, attempts
from reconciler.core.planner import PlanningInput
from reconciler.core.select import TagIndex
from reconciler.model.durations import as_span
from reconciler.model.inventory import Inventory, Observation, Version
from reconciler.model.journal import Record, Result, open_intents, open_runs
from reconciler.model.names import Digest, Tag
from reconciler.model.plan import RepositoryPlan

Look = Callable[[HealthInput, Thresholds], Iterator[HealthFinding]]

_NEVER = "no apply has succeeded yet"
_APPLY = "Run `reconciler apply`, and find out why no schedule did."


def stale_lock(standing: HealthInput, bounds: Thresholds) -> Iterator[HealthFinding]:
    """Find a lock whose holder has ended, or holds it for too long."""
    holder = standing.holder
    if holder is None:
        return
    held = standing.now - holder.since
    if not standing.holder_ended and held <= bounds.lock:
        return
    state = "has ended, and its lock is held" if standing.holder_ended else "has held its lock"
    yield HealthFinding(
        Kind.STALE_LOCK,
        f"run {holder.run} ({holder.who} on {holder.where}) {state} for {as_span(held)}",
        f"If it does no more, end its process, or: reconciler lock break --id {holder.run}",
    )


def open_ends(standing: HealthInput, _: Thresholds) -> Iterator[HealthFinding]:
    """Find runs that ended without saying how, whoever holds the lock now aside."""
    pending = Counter(record.run for record in open_intents(standing.records).values())
    alive = standing.holder.run if standing.holder and not standing.holder_ended else ""
    for run in sorted({*pending, *open_runs(standing.records)} - {alive}):
        unknown = f"; of {versions(pending[run])} not known what became" if run in pending else ""
        yield HealthFinding(
            Kind.OPEN_RUN,
            f"run {run} was cut off{unknown}",
            "Run `reconciler apply`: it asks the registry, writes that down and goes on.",
        )


def closing_windows(standing: HealthInput, bounds: Thresholds) -> Iterator[HealthFinding]:
    """Find deletions that can be taken back for a short time only, run by run."""
    by_run: dict[str, list[tuple[datetime, Attempt]]] = defaultdict(list)
    for attempt in attempts(standing.records):
        until = attempt.until
        if attempt.is_standing and until and standing.now < until <= standing.now + bounds.undo:
            by_run[attempt.run].append((until, attempt))
    for run, closing in sorted(by_run.items()):
        first = min(until for until, _ in closing)
        yield HealthFinding(
            Kind.UNDO_CLOSING,
            f"what run {run} deleted can be restored until {shortly(first)} and no longer",
            f"If any of it is missed: reconciler undo {run}",
            tuple(called(attempt.tags, attempt.digest) for _, attempt in closing),
        )


def broken_images(standing: HealthInput, _: Thresholds) -> Iterator[HealthFinding]:
    """Find images that stay, and list a manifest which the registry does not have."""
    if standing.case is None or standing.plan is None:
        return
    doomed = {change.digest for change in standing.plan.changes}
    missing = build_graph(standing.case.inventory).missing
    here = standing.case.inventory.versions
    holes = {digest: missing[digest] for digest in sorted(missing.keys() - doomed)}
    if holes:
        ours = _deleted(standing)
        runs = sorted({ours[one].run for lost in holes.values() for one in lost if one in ours})
        undo = " ".join(f"Perhaps: reconciler undo {run}." for run in runs)
        yield HealthFinding(
            Kind.BROKEN,
            f"{versions(len(holes), 'image')} broken: pulls of what is missing fail",
            f"{undo} Build and push again what is needed; delete the rest by hand.".strip(),
            tuple(f"{version_name(here[one])} lacks {lost[0]}" for one, lost in holes.items()),
        )


def lost_tags(standing: HealthInput, _: Thresholds) -> Iterator[HealthFinding]:
    """Find tags that a protection names, that the last run saw, and that nothing has now."""
    if standing.case is None:
        return
    case, ours = standing.case, _deleted(standing)
    before = {
        tag: digest
        for digest, seen in case.observations.digests.items()
        if seen.untagged_since is None and digest not in ours
        for tag in seen.tags
    }
    lost = {tag: before[tag] for tag in sorted(before.keys() - case.inventory.tagged.keys())}
    protected = _protected(case, lost)
    if gone := {tag: digest for tag, digest in lost.items() if tag in protected}:
        yield HealthFinding(
            Kind.LOST_TAG,
            f"{versions(len(gone), 'protected tag')} gone since the last run, and not by a run",
            "Find out who removed them, and attach them again.",
            tuple(f"{tag} was on {digest}" for tag, digest in gone.items()),
        )


def deleted_elsewhere(standing: HealthInput, _: Thresholds) -> Iterator[HealthFinding]:
    """Find versions that the last run left here, and somebody else has deleted since."""
    if standing.case is None:
        return
    seen = standing.case.observations.digests
    gone = seen.keys() - standing.case.inventory.versions.keys() - _touched(standing.records)
    if gone:
        yield HealthFinding(
            Kind.DELETED_ELSEWHERE,
            f"{versions(len(gone))} gone since the last run, and not by a run",
            "Find out who deletes here: a workflow, a person, another tool. The next apply takes"
            " note of it.",
            tuple(_as_observed(digest, seen) for digest in sorted(gone)),
        )


def _deleted(standing: HealthInput) -> Mapping[Digest, Attempt]:
    """Return what runs of ours deleted, and nobody has taken back."""
    return {one.digest: one for one in attempts(standing.records) if one.is_standing}


def _touched(records: Sequence[Record]) -> set[Digest]:
    """Return what runs of ours deleted, or may have."""
    tried = attempts(records)
    done = {one.digest for one in tried if one.is_standing or one.result is Result.ABSENT}
    return done | {Digest(record.body["digest"]) for record in open_intents(records).values()}


def _protected(case: PlanningInput, tags: Mapping[Tag, Digest]) -> set[Tag]:
    """Return those of some tags that a protection of the policy selects."""
    matches = [part.rule.match for part in case.policy.protect if part.rule]
    index = TagIndex(tags, matches)
    return set().union(*(index.known(match) for match in matches))


def _as_observed(digest: Digest, seen: Mapping[Digest, Observation]) -> str:
    noted = seen[digest]
    return called(noted.tags if noted.untagged_since is None else (), digest)


def overdue(standing: HealthInput, bounds: Thresholds) -> Iterator[HealthFinding]:
    """Find images that have been due for longer than they may."""
    found = due_since(standing, standing.now - bounds.overdue)
    if found:
        words = f"{versions(len(found), 'image')} due to go for more than {as_span(bounds.overdue)}"
        tagged_first = sorted(found, key=lambda version: (not version.tags, version.digest))
        yield HealthFinding(
            Kind.OVERDUE, words, _cure(standing.plan), tuple(map(version_name, tagged_first))
        )


def not_applied(standing: HealthInput, bounds: Thresholds) -> Iterator[HealthFinding]:
    """Find that nothing was applied although there was work all the time."""
    since = standing.now - bounds.last_apply
    last = last_success(standing.records)
    waiting = due_since(standing, since) if last is None or last < since else ()
    if waiting:
        told = f"the last successful apply was on {shortly(last)}" if last else _NEVER
        words = f"{told}, and {versions(len(waiting), 'image')} due since before {shortly(since)}"
        yield HealthFinding(Kind.NOT_APPLIED, words, _cure(standing.plan))


def due_since(standing: HealthInput, since: datetime) -> tuple[Version, ...]:
    """Return the images that go now and would have gone at an earlier moment already.

    The policy is asked again as of then: without what was pushed later, and without what may
    have had other tags then. An empty state has seen no apply at all, so nothing speaks for that.
    """
    if standing.case is None or not standing.going:
        return ()
    case, seen = standing.case, standing.case.observations.digests
    went = _went(case, since) & standing.going
    found = (case.inventory.versions[digest] for digest in sorted(went))
    return tuple(
        one for one in found if not seen or _was_the_same(one, seen.get(one.digest), since)
    )


def last_success(records: Iterable[Record]) -> datetime | None:
    """Return when an apply last did what it could; None where none ever did."""
    listed = list(records)
    undoing = {one.run for one in listed if one.type == "run_open" and "undoes" in one.body}
    closed = (one for one in listed if one.type == "run_close" and one.run not in undoing)
    return max((record.ts for record in closed if _is_success(record)), default=None)


def _is_success(closing: Record) -> bool:
    """Whether a run came to its end, or, where its time ran out, came on at least."""
    counts = closing.body.get("counts", {})
    failed = any(counts.get(result) for result in (Result.FAILED, Result.UNKNOWN))
    came_on = closing.body.get("reason") == "done" or counts.get(Result.DELETED)
    return bool(came_on) and not failed


def _went(case: PlanningInput, then: datetime) -> frozenset[Digest]:
    """Return the images that the policy let go at an earlier moment."""
    earlier = _as_of(case.inventory, then)
    decided = decide(
        case.policy, earlier, build_graph(earlier), now=then, observations=case.observations
    )
    return frozenset(digest for digest, decision in decided.images.items() if decision.expires)


def _as_of(inventory: Inventory, then: datetime) -> Inventory:
    """Leave out what came later, as far as its time is known."""
    born = (
        (version.pushed or version.first_seen, version) for version in inventory.versions.values()
    )
    here = [version for at, version in born if at is None or at <= then]
    return replace(inventory, versions={version.digest: version for version in here})


def _was_the_same(version: Version, seen: Observation | None, then: datetime) -> bool:
    """Whether a version had the tags of now at an earlier moment, as far as runs have seen."""
    if version.tags:
        return seen is None or (seen.untagged_since is None and seen.tags == version.tags)
    return seen is not None and seen.untagged_since is not None and seen.untagged_since <= then


def _cure(plan: RepositoryPlan | None) -> str:
    """Say what to do: let the plan pass where a guard stops it, else apply it."""
    stopping = [guard for guard in plan.guards if not guard.ok] if plan else []
    if not stopping:
        return _APPLY
    limits = ", ".join(f"{guard.name} ({guard.actual:.9g} of {guard.limit})" for guard in stopping)
    overrides = " ".join(guard.override for guard in stopping)
    return f"A guard stops every apply: {limits}. If this is meant: reconciler apply {overrides}"


LOOKS: tuple[Look, ...] = (
    broken_images,
    lost_tags,
    deleted_elsewhere,
    stale_lock,
    open_ends,
    not_applied,
    overdue,
    closing_windows,
)
"""Every kind of look, gravest findings first: a new kind is one line here."""


def check(standing: HealthInput, bounds: Thresholds) -> tuple[HealthFinding, ...]:
    """Return what is found in one repository.

    Raises: PolicyError, when a rule needs a time that this registry and state cannot give.
    """
    return tuple(finding for look in LOOKS for finding in look(standing, bounds))
