"""Check one repository: overdue images, interrupted runs, stale locks, missing manifests."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import datetime

from reconciler.analysis.health import (
    HealthFinding,
    HealthInput,
    Kind,
    Thresholds,
    counted_verb,
    minute_text,
    name_text,
    version_name,
)
from reconciler.core.decide import decide
from reconciler.core.graph import build_graph
from reconciler.core.history import Attempt, attempts
from reconciler.core.planner import PlanningInput
from reconciler.core.select import TagIndex
from reconciler.model.durations import as_span
from reconciler.model.inventory import Observation, Version
from reconciler.model.journal import (
    Record,
    Result,
    RunCloseBody,
    RunOpenBody,
    open_intents,
    open_runs,
)
from reconciler.model.names import Digest, Tag
from reconciler.model.plan import RepositoryPlan

HealthCheck = Callable[[HealthInput, Thresholds], Iterator[HealthFinding]]

_NEVER = "no apply has succeeded yet"
_REBUILD = "Rebuild and push the images that are needed; delete the others by hand."
_APPLY = "Run `reconciler apply`, and check why no scheduled run did."


def stale_lock(health: HealthInput, thresholds: Thresholds) -> Iterator[HealthFinding]:
    """Find a lock whose holder has ended, or has held it for too long."""
    holder = health.holder
    if holder is None:
        return
    duration = health.now - holder.since
    # A process that has ended cannot release its lock, so nothing is gained by waiting.
    if not health.holder_ended and duration <= thresholds.lock:
        return
    state = "has ended, but its lock is held" if health.holder_ended else "has held its lock"
    yield HealthFinding(
        Kind.STALE_LOCK,
        f"run {holder.run} ({holder.who} on {holder.where}) {state} for {as_span(duration)}",
        f"If it is stuck, end its process, or run: reconciler lock break --id {holder.run}",
    )


def interrupted_runs(health: HealthInput, _: Thresholds) -> Iterator[HealthFinding]:
    """Find runs that ended without a closing record; the run that holds the lock is not one."""
    pending = Counter(record.run for record in open_intents(health.records).values())
    # The run that holds the lock is still working: its intents have no outcome yet.
    alive = health.holder.run if health.holder and not health.holder_ended else ""
    for run in sorted({*pending, *open_runs(health.records)} - {alive}):
        unknown = ""
        if run in pending:
            outcomes = counted_verb(pending[run], "deletion", "has", "have")
            unknown = f"; {outcomes} an unknown outcome"
        yield HealthFinding(
            Kind.OPEN_RUN,
            f"run {run} was interrupted{unknown}",
            "Run `reconciler apply`: it asks the registry, records the outcome and continues.",
        )


def expiring_undo(health: HealthInput, thresholds: Thresholds) -> Iterator[HealthFinding]:
    """Find deletions that can be undone for a short time only, run by run."""
    by_run: dict[str, list[tuple[datetime, Attempt]]] = defaultdict(list)
    for attempt in attempts(health.records):
        until = attempt.until
        if attempt.is_standing and until and health.now < until <= health.now + thresholds.undo:
            by_run[attempt.run].append((until, attempt))
    for run, closing in sorted(by_run.items()):
        # The earliest: after it, an undo of the run would be incomplete.
        first = min(until for until, _ in closing)
        yield HealthFinding(
            Kind.UNDO_CLOSING,
            f"what run {run} deleted can be restored only until {minute_text(first)}",
            f"To restore it: reconciler undo {run}",
            tuple(name_text(attempt.tags, attempt.digest) for _, attempt in closing),
        )


def broken_images(health: HealthInput, _: Thresholds) -> Iterator[HealthFinding]:
    """Find kept images that list a manifest which the registry does not have."""
    if health.case is None or health.plan is None:
        return
    to_delete = {change.digest for change in health.plan.changes}
    missing = build_graph(health.case.inventory).missing
    versions = health.case.inventory.versions
    holes = {digest: missing[digest] for digest in sorted(missing.keys() - to_delete)}
    if holes:
        # What one of our own runs deleted, an undo of that run may restore.
        ours = _deleted(health)
        runs = sorted(
            {ours[digest].run for lost in holes.values() for digest in lost if digest in ours}
        )
        broken = counted_verb(len(holes), "image", "is", "are")
        undo = " ".join(f"Try: reconciler undo {run}." for run in runs)
        yield HealthFinding(
            Kind.BROKEN,
            f"{broken} broken: pulls of what is missing fail",
            f"{undo} {_REBUILD}".strip(),
            tuple(
                f"{version_name(versions[root])} lacks {lost[0]}" for root, lost in holes.items()
            ),
        )


def lost_tags(health: HealthInput, _: Thresholds) -> Iterator[HealthFinding]:
    """Find protected tags that existed at the last run and no longer do."""
    if health.case is None:
        return
    case, ours = health.case, _deleted(health)
    # What our own runs deleted was meant to be deleted, and is no loss.
    before = {
        tag: digest
        for digest, observation in case.observations.digests.items()
        if observation.untagged_since is None and digest not in ours
        for tag in observation.tags
    }
    lost = {tag: before[tag] for tag in sorted(before.keys() - case.inventory.tagged.keys())}
    # Other tags may be removed by users at any time; a protected one must not be.
    matches = [part.rule.match for part in case.policy.protect if part.rule]
    index = TagIndex(lost, matches)
    protected: set[Tag] = set().union(*(index.known(match) for match in matches))
    if gone := {tag: digest for tag, digest in lost.items() if tag in protected}:
        yield HealthFinding(
            Kind.LOST_TAG,
            f"{counted_verb(len(gone), 'protected tag', 'has', 'have')} been removed since the last"
            " run, but not by Reconciler",
            "Find out what removed them, and push them again.",
            tuple(f"{tag} was on {digest}" for tag, digest in gone.items()),
        )


def deleted_elsewhere(health: HealthInput, _: Thresholds) -> Iterator[HealthFinding]:
    """Find versions that another tool or a user deleted since the last run."""
    if health.case is None:
        return
    # An intent without an outcome may have been carried out, so it counts as ours.
    ours = {Digest(intent.body.digest) for intent in open_intents(health.records).values()}
    ours |= {
        attempt.digest
        for attempt in attempts(health.records)
        if attempt.is_standing or attempt.result is Result.ABSENT
    }
    observed = health.case.observations.digests
    gone = {
        # Tags are kept in an observation after the version has lost them.
        digest: () if observed[digest].untagged_since else observed[digest].tags
        for digest in sorted(observed.keys() - health.case.inventory.versions.keys() - ours)
    }
    if gone:
        yield HealthFinding(
            Kind.DELETED_ELSEWHERE,
            f"{counted_verb(len(gone), 'version', 'has', 'have')} been deleted since the last run,"
            " but not by Reconciler",
            "Find out what else deletes in this repository: a workflow, a user, another tool. The"
            " next apply records it.",
            tuple(name_text(tags, digest) for digest, tags in gone.items()),
        )


def _deleted(health: HealthInput) -> Mapping[Digest, Attempt]:
    """Return the deletions of our own runs that were not undone."""
    return {attempt.digest: attempt for attempt in attempts(health.records) if attempt.is_standing}


def overdue(health: HealthInput, thresholds: Thresholds) -> Iterator[HealthFinding]:
    """Find images that have been due for deletion for too long."""
    images = due_since(health, health.now - thresholds.overdue)
    if images:
        subject = counted_verb(len(images), "image", "has", "have")
        message = f"{subject} been due for deletion for more than {as_span(thresholds.overdue)}"
        # A reader knows the tagged ones by name.
        tagged_first = sorted(images, key=lambda version: (not version.tags, version.digest))
        yield HealthFinding(
            Kind.OVERDUE, message, _cure(health.plan), tuple(map(version_name, tagged_first))
        )


def not_applied(health: HealthInput, thresholds: Thresholds) -> Iterator[HealthFinding]:
    """Find that no apply succeeded while images were due for deletion."""
    since = health.now - thresholds.last_apply
    last = last_success(health.records)
    # Without images that were due all that time, no apply was necessary.
    waiting = due_since(health, since) if last is None or last < since else ()
    if waiting:
        last_apply = f"the last successful apply was on {minute_text(last)}" if last else _NEVER
        subject = counted_verb(len(waiting), "image", "has", "have")
        due = f"been due for deletion since before {minute_text(since)}"
        message = f"{last_apply}, and {subject} {due}"
        yield HealthFinding(Kind.NOT_APPLIED, message, _cure(health.plan))


def due_since(health: HealthInput, since: datetime) -> tuple[Version, ...]:
    """Return the images that are expired now and already were at an earlier time.

    The policy is evaluated as of then: without versions pushed later, and without versions that
    may have had other tags. An empty state has no observations, so no version is left out for that.
    """
    if health.case is None or not health.to_delete:
        return ()
    case, observed = health.case, health.case.observations.digests
    # An image that did not expire then has not been due since then.
    expired = _expired_at(case, since) & health.to_delete
    candidates = (case.inventory.versions[digest] for digest in sorted(expired))
    return tuple(
        version
        for version in candidates
        if not observed or _had_same_tags(version, observed.get(version.digest), since)
    )


def last_success(records: Iterable[Record]) -> datetime | None:
    """Return when an apply last succeeded; None where none ever did."""
    undo_runs: set[str] = set()
    last: datetime | None = None
    for record in records:
        match record.content:
            case RunOpenBody(undoes=undoes) if undoes:
                undo_runs.add(record.run)
            case RunCloseBody(counts=counts, reason=reason) if record.run not in undo_runs:
                # A run with one failure is no success, even if it deleted the rest: it needs
                # attention. One whose time ran out is a success if it deleted something.
                failed = any(counts.get(result) for result in (Result.FAILED, Result.UNKNOWN))
                if (reason == "done" or counts.get(Result.DELETED)) and not failed:
                    last = max(last or record.ts, record.ts)
    return last


def _expired_at(case: PlanningInput, then: datetime) -> frozenset[Digest]:
    """Return the images that the policy expired at an earlier time."""
    # Versions that are known to be newer are left out; those without a time may have existed.
    older = {
        digest: version
        for digest, version in case.inventory.versions.items()
        if (at := version.pushed or version.first_seen) is None or at <= then
    }
    earlier = replace(case.inventory, versions=older)
    decided = decide(
        case.policy, earlier, build_graph(earlier), now=then, observations=case.observations
    )
    return frozenset(digest for digest, decision in decided.images.items() if decision.expires)


def _had_same_tags(version: Version, observation: Observation | None, then: datetime) -> bool:
    """Whether a version had its present tags at an earlier time, as far as runs observed."""
    if version.tags:
        return observation is None or (
            observation.untagged_since is None and observation.tags == version.tags
        )
    return (
        observation is not None
        and observation.untagged_since is not None
        and observation.untagged_since <= then
    )


def _cure(plan: RepositoryPlan | None) -> str:
    """Say what to do: override the guards where they stop the plan, else apply it."""
    stopping = [guard for guard in plan.guards if not guard.ok] if plan else []
    if not stopping:
        return _APPLY
    limits = ", ".join(f"{guard.name} ({guard.actual:.9g} of {guard.limit})" for guard in stopping)
    overrides = " ".join(guard.override for guard in stopping)
    return f"Every apply is stopped by {limits}. To override once: reconciler apply {overrides}"


CHECKS: tuple[HealthCheck, ...] = (
    broken_images,
    lost_tags,
    deleted_elsewhere,
    stale_lock,
    interrupted_runs,
    not_applied,
    overdue,
    expiring_undo,
)
"""All checks, gravest findings first. To add a check, add its function here."""


def check(health: HealthInput, thresholds: Thresholds) -> tuple[HealthFinding, ...]:
    """Return the findings in one repository.

    Raises: PolicyError, when a rule needs a time that this registry and state cannot give.
    """
    return tuple(finding for run_check in CHECKS for finding in run_check(health, thresholds))
