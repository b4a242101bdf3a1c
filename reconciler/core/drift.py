"""What changed in the registry since a plan was made, in words."""

from collections.abc import Iterator
from datetime import datetime

from deepdiff import DeepDiff

from reconciler.model.inventory import Version
from reconciler.model.plan import Observed


def drift(observed: Observed, version: Version) -> str:
    """Say how a version differs from what the plan observed; empty when it does not.

    Tags and push time identify it as the one that was reviewed; all else follows from its digest.
    """
    if (observed.tags, observed.pushed) == (version.tags, version.pushed):
        return ""
    difference = DeepDiff(_identity(observed), _identity(version), view="tree")
    return "; ".join(sorted(_describe(difference)))


def _identity(one: Observed | Version) -> dict[str, object]:
    return {"tags": set(map(str, one.tags)), "pushed": one.pushed}


def _describe(difference: DeepDiff) -> Iterator[str]:
    """Turn a difference into short sentences."""
    for level in difference.get("set_item_added", ()):
        yield f"tag {level.t2} was added"
    for level in difference.get("set_item_removed", ()):
        yield f"tag {level.t1} was removed"
    for kind in ("values_changed", "type_changes"):
        for level in difference.get(kind, ()):
            yield f"its push time was {_time(level.t1)} and is {_time(level.t2)}"


def _time(moment: datetime | None) -> str:
    return f"{moment:%Y-%m-%d %H:%M:%S}" if moment else "unknown"
