"""What each step leaves in a registry, by the causes that `diagnose` finds there."""

from collections.abc import Iterator, Sequence

from reconciler.core.diagnosing.causes import Cause
from reconciler.model.names import Repository
from reconciler.workflows.expressions import may_name
from reconciler.workflows.makers import Attest, Build, Maker, Merge, Sign


def made_by(maker: Maker, others: Sequence[Maker], repository: Repository) -> frozenset[Cause]:
    """Tell what a step makes; `others` are all steps of its workflow that push there."""
    match maker:
        case Build():
            return frozenset(_by_build(maker, others, repository))
        case Merge():
            return frozenset(_by_merge(maker))
        case Attest():
            several = len(attestations(maker, others)) > 1
            replaced = {Cause.REPLACED_REFERRERS} if several else set()
            return frozenset({Cause.REFERRER, Cause.REFERRERS, Cause.ORPHAN_REFERRER} | replaced)
        case Sign():
            return frozenset({Cause.SIGNATURE, Cause.REPLACED_SIGNATURE})
        case _:
            return frozenset()


def caches_in(build: Build, repository: Repository) -> bool:
    """Whether a build keeps its cache in this repository."""
    return any(may_name(reference, repository) for reference in build.caches)


def attestations(attest: Attest, others: Sequence[Maker]) -> Sequence[Attest]:
    """Return the steps of one job that attest."""
    return [one for one in others if isinstance(one, Attest) and one.spot.job is attest.spot.job]


def _by_build(build: Build, others: Sequence[Maker], repository: Repository) -> Iterator[Cause]:
    merged = any(isinstance(one, Merge) and not one.is_copy for one in others)
    yield from _parts(build, merged=merged)
    if build.by_digest:
        yield Cause.UNMERGED
    elif merged and build.names.is_staging:
        yield Cause.STAGING
    else:
        yield from _by_names(build, is_index=_is_index(build))
    if caches_in(build, repository):
        yield Cause.REPLACED_CACHE


def _parts(build: Build, *, merged: bool) -> Iterator[Cause]:
    """Tell what an image is made of, besides what has the tag."""
    if _is_index(build) or (build.by_digest and merged):
        yield Cause.PLATFORM
    if build.attests:
        yield Cause.ATTESTATION
        if build.by_digest and merged:
            yield Cause.MERGED


def _is_index(build: Build) -> bool:
    """Whether a build pushes an index; of platforms that nobody can count there may be several."""
    return build.attests or build.platforms != 1


def _by_merge(merge: Merge) -> Iterator[Cause]:
    if merge.is_copy:
        yield from (Cause.TAGGED, *([Cause.WRAPPER] if merge.wraps else []))
    else:
        yield from _by_names(merge, is_index=True)


def _by_names(maker: Maker, *, is_index: bool) -> Iterator[Cause]:
    """Tell what becomes of an image once the next one is there."""
    yield Cause.TAGGED
    if not maker.names.has_own:
        yield from (Cause.MOVED, Cause.IDENTICAL, *([Cause.SUPERSEDED] if is_index else []))
