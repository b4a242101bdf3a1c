"""Which workflow step pushes which versions, and the change that prevents most of them."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice

from reconciler.analysis.diagnose.causes import VersionCause
from reconciler.analysis.diagnose.finding import CauseGroup
from reconciler.analysis.diagnose.suggestion import AdvisedChange, Attribution, WorkflowAdvice
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
    Spot,
    by_action,
    by_script,
)
from reconciler.workflows.workflow import Workflow

_OF_A_NIGHT = "type=schedule,pattern=nightly-{{date 'YYYYMMDD'}}"
_OF_A_COMMIT = "type=sha"
_FIELD = r"[\w-]+=(?:\$\{\{.{0,200}?\}\}|\$(?!\{\{)|[^\s,\"'$])*"
_CACHE = rf"(?:{_FIELD},\s*)*type=registry(?:,\s*{_FIELD})*"
"""One entry of `cache-to` or `cache-from`, wherever in it the type stands."""

MAX_MAKERS = 200
"""Most steps of one workflow that are looked at."""


@dataclass(frozen=True, slots=True)
class WorkflowChange:
    """One change. Shape: `edits` is empty where only somebody who knows the build can make it."""

    spot: Spot
    stops: frozenset[VersionCause]
    text: str
    edits: tuple[LineEdit, ...] = ()


def changes(
    workflow: Workflow, pushing: Sequence[PushStep], repository: Repository
) -> Iterator[WorkflowChange]:
    """Yield what could be changed in a workflow, given all its steps that push to a repository."""
    for maker in pushing:
        match maker:
            case BuildStep():
                yield from _of_build(maker, pushing, repository)
            case MergeStep() if maker.wraps:
                yield _plain_copy(maker)
            case MergeStep() if not maker.is_copy:
                yield from _own_tag(maker)
            case AttestStep() if attestations(maker, pushing)[1:2] == [maker]:
                yield _single_attestation(maker, pushing)
            case SignStep() if workflow.is_scheduled:
                yield from _sign_once(maker, pushing)


def _of_build(
    build: BuildStep, pushing: Sequence[PushStep], repository: Repository
) -> Iterator[WorkflowChange]:
    if build.attests and not build.on_purpose:
        yield _no_provenance(build)
    if caches_in(build, repository):
        yield _cache_elsewhere(build)
    if build.by_digest:
        if not any(isinstance(maker, MergeStep) for maker in pushing):
            words = "Merge the digests in a job that needs all builds, with `imagetools create`."
            yield WorkflowChange(build.spot, frozenset({VersionCause.UNMERGED}), words)
    elif not build.names.is_staging:
        yield from _own_tag(build)


def _no_provenance(build: BuildStep) -> WorkflowChange:
    stops = {VersionCause.ATTESTATION}
    if build.by_digest:
        stops |= {VersionCause.MERGED}
    elif build.platforms == 1:
        # Without attestations one platform's image needs no index: it has the tag itself.
        stops |= {VersionCause.PLATFORM}
    if build.program:
        words, edit = "`--provenance=false`", _option(build, build.program, "--provenance=false")
    else:
        words = "`provenance: false`"
        edit = set_input(build.spot.workflow, build.spot.step, "provenance", "false")
    words = f"{words}: no provenance is pushed, which nobody asked for here."
    return WorkflowChange(build.spot, frozenset(stops), words, _all(edit))


def _cache_elsewhere(build: BuildStep) -> WorkflowChange:
    words = "`cache-to: type=gha`: the build cache is kept by GitHub Actions, not as a package."
    workflow, step = build.spot.workflow, build.spot.step
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
    edits = _all(*replaced) if all(replaced[:1]) else ()
    return WorkflowChange(build.spot, frozenset({VersionCause.REPLACED_CACHE}), words, edits)


def _scope(build: BuildStep) -> str:
    """Name the cache after its job where a matrix has several, since all share one place."""
    return ",scope=${{ strategy.job-index }}" if build.spot.job.is_matrix else ""


def _own_tag(maker: BuildStep | MergeStep) -> Iterator[WorkflowChange]:
    """Give each image a tag of its own: what loses the moving one can be found, and has a rule."""
    names = maker.names
    if names.has_own or not names.tags:
        return
    workflow = maker.spot.workflow
    entries = [_OF_A_NIGHT] if workflow.is_scheduled else []
    entries += [] if workflow.events == {"schedule"} else [_OF_A_COMMIT]
    if names.metadata:
        edit = add_lines(workflow, names.metadata, ("with", "tags"), entries)
    else:
        run = "run-${{ github.run_id }}" if workflow.is_scheduled else "sha-${{ github.sha }}"
        entries = [f"{names.images[0]}:{run}"]
        edit = add_lines(workflow, maker.spot.step, ("with", "tags"), entries)
    words = (
        f"A tag of its own for each image, `{entries[0]}`: the next build leaves it a name, by"
        " which it can be found, pulled again, and let go by a rule."
    )
    stops = frozenset({VersionCause.MOVED, VersionCause.SUPERSEDED, VersionCause.IDENTICAL})
    yield WorkflowChange(maker.spot, stops, words, _all(edit))


def _plain_copy(merge: MergeStep) -> WorkflowChange:
    words = "`--prefer-index=false`: a tag on one image is put on that image, with no index around."
    edit = _option(merge, "imagetools create", "--prefer-index=false")
    return WorkflowChange(merge.spot, frozenset({VersionCause.WRAPPER}), words, _all(edit))


def _single_attestation(attest: AttestStep, pushing: Sequence[PushStep]) -> WorkflowChange:
    """Push one attestation for each image: each further one replaces the list of all."""
    words = (
        "`push-to-registry: false` in all but the first: GitHub keeps these attestations itself,"
        " and `gh attestation verify` finds them there."
    )
    further = attestations(attest, pushing)[1:]
    edits = (
        set_input(one.spot.workflow, one.spot.step, "push-to-registry", "false") for one in further
    )
    stops = frozenset({VersionCause.REPLACED_REFERRERS})
    return WorkflowChange(attest.spot, stops, words, _all(*edits))


def _sign_once(sign: SignStep, pushing: Sequence[PushStep]) -> Iterator[WorkflowChange]:
    built = any(isinstance(one, BuildStep) and one.spot.job is sign.spot.job for one in pushing)
    if not built:
        words = "Sign where the image is built, once; each run here signs the same image again."
        yield WorkflowChange(sign.spot, frozenset({VersionCause.REPLACED_SIGNATURE}), words)


def _option(maker: PushStep, program: str, option: str) -> LineEdit | None:
    pattern = rf"\b{program.replace(' ', ' +')}\b"
    spot = maker.spot
    return substituted(spot.workflow, spot.step, ("run",), pattern, f"{program} {option}")


def _all(*edits: LineEdit | None) -> tuple[LineEdit, ...]:
    return tuple(edit for edit in edits if edit)


def made_by(
    maker: PushStep, others: Sequence[PushStep], repository: Repository
) -> frozenset[VersionCause]:
    """Tell what a step makes; `others` are all steps of its workflow that push there."""
    match maker:
        case BuildStep():
            return frozenset(_by_build(maker, others, repository))
        case MergeStep():
            return frozenset(_by_merge(maker))
        case AttestStep():
            several = len(attestations(maker, others)) > 1
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
    """Return the steps of one job that attest."""
    return [
        other
        for other in others
        if isinstance(other, AttestStep) and other.spot.job is attest.spot.job
    ]


def _by_build(
    build: BuildStep, others: Sequence[PushStep], repository: Repository
) -> Iterator[VersionCause]:
    merged = any(isinstance(other, MergeStep) and not other.is_copy for other in others)
    yield from _parts(build, merged=merged)
    if build.by_digest:
        yield VersionCause.UNMERGED
    elif merged and build.names.is_staging:
        yield VersionCause.STAGING
    else:
        yield from _by_names(build, is_index=_is_index(build))
    if caches_in(build, repository):
        yield VersionCause.REPLACED_CACHE


def _parts(build: BuildStep, *, merged: bool) -> Iterator[VersionCause]:
    """Tell what an image is made of, besides what has the tag."""
    if _is_index(build) or (build.by_digest and merged):
        yield VersionCause.PLATFORM
    if build.attests:
        yield VersionCause.ATTESTATION
        if build.by_digest and merged:
            yield VersionCause.MERGED


def _is_index(build: BuildStep) -> bool:
    """Whether a build pushes an index; of platforms that nobody can count there may be several."""
    return build.attests or build.platforms != 1


def _by_merge(merge: MergeStep) -> Iterator[VersionCause]:
    if merge.is_copy:
        yield from (VersionCause.TAGGED, *([VersionCause.WRAPPER] if merge.wraps else []))
    else:
        yield from _by_names(merge, is_index=True)


def _by_names(maker: PushStep, *, is_index: bool) -> Iterator[VersionCause]:
    """Tell what becomes of an image once the next one is there."""
    yield VersionCause.TAGGED
    if not maker.names.has_own:
        yield from (
            VersionCause.MOVED,
            VersionCause.IDENTICAL,
            *([VersionCause.SUPERSEDED] if is_index else []),
        )


def advise(
    found: WorkflowFiles, repository: Repository, groups: Iterable[CauseGroup]
) -> WorkflowAdvice:
    """Tell which steps make what was found in a repository, and what to change in them."""
    by_cause = {group.cause: group for group in groups}
    attributions: list[Attribution] = []
    proposals: list[AdvisedChange] = []
    for workflow in found.workflows:
        made = islice(_makers(workflow), MAX_MAKERS)
        pushing = [maker for maker in made if maker.may_push_to(repository)]
        attributions += _attributed(pushing, repository, by_cause)
        possible = changes(workflow, pushing, repository)
        proposals += (_proposal(change, by_cause) for change in possible)
    useful = [proposal for proposal in proposals if proposal.unneeded or proposal.needed]
    useful.sort(key=lambda one: (-one.unneeded, -one.needed, one.place))
    return WorkflowAdvice(tuple(attributions), tuple(useful), found.unread)


def _makers(workflow: Workflow) -> Iterator[PushStep]:
    """Yield everything that a workflow pushes, in the order of the file."""
    for job, step in workflow.steps:
        spot = Spot(workflow, job, step)
        yield from by_action(spot)
        yield from by_script(spot)


def _attributed(
    pushing: Sequence[PushStep], repository: Repository, found: Mapping[VersionCause, CauseGroup]
) -> Iterator[Attribution]:
    for maker in pushing:
        made = made_by(maker, pushing, repository)
        if causes := tuple(cause for cause in VersionCause if cause in made and cause in found):
            yield Attribution(str(maker.spot), maker.spot.label, causes)


def _proposal(change: WorkflowChange, found: Mapping[VersionCause, CauseGroup]) -> AdvisedChange:
    stopped = [found[cause] for cause in change.stops if cause in found]
    needed = sum(group.needed for group in stopped)
    left = sum(group.count for group in stopped) - needed
    text = patch(change.spot.workflow, change.edits)
    return AdvisedChange(str(change.spot), change.text, text, left, needed)
