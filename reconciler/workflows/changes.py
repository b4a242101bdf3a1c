"""Single changes to a workflow, each with what it stops, in words and as an edit of the file."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from reconciler.core.diagnosing.causes import Cause
from reconciler.model.names import Repository
from reconciler.workflows.edits import Edit, add_lines, set_input, substituted
from reconciler.workflows.made import attestations, caches_in
from reconciler.workflows.makers import Attest, Build, Maker, Merge, Sign, Spot
from reconciler.workflows.workflow import Workflow

_OF_A_NIGHT = "type=schedule,pattern=nightly-{{date 'YYYYMMDD'}}"
_OF_A_COMMIT = "type=sha"
_FIELD = r"[\w-]+=(?:\$\{\{.{0,200}?\}\}|\$(?!\{\{)|[^\s,\"'$])*"
_CACHE = rf"(?:{_FIELD},\s*)*type=registry(?:,\s*{_FIELD})*"
"""One entry of `cache-to` or `cache-from`, wherever in it the type stands."""


@dataclass(frozen=True, slots=True)
class Change:
    """One change. Shape: `edits` is empty where only somebody who knows the build can make it."""

    spot: Spot
    stops: frozenset[Cause]
    words: str
    edits: tuple[Edit, ...] = ()


def changes(
    workflow: Workflow, pushing: Sequence[Maker], repository: Repository
) -> Iterator[Change]:
    """Yield what could be changed in a workflow, given all its steps that push to a repository."""
    for maker in pushing:
        match maker:
            case Build():
                yield from _of_build(maker, pushing, repository)
            case Merge() if maker.wraps:
                yield _plain_copy(maker)
            case Merge() if not maker.is_copy:
                yield from _own_tag(maker)
            case Attest() if attestations(maker, pushing)[1:2] == [maker]:
                yield _one_attestation(maker, pushing)
            case Sign() if workflow.is_scheduled:
                yield from _sign_once(maker, pushing)


def _of_build(build: Build, pushing: Sequence[Maker], repository: Repository) -> Iterator[Change]:
    if build.attests and not build.on_purpose:
        yield _no_provenance(build)
    if caches_in(build, repository):
        yield _cache_elsewhere(build)
    if build.by_digest:
        if not any(isinstance(maker, Merge) for maker in pushing):
            words = "Merge the digests in a job that needs all builds, with `imagetools create`."
            yield Change(build.spot, frozenset({Cause.UNMERGED}), words)
    elif not build.names.is_staging:
        yield from _own_tag(build)


def _no_provenance(build: Build) -> Change:
    stops = {Cause.ATTESTATION}
    if build.by_digest:
        stops |= {Cause.MERGED}
    elif build.platforms == 1:
        # Without attestations one platform's image needs no index: it has the tag itself.
        stops |= {Cause.PLATFORM}
    if build.program:
        words, edit = "`--provenance=false`", _option(build, build.program, "--provenance=false")
    else:
        words = "`provenance: false`"
        edit = set_input(build.spot.workflow, build.spot.step, "provenance", "false")
    words = f"{words}: no provenance is pushed, which nobody asked for here."
    return Change(build.spot, frozenset(stops), words, _all(edit))


def _cache_elsewhere(build: Build) -> Change:
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
    return Change(build.spot, frozenset({Cause.REPLACED_CACHE}), words, edits)


def _scope(build: Build) -> str:
    """Name the cache after its job where a matrix has several, since all share one place."""
    return ",scope=${{ strategy.job-index }}" if build.spot.job.is_matrix else ""


def _own_tag(maker: Build | Merge) -> Iterator[Change]:
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
    stops = frozenset({Cause.MOVED, Cause.SUPERSEDED, Cause.IDENTICAL})
    yield Change(maker.spot, stops, words, _all(edit))


def _plain_copy(merge: Merge) -> Change:
    words = "`--prefer-index=false`: a tag on one image is put on that image, with no index around."
    edit = _option(merge, "imagetools create", "--prefer-index=false")
    return Change(merge.spot, frozenset({Cause.WRAPPER}), words, _all(edit))


def _one_attestation(attest: Attest, pushing: Sequence[Maker]) -> Change:
    """Push one attestation for each image: each further one replaces the list of all."""
    words = (
        "`push-to-registry: false` in all but the first: GitHub keeps these attestations itself,"
        " and `gh attestation verify` finds them there."
    )
    further = attestations(attest, pushing)[1:]
    edits = (
        set_input(one.spot.workflow, one.spot.step, "push-to-registry", "false") for one in further
    )
    stops = frozenset({Cause.REPLACED_REFERRERS})
    return Change(attest.spot, stops, words, _all(*edits))


def _sign_once(sign: Sign, pushing: Sequence[Maker]) -> Iterator[Change]:
    built = any(isinstance(one, Build) and one.spot.job is sign.spot.job for one in pushing)
    if not built:
        words = "Sign where the image is built, once; each run here signs the same image again."
        yield Change(sign.spot, frozenset({Cause.REPLACED_SIGNATURE}), words)


def _option(maker: Maker, program: str, option: str) -> Edit | None:
    pattern = rf"\b{program.replace(' ', ' +')}\b"
    spot = maker.spot
    return substituted(spot.workflow, spot.step, ("run",), pattern, f"{program} {option}")


def _all(*edits: Edit | None) -> tuple[Edit, ...]:
    return tuple(edit for edit in edits if edit)
