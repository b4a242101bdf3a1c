"""What changed in the registry since a plan was made, in words."""

from typing import Any

from deepdiff import DeepDiff

from reconciler.model.inventory import Version
from reconciler.model.plan import Observed

_WATCHED = {"tags", "pushed"}
"""What identifies a version as the one that was reviewed; all else follows from its digest."""


def drift(observed: Observed, version: Version) -> str:
    """Say how a version differs from what the plan observed; empty when it does not."""
    if (observed.tags, observed.pushed) == (version.tags, version.pushed):
        return ""
    before = observed.model_dump(mode="json", include=_WATCHED)
    after = observed.model_copy(update={"tags": version.tags, "pushed": version.pushed})
    difference = DeepDiff(
        before, after.model_dump(mode="json", include=_WATCHED), ignore_order=True
    )
    return "; ".join(sorted(_words(difference)))


def _words(difference: DeepDiff) -> list[str]:
    """Turn a difference of two observations into short sentences."""
    added: dict[str, Any] = difference.get("iterable_item_added", {})
    removed: dict[str, Any] = difference.get("iterable_item_removed", {})
    changed = [*_changes(difference, "values_changed"), *_changes(difference, "type_changes")]
    moved = [f"{before or 'unknown'} became {after or 'unknown'}" for before, after in changed]
    return [
        *(f"tag {tag} was added" for tag in added.values()),
        *(f"tag {tag} was removed" for tag in removed.values()),
        *moved,
    ]


def _changes(difference: DeepDiff, kind: str) -> list[tuple[str, str]]:
    """Return what differs of one kind, as it was and as it is."""
    changes: dict[str, Any] = difference.get(kind, {})
    return [(change["old_value"], change["new_value"]) for change in changes.values()]
