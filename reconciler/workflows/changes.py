"""Which workflow step pushes which versions, and the change that prevents most of them."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, islice

from reconciler.analysis.diagnose.causes import VersionCause
from reconciler.analysis.diagnose.finding import CauseGroup
from reconciler.analysis.diagnose.remedies import AdvisedChange, Attribution, WorkflowAdvice
from reconciler.model.names import Repository
from reconciler.workflows.edits import LineEdit, add_lines, patch, set_input, substituted
from reconciler.workflows.expressions import may_name
from reconciler.workflows.parse import WorkflowFiles
from reconciler.workflows.steps import (
    AttestStep,
    BuildStep,
    MergeStep,
    PushStep,
    SignStep,
    StepLocation,
    by_action,
    by_script,
)
from reconciler.workflows.workflow import Workflow

_NIGHTLY_TAG = "type=schedule,pattern=nightly-{{date 'YYYYMMDD'}}"
_COMMIT_TAG = "type=sha"
# The bound of 200 characters keeps the time of matching linear.
_FIELD = r"[\w-]+=(?:\$\{\{.{0,200}?\}\}|\$(?!\{\{)|[^\s,\"'$])*"
_CACHE = rf"(?:{_FIELD},\s*)*type=registry(?:,\s*{_FIELD})*"
"""One entry of `cache-to` or `cache-from`, with `type` as its first or any other field."""

MAX_PUSH_STEPS = 200
"""Most pushing steps of one workflow that are examined: each is compared with all others."""


@dataclass(frozen=True, slots=True)
class WorkflowChange:
    """One change; with `names` it avoids no version, but each keeps a tag.

    Shape: `edits` is empty where the change needs knowledge of the build.
    """

    location: StepLocation
    stops: frozenset[VersionCause]
    text: str
    edits: tuple[LineEdit, ...] = ()
    names: bool = False


def changes(
    workflow: Workflow, pushing: Sequence[PushStep], repository: Repository
) -> Iterator[WorkflowChange]:
    """Yield possible changes of a workflow, given all its steps that push to a repository."""
    for step in pushing:
        match step:
            case BuildStep():
                yield from _build_changes(step, pushing, repository)
            case MergeStep() if step.wraps:
                text = (
                    "`--prefer-index=false`: the tag is put on the image itself, without an index"
                    " around it."
                )
                edit = _option(step, "imagetools create", "--prefer-index=false")
                stops = frozenset({VersionCause.WRAPPER})
                yield WorkflowChange(step.location, stops, text, _possible(edit))
            case MergeStep() if not step.is_copy:
                yield from _unique_tag(step)
            # One change for all attesting steps of a job, reported at the second one.
            case AttestStep() if attestations(step, pushing)[1:2] == [step]:
                yield _single_attestation(step, pushing)
            # Without a schedule a job that only signs has a new image each time.
            case SignStep() if workflow.is_scheduled:
                here = [other for other in pushing if other.location.job is step.location.job]
                if not any(isinstance(other, BuildStep) for other in here):
                    text = (
                        "Sign once, in the job that builds the image; each run here signs it again."
                    )
                    stops = frozenset({VersionCause.REPLACED_SIGNATURE})
                    yield WorkflowChange(step.location, stops, text)


def _build_changes(
    build: BuildStep, pushing: Sequence[PushStep], repository: Repository
) -> Iterator[WorkflowChange]:
    if build.attests and not build.attests_on_request:
        yield _no_provenance(build)
    if caches_in(build, repository):
        yield _cache_elsewhere(build)
    if build.by_digest:
        # Without a merge no index ever lists the digest, so every build leaves an untagged image.
        if not any(isinstance(step, MergeStep) for step in pushing):
            text = "Merge the digests in a job that needs all builds, with `imagetools create`."
            yield WorkflowChange(build.location, frozenset({VersionCause.UNMERGED}), text)
    elif not build.names.is_staging:
        yield from _unique_tag(build)


def _no_provenance(build: BuildStep) -> WorkflowChange:
    stops = {VersionCause.ATTESTATION}
    if build.by_digest:
        # With attestations each platform's digest is an index, which the merge leaves behind.
        stops |= {VersionCause.MERGED}
    elif build.platforms == 1:
        # Without attestations one platform's image needs no index: it has the tag itself.
        stops |= {VersionCause.PLATFORM}
    if build.program:
        text, edit = "`--provenance=false`", _option(build, build.program, "--provenance=false")
    else:
        text = "`provenance: false`"
        edit = set_input(build.location.workflow, build.location.step, "provenance", "false")
    text = f"{text}: no provenance is pushed; this workflow does not request any."
    return WorkflowChange(build.location, frozenset(stops), text, _possible(edit))


def _cache_elsewhere(build: BuildStep) -> WorkflowChange:
    text = "`cache-to: type=gha`: the build cache is kept by GitHub Actions, not as a package."
    workflow, step = build.location.workflow, build.location.step
    replaced = (
        []
        if build.program
        else [
            substituted(
                workflow, step, ("with", "cache-to"), _CACHE, f"type=gha,mode=max{_scope(build)}"
            ),
            substituted(workflow, step, ("with", "cache-from"), _CACHE, f"type=gha{_scope(build)}"),
        ]
    )
    # Reading from another cache than the one written would make every build start from nothing.
    edits = _possible(*replaced) if all(replaced[:1]) else ()
    return WorkflowChange(build.location, frozenset({VersionCause.REPLACED_CACHE}), text, edits)


def _scope(build: BuildStep) -> str:
    """Give each job of a matrix a cache scope of its own, since all share one cache."""
    return ",scope=${{ strategy.job-index }}" if build.location.job.is_matrix else ""


def _unique_tag(step: BuildStep | MergeStep) -> Iterator[WorkflowChange]:
    """Give each image a unique tag: when it loses the moving one, a rule can still match it."""
    names = step.names
    # Without known tags there is no list to which one could be added.
    if names.has_unique_tag or not names.tags:
        return
    workflow = step.location.workflow
    entries = [_NIGHTLY_TAG] if workflow.is_scheduled else []
    # A nightly build of an unchanged commit has the same commit tag as the night before.
    entries += [] if workflow.events == {"schedule"} else [_COMMIT_TAG]
    if names.metadata:
        edit = add_lines(workflow, names.metadata, ("with", "tags"), entries)
    else:
        run = "run-${{ github.run_id }}" if workflow.is_scheduled else "sha-${{ github.sha }}"
        entries = [f"{names.images[0]}:{run}"]
        edit = add_lines(workflow, step.location.step, ("with", "tags"), entries)
    text = (
        f"A unique tag for each image, `{entries[0]}`: after the next build the image still has a"
        " tag, by which it can be found, pulled, and expired by a rule."
    )
    stops = frozenset((VersionCause.MOVED, VersionCause.SUPERSEDED, VersionCause.IDENTICAL))
    yield WorkflowChange(step.location, stops, text, _possible(edit), names=True)


def _single_attestation(attest: AttestStep, pushing: Sequence[PushStep]) -> WorkflowChange:
    """Push one attestation for each image: each further one replaces the list of all."""
    text = (
        "`push-to-registry: false` in all but the first: GitHub stores these attestations as well,"
        " and `gh attestation verify` finds them there."
    )
    further = attestations(attest, pushing)[1:]
    edits = (
        set_input(later.location.workflow, later.location.step, "push-to-registry", "false")
        for later in further
    )
    stops = frozenset({VersionCause.REPLACED_REFERRERS})
    return WorkflowChange(attest.location, stops, text, _possible(*edits))


def _option(push_step: PushStep, program: str, option: str) -> LineEdit | None:
    pattern = rf"\b{program.replace(' ', ' +')}\b"
    spot = push_step.location
    return substituted(spot.workflow, spot.step, ("run",), pattern, f"{program} {option}")


def _possible(*edits: LineEdit | None) -> tuple[LineEdit, ...]:
    return tuple(edit for edit in edits if edit)


def causes_of(
    step: PushStep, others: Sequence[PushStep], repository: Repository
) -> frozenset[VersionCause]:
    """Return the causes of the versions that a step creates.

    `others` are all steps of its workflow that push to the same repository.
    """
    match step:
        case BuildStep():
            return frozenset(_build_causes(step, others, repository))
        case MergeStep(is_copy=True):
            wrapper = {VersionCause.WRAPPER} if step.wraps else set()
            return frozenset({VersionCause.TAGGED} | wrapper)
        case MergeStep():
            return frozenset(_tag_causes(step, is_index=True))
        case AttestStep():
            several = len(attestations(step, others)) > 1
            replaced = {VersionCause.REPLACED_REFERRERS} if several else set()
            return frozenset(
                {VersionCause.REFERRER, VersionCause.REFERRERS, VersionCause.ORPHAN_REFERRER}
                | replaced
            )
        case SignStep():
            return frozenset({VersionCause.SIGNATURE, VersionCause.REPLACED_SIGNATURE})
        case _:
            return frozenset()


def caches_in(build: BuildStep, repository: Repository) -> bool:
    """Whether a build keeps its cache in this repository."""
    return any(may_name(reference, repository) for reference in build.caches)


def attestations(attest: AttestStep, others: Sequence[PushStep]) -> Sequence[AttestStep]:
    """Return the attesting steps of the same job."""
    return [
        other
        for other in others
        if isinstance(other, AttestStep) and other.location.job is attest.location.job
    ]


def _build_causes(
    build: BuildStep, others: Sequence[PushStep], repository: Repository
) -> Iterator[VersionCause]:
    merged = any(isinstance(other, MergeStep) and not other.is_copy for other in others)
    # The untagged manifests that belong to an image.
    if _is_index(build) or (build.by_digest and merged):
        yield VersionCause.PLATFORM
    if build.attests:
        yield VersionCause.ATTESTATION
        # The merge lists the platforms themselves, and leaves the index of each build behind.
        if build.by_digest and merged:
            yield VersionCause.MERGED
    # The image itself.
    if build.by_digest:
        yield VersionCause.UNMERGED
    elif merged and build.names.is_staging:
        yield VersionCause.STAGING
    else:
        yield from _tag_causes(build, is_index=_is_index(build))
    if caches_in(build, repository):
        yield VersionCause.REPLACED_CACHE


def _is_index(build: BuildStep) -> bool:
    """Whether a build pushes an index; an unknown number of platforms counts as several."""
    return build.attests or build.platforms != 1


def _tag_causes(step: PushStep, *, is_index: bool) -> Iterator[VersionCause]:
    """Return the causes of an image now, and after the next build has moved its tags."""
    yield VersionCause.TAGGED
    if not step.names.has_unique_tag:
        yield from (
            VersionCause.MOVED,
            VersionCause.IDENTICAL,
            *([VersionCause.SUPERSEDED] if is_index else []),
        )


def advise(
    files: WorkflowFiles, repository: Repository, groups: Iterable[CauseGroup]
) -> WorkflowAdvice:
    """Attribute the versions of a repository to steps, and propose changes of these steps.

    Proposals are ordered by how many versions they avoid, unneeded ones first.
    """
    by_cause = {group.cause: group for group in groups}
    attributions: list[Attribution] = []
    proposals: list[AdvisedChange] = []
    for workflow in files.workflows:
        spots = (StepLocation(workflow, job, step) for job, step in workflow.steps)
        steps = chain.from_iterable(chain(by_action(spot), by_script(spot)) for spot in spots)
        pushing = [step for step in islice(steps, MAX_PUSH_STEPS) if step.may_push_to(repository)]
        for step in pushing:
            created = causes_of(step, pushing, repository) & by_cause.keys()
            # In the order of the enumeration, so that equal workflows give equal reports.
            if causes := tuple(cause for cause in VersionCause if cause in created):
                attributions.append(Attribution(str(step.location), step.location.label, causes))
        possible = changes(workflow, pushing, repository)
        proposals += (_proposal(change, by_cause) for change in possible)
    useful = [proposal for proposal in proposals if proposal.unneeded or proposal.needed]
    useful.sort(key=lambda proposal: (-proposal.unneeded, -proposal.needed, proposal.place))
    return WorkflowAdvice(tuple(attributions), tuple(useful), files.unread)


def _proposal(change: WorkflowChange, groups: Mapping[VersionCause, CauseGroup]) -> AdvisedChange:
    stopped = [groups[cause] for cause in change.stops if cause in groups]
    needed = sum(group.needed for group in stopped)
    unneeded = sum(group.count for group in stopped) - needed
    text, place = patch(change.location.workflow, change.edits), str(change.location)
    return AdvisedChange(place, change.text, text, unneeded, needed, names=change.names)
