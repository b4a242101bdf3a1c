"""What is missing from a registry, and should not be."""

from collections.abc import Iterator, Mapping, Sequence

from reconciler.core.checking.finding import HealthFinding, HealthInput, Kind, Thresholds
from reconciler.core.checking.wording import called, version_name, versions
from reconciler.core.graph import build_graph
from reconciler.core.history import Attempt, attempts
from reconciler.core.planner import PlanningInput
from reconciler.core.select import TagIndex
from reconciler.model.journal import Record, Result, open_intents
from reconciler.model.names import Digest, Tag
from reconciler.model.observations import Observation


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
