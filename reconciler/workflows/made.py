"""What each step leaves in a registry, by the causes that `diagnose` finds there."""

from collections.abc import Iterator, Sequence

from reconciler.core.diagnosing.causes import VersionCause
from reconciler.model.names import Repository
from reconciler.workflows.expressions import may_name
from reconciler.workflows.makers import AttestStep, BuildStep, MergeStep, PushStep, SignStep


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
        one for one in others if isinstance(one, AttestStep) and one.spot.job is attest.spot.job
    ]


def _by_build(
    build: BuildStep, others: Sequence[PushStep], repository: Repository
) -> Iterator[VersionCause]:
    merged = any(isinstance(one, MergeStep) and not one.is_copy for one in others)
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
