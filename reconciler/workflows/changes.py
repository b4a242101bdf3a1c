"""Single changes to a workflow, each with what it stops, in words and as an edit of the file."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from reconciler.core.diagnosing.causes import VersionCause
from reconciler.model.names import Repository
from reconciler.workflows.edits import LineEdit, add_lines, set_input, substituted
from reconciler.workflows.made import attestations, caches_in
from reconciler.workflows.makers import AttestStep, BuildStep, MergeStep, PushStep, SignStep, Spot
from reconciler.workflows.workflow import Workflow

_OF_A_NIGHT = "type=schedule,pattern=nightly-{{date 'YYYYMMDD'}}"
_OF_A_COMMIT = "type=sha"
_FIELD = r"[\w-]+=(?:\$\{\{.{0,200}?\}\}|\$(?!\{\{)|[^\s,\"'$])*"
_CACHE = rf"(?:{_FIELD},\s*)*type=registry(?:,\s*{_FIELD})*"
"""One entry of `cache-to` or `cache-from`, wherever in it the type stands."""


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
