"""Which cause a version has when several show: the first of these.

What is broken says so, whatever else it is. Then whatever is in use, by how it is held: a tag of
its own, the index that lists it, its subject. What no tag leads to comes after that: first what
its own document proves, then what belongs to something, last what only its surroundings explain,
the surest of these first.
"""

from collections.abc import Callable, Iterator
from typing import TypeAlias

from reconciler.core.diagnosing import left, needed
from reconciler.core.diagnosing.anatomy import Anatomy
from reconciler.core.diagnosing.causes import Cause, Sign
from reconciler.core.diagnosing.lone import Lone
from reconciler.model.inventory import Version
from reconciler.model.names import Digest

Test: TypeAlias = Callable[[Version], Sign | None]


def causes(anatomy: Anatomy) -> Iterator[tuple[Digest, Cause, Sign]]:
    """Yield each version with its one cause and what shows it, in digest order."""
    tests = precedence(anatomy)
    for digest, version in anatomy.versions.items():
        signs = ((cause, sign) for cause, test in tests.items() if (sign := test(version)))
        yield digest, *next(signs)


def precedence(anatomy: Anatomy) -> dict[Cause, Test]:
    """Return what shows each cause, in the order in which they are looked for."""
    lone = Lone(anatomy)

    def over(test: Callable[[Anatomy, Version], Sign | None]) -> Test:
        return lambda version: test(anatomy, version)

    return {
        Cause.BROKEN: over(needed.broken),
        Cause.WRAPPER: over(needed.wrapper),
        Cause.STAGING: over(needed.staging),
        Cause.TAGGED: over(needed.tagged),
        Cause.ATTESTATION: over(needed.attestation),
        Cause.PLATFORM: over(needed.platform),
        Cause.SIGNATURE: over(needed.signature),
        Cause.REFERRERS: over(needed.referrers_index),
        Cause.REFERRER: over(needed.referrer),
        Cause.REPLACED_CACHE: over(left.cache),
        Cause.REPLACED_REFERRERS: over(left.referrers),
        Cause.REPLACED_SIGNATURE: over(left.signature),
        Cause.ORPHAN_REFERRER: over(left.orphan_referrer),
        Cause.SUPERSEDED: over(left.superseded),
        Cause.MERGED: lone.merged,
        Cause.IDENTICAL: lone.identical,
        Cause.ORPHAN_CHILD: lone.orphan_child,
        Cause.UNMERGED: lone.unmerged,
        Cause.MOVED: lone.moved,
        Cause.UNKNOWN: lone.unknown,
    }
