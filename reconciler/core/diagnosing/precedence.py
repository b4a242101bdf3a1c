"""Which cause a version has when several show: the first of these.

What is broken says so, whatever else it is. Then whatever is in use, by how it is held: a tag of
its own, the index that lists it, its subject. What no tag leads to comes after that: first what
its own document proves, then what belongs to something, last what only its surroundings explain,
the surest of these first.
"""

from collections.abc import Callable, Iterator
from typing import TypeAlias

from reconciler.core.diagnosing import left, needed
from reconciler.core.diagnosing.anatomy import ReferenceGraph
from reconciler.core.diagnosing.causes import CauseEvidence, VersionCause
from reconciler.core.diagnosing.lone import Unreferenced
from reconciler.model.inventory import Version
from reconciler.model.names import Digest

Test: TypeAlias = Callable[[Version], CauseEvidence | None]


def causes(anatomy: ReferenceGraph) -> Iterator[tuple[Digest, VersionCause, CauseEvidence]]:
    """Yield each version with its one cause and what shows it, in digest order."""
    tests = precedence(anatomy)
    for digest, version in anatomy.versions.items():
        signs = ((cause, sign) for cause, test in tests.items() if (sign := test(version)))
        yield digest, *next(signs)


def precedence(anatomy: ReferenceGraph) -> dict[VersionCause, Test]:
    """Return what shows each cause, in the order in which they are looked for."""
    lone = Unreferenced(anatomy)

    def over(test: Callable[[ReferenceGraph, Version], CauseEvidence | None]) -> Test:
        return lambda version: test(anatomy, version)

    return {
        VersionCause.BROKEN: over(needed.broken),
        VersionCause.WRAPPER: over(needed.wrapper),
        VersionCause.STAGING: over(needed.staging),
        VersionCause.TAGGED: over(needed.tagged),
        VersionCause.ATTESTATION: over(needed.attestation),
        VersionCause.PLATFORM: over(needed.platform),
        VersionCause.SIGNATURE: over(needed.signature),
        VersionCause.REFERRERS: over(needed.referrers_index),
        VersionCause.REFERRER: over(needed.referrer),
        VersionCause.REPLACED_CACHE: over(left.cache),
        VersionCause.REPLACED_REFERRERS: over(left.referrers),
        VersionCause.REPLACED_SIGNATURE: over(left.signature),
        VersionCause.ORPHAN_REFERRER: over(left.orphan_referrer),
        VersionCause.SUPERSEDED: over(left.superseded),
        VersionCause.MERGED: lone.merged,
        VersionCause.IDENTICAL: lone.identical,
        VersionCause.ORPHAN_CHILD: lone.orphan_child,
        VersionCause.UNMERGED: lone.unmerged,
        VersionCause.MOVED: lone.moved,
        VersionCause.UNKNOWN: lone.unknown,
    }
