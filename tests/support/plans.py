"""Plans to be shown: as the planner draws them, without a registry behind them."""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from reconciler.model.causes import Cause
from reconciler.model.names import Digest, Repository, Tag
from reconciler.model.plan import (
    DeletionPlan,
    Guard,
    RepositoryPlan,
    RestorePlan,
    TagFamily,
    Waiting,
)
from reconciler.model.plan_rows import Change, Kept, Observed

NOW = datetime(2026, 11, 2, 12, 0, tzinfo=UTC)
DAY = timedelta(days=1)
WEB = Repository("ghcr.io/acme/web")
MIB = 1024 * 1024


def digest(name: str) -> Digest:
    """Return the digest that stands for a name."""
    return Digest(f"sha256:{hashlib.sha256(name.encode()).hexdigest()}")


def image(
    *tags: str,
    name: str = "",
    repository: Repository = WEB,
    component: int = 1,
    rules: Sequence[str] = ("commits",),
    reasons: Sequence[str] = ("commits: rank 41 of sha-* vs last 20; age 44d vs within 30d",),
    days: float | None = 44,
    size: int = 18 * MIB,
    followers: int = 0,
) -> list[Change]:
    """Delete one image, and the versions that follow it."""
    known = name or "+".join(tags) or str(component)
    root = Change(
        key=f"{repository}@{digest(known)}",
        digest=digest(known),
        component=component,
        cause=Cause.EXPIRED,
        rules=tuple(rules),
        reasons=tuple(reasons),
        observed=Observed(
            tags=tuple(map(Tag, tags)),
            size=size,
            pushed=NOW - DAY * days if days is not None else None,
        ),
    )
    return [root, *(_follower(root, number) for number in range(followers))]


def _follower(root: Change, number: int) -> Change:
    child = digest(f"{root.digest} {number}")
    return replace(
        root,
        key=f"{root.key.partition('@')[0]}@{child}",
        digest=child,
        cause=Cause.FOLLOWS,
        rules=(),
        reasons=(f"deleted with {root.digest}",),
        observed=Observed(size=MIB),
    )


def many(count: int, *, repository: Repository = WEB) -> list[list[Change]]:
    """Delete very many images, made as fast as they can be."""
    (first,) = image("sha-0", repository=repository)
    names = (f"sha256:{number:064x}" for number in range(count))
    return [[replace(first, digest=Digest(name), key=f"{repository}@{name}")] for name in names]


def kept(
    *tags: str, reason: str, cause: Cause = Cause.PROTECTED, repository: Repository = WEB
) -> Kept:
    """Keep one image, with a reason."""
    key = f"{repository}@{digest('+'.join(tags))}"
    return Kept(key=key, tags=tuple(map(Tag, tags)), cause=cause, reasons=(reason,))


def part(
    changes: Iterable[Sequence[Change]] = (), *, repository: Repository = WEB, **facts: Any
) -> RepositoryPlan:
    """Plan one repository; components are numbered as they come."""
    numbered = tuple(
        replace(change, component=number)
        for number, component in enumerate(changes, start=1)
        for change in component
    )
    defaults: dict[str, Any] = {
        "policy": "web",
        "complete": True,
        "versions": len(numbered),
        "undo": True,
    }
    return RepositoryPlan(repository=repository, changes=numbered, **(defaults | facts))


def incomplete(repository: Repository, error: str, hint: str = "") -> RepositoryPlan:
    """Fail to read one repository."""
    return RepositoryPlan(
        repository=repository, policy="web", complete=False, error=error, hint=hint
    )


_HEAD: dict[str, Any] = {
    "tool": "reconciler 1.0.0",
    "created_at": NOW,
    "evaluated_at": NOW,
    "expires_at": NOW + 3 * DAY,
}


def plan(*parts: RepositoryPlan, **facts: Any) -> DeletionPlan:
    """Put a plan of several repositories together."""
    return DeletionPlan(repositories=parts, **(_HEAD | facts))


def restore_plan(*parts: RepositoryPlan, undoes: str, retag: bool = False) -> RestorePlan:
    """Put a plan to restore what a run deleted together."""
    return RestorePlan(repositories=parts, undoes=undoes, retag=retag, **_HEAD)


def lifelike() -> DeletionPlan:
    """Draw a plan with a bit of everything, as a busy team would see it."""
    return plan(_busy(), _stopped(), _broken(), _quiet())


def _busy() -> RepositoryPlan:
    commits = [
        image(f"sha-{digest(str(number))[7:14]}", days=30 + number, followers=4 * (number % 2))
        for number in range(13)
    ]
    preview = image(
        "pr-481",
        "sha-4b1c9e2f0a6d8c3b5e7f9a1c2d4e6f8a0b1c2d3e",
        rules=("commits", "previews"),
        reasons=("commits: rank 22 of sha-* vs last 20", "previews: age 9d vs within 2d"),
        days=9,
        size=3 * 1024 * MIB,
    )
    dangling = [
        image(
            name=f"u{number}",
            rules=("dangling",),
            reasons=(f"dangling: age {8 + number}d vs within 7d",),
            days=None if number else 8,
            size=0,
        )
        for number in range(2)
    ]
    return part(
        [*commits, preview, *dangling],
        versions=1337,
        images=1041,
        kept={"releases": 812, "commits": 20, "moving": 2, "unmatched-tag": 14, "min-age": 3},
        protected=(
            kept("latest", "2.4.1", reason="moving: all"),
            kept("edge", reason="moving: all"),
        ),
        retained=(
            kept(
                "v0.9.0",
                reason="the registry refused: it was downloaded more than 5,000 times",
                cause=Cause.RETAINED,
            ),
        ),
        unmatched=(
            TagFamily(pattern="customer-*", count=13, example=Tag("customer-7")),
            TagFamily(pattern="keep-me", count=1, example=Tag("keep-me")),
        ),
        waiting=Waiting(count=3, until=NOW + DAY / 2),
        guards=(Guard(name="max_delete", limit=200, actual=16, ok=True),),
        missing=(f"2.3.0 lists 1 missing: {digest('gone')}",),
        warnings=("2 versions have a `pushed` time in the future and count as new",),
    )


def _stopped() -> RepositoryPlan:
    name = Repository("ghcr.io/acme/api")
    guard = Guard(
        name="max_delete_percent",
        limit=30,
        actual=66.7,
        ok=False,
        override=f"--allow max_delete_percent:{name}=67",
    )
    return part(
        [image("sha-11", repository=name), image("sha-22", repository=name)],
        repository=name,
        versions=3,
        images=3,
        kept={"commits": 1},
        guards=(guard,),
    )


def _broken() -> RepositoryPlan:
    return incomplete(
        Repository("ghcr.io/acme/broken"),
        "ghcr.io/acme/broken: page 7 of 9 answered 502 three times",
        "Nothing was deleted in this repository. Run again when the registry answers.",
    )


def _quiet() -> RepositoryPlan:
    return part(
        repository=Repository("ghcr.io/acme/quiet"), versions=40, images=12, kept={"releases": 12}
    )
