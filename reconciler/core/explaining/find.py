"""Find the version that a person named, or what may have been meant."""

from collections.abc import Sequence
from difflib import get_close_matches
from itertools import islice

from reconciler.model.inventory import Inventory, Version
from reconciler.model.reference import Reference

_NEAR = 5
"""Most names that are offered instead of one that does not exist."""

_ALIKE = len("sha256:") + 6
"""How many characters of a digest must agree for it to be offered."""

_HASTE = 20_000
"""Most tags that are compared for likeness; each comparison takes some microseconds."""


def find_versions(inventory: Inventory, reference: Reference) -> Sequence[Version]:
    """Return the versions that a reference can mean: one, none, or several for a short digest."""
    if reference.tag:
        digest = inventory.tagged.get(reference.tag)
        return [inventory.versions[digest]] if digest else []
    return [
        version
        for digest, version in inventory.versions.items()
        if digest.startswith(reference.digest_start)
    ]


def near_names(inventory: Inventory, reference: Reference) -> Sequence[str]:
    """Return a few names that exist and look like one that does not, the likest first."""
    if reference.tag:
        tags = islice(sorted(inventory.tagged), _HASTE)
        return get_close_matches(reference.tag, tags, n=_NEAR)
    start = reference.digest_start[:_ALIKE]
    return list(
        islice((digest for digest in inventory.versions if digest.startswith(start)), _NEAR)
    )
