"""Limits on one plan: how many images, what share of them, and that something remains."""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from reconciler.model.names import Repository
from reconciler.model.plan import Guard, GuardName, RepositoryPlan
from reconciler.model.policy import Guards

Allowances = Mapping[tuple[str, Repository], int]
"""Limits raised for one run: (guard, repository) and the limit to use instead."""


@dataclass(frozen=True, slots=True)
class ImageCounts:
    """What a plan takes. Units: images (roots).

    Shape: `rest` stays, and is worth staying for: a signature left behind is not.
    """

    images: int
    deleted: int
    rest: int


def check_guards(
    guards: Guards, repository: Repository, toll: ImageCounts, allowed: Allowances
) -> tuple[Guard, ...]:
    """Hold a plan against its limits; a limit met exactly is allowed.

    Units: images, and percent of the repository's images.
    """
    found = _checks(guards, repository, toll, allowed) if toll.images else ()
    return tuple(
        guard.model_copy(update={"asked": (guard.name, repository) in allowed}) for guard in found
    )


def raised_limits(part: RepositoryPlan) -> Iterator[tuple[tuple[str, Repository], int]]:
    """Yield the limits that a plan says it was drawn with, in the place of the policy's."""
    for guard in part.guards:
        if guard.asked:
            yield (guard.name, part.repository), guard.limit


def _checks(
    guards: Guards, repository: Repository, toll: ImageCounts, allowed: Allowances
) -> Iterator[Guard]:
    deleted, share = toll.deleted, 100 * toll.deleted / toll.images
    count_limit = allowed.get(("max_delete", repository), guards.max_delete)
    share_limit = allowed.get(("max_delete_percent", repository), guards.max_delete_percent)
    least = 1 if allowed.get(("never_empty", repository), guards.never_empty) else 0
    yield _guard("max_delete", repository, count_limit, deleted, ok=deleted <= count_limit)
    yield _guard("max_delete_percent", repository, share_limit, share, ok=share <= share_limit)
    yield _guard("never_empty", repository, least, toll.rest, ok=toll.rest >= least)


def _guard(
    name: GuardName, repository: Repository, limit: int, actual: float, *, ok: bool
) -> Guard:
    needed = 0 if name == "never_empty" else math.ceil(actual)
    override = "" if ok else f"--allow {name}:{repository}={needed}"
    # Rounded up, so that 30.001 against 30 does not show as 30.0.
    return Guard(
        name=name, limit=limit, actual=math.ceil(actual * 10) / 10, ok=ok, override=override
    )
