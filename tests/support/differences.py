"""Differences to be shown: what a change of policies did, without policies behind it."""

from typing import Any

from reconciler.model.comparison import (
    ChangedImage,
    Difference,
    PolicyEdit,
    RepositoryDifference,
    Shift,
    Weakening,
)
from reconciler.model.names import Repository, Tag
from reconciler.model.plan import DeletionPlan
from tests.support.plans import WEB, digest

LAST = PolicyEdit(part="rule", name="commits", key="keep.last", before="50", after="20")
WITHIN = PolicyEdit(part="rule", name="previews", key="keep.within", before='"7d"', after='"14d"')
UNPROTECTED = PolicyEdit(part="protection", name="moving", before='{"match": {"tags": ["latest"]}}')


def fate(number: int, before: str = "commits: rank 31 of sha-* vs last 50") -> ChangedImage:
    """Move one image to the other side."""
    return ChangedImage(
        digest=digest(f"moved {number}"),
        tags=(Tag(f"sha-{number}"),),
        before=(before,),
        after=("commits: rank 31 of sha-* vs last 20",),
    )


def shift(count: int, *because: PolicyEdit, versions: int = 0) -> Shift:
    """Move some images because of some edits."""
    return Shift(because=because, images=tuple(map(fate, range(count))), versions=versions or count)


def repository(name: Repository = WEB, **facts: Any) -> RepositoryDifference:
    """Compare one repository; policy `web` governs it on both sides unless said otherwise."""
    return RepositoryDifference(repository=name, **({"before": "web", "after": "web"} | facts))


def difference(
    *parts: RepositoryDifference,
    of: DeletionPlan | None = None,
    against: str = "main",
    **facts: Any,
) -> Difference:
    """Put the differences of several repositories together."""
    plan = of.digest if of else ""
    return Difference(against=against, plan=plan, repositories=parts, **facts)


def lifelike() -> Difference:
    """Weaken one repository, spare images of another, drop a third, and fail to read one."""
    return difference(
        repository(
            weakened=(Weakening(edits=(UNPROTECTED,), images=2, going=1),),
            added=(shift(12, LAST, versions=90), shift(1, UNPROTECTED)),
            spared=(shift(2, WITHIN),),
        ),
        repository(Repository("ghcr.io/acme/old"), after="", spared=(shift(1),)),
        repository(Repository("ghcr.io/acme/new"), before="", added=(shift(1),)),
        repository(Repository("ghcr.io/acme/quiet")),
        repository(Repository("ghcr.io/acme/broken"), error="page 7 answered 502"),
    )
