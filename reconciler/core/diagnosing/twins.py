"""Images of the same content: by their configurations, else by their layers."""

from collections import defaultdict
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass

from reconciler.core.diagnosing.anatomy import ReferenceGraph
from reconciler.model.manifest import Manifest
from reconciler.model.names import Digest

Holders = Mapping[Hashable, Mapping[Digest, None]]
"""The images in use that hold a content, in digest order."""


def _configuration(manifest: Manifest) -> Hashable:
    """Name the whole content: a configuration names its layers, unpacked."""
    return manifest.config.digest if manifest.config else None


def _layers(manifest: Manifest) -> Hashable:
    """Name the files alone, not their labels, dates and environment."""
    return tuple(layer.digest for layer in manifest.layers) or None


KEYS: Mapping[str, Callable[[Manifest], Hashable]] = {
    "configuration": _configuration,
    "layers": _layers,
}
"""What can be the same about two images, the stronger proof first."""


@dataclass(frozen=True, slots=True)
class Twin:
    """A tagged image of the same content, and what about it is the same."""

    digest: Digest
    same: str


class SameContent:
    """Which images in use hold which content."""

    def __init__(self, anatomy: ReferenceGraph) -> None:
        """Take stock of all images to which a tag leads."""
        self._anatomy = anatomy
        self._holders = {same: self._stock(same) for same in KEYS}

    def of(self, digest: Digest) -> Twin | None:
        """Return an image in use that holds all that this one holds; None if there is none."""
        for same, holders in self._holders.items():
            keys = [self._key(image, same) for image in self._anatomy.images(digest)]
            found = [holders.get(key, {}) for key in keys]
            fewest = min(found, key=len, default={})
            # The first that holds one will mostly hold all, so they are not intersected.
            alike = (one for one in fewest if all(one in held for held in found))
            if twin := next((one for one in alike if one != digest), None):
                return Twin(twin, same)
        return None

    def _stock(self, same: str) -> Holders:
        holders: dict[Hashable, dict[Digest, None]] = defaultdict(dict)
        for root in sorted(self._anatomy.in_use & set(self._anatomy.graph.roots)):
            for image in self._anatomy.images(root):
                holders[self._key(image, same)][root] = None
        holders.pop(None, None)
        return dict(holders)

    def _key(self, image: Digest, same: str) -> Hashable:
        version = self._anatomy.versions.get(image)
        manifest = version.manifest if version else None
        if manifest is None or manifest.config is None or not manifest.config.is_image_config:
            return None
        return KEYS[same](manifest)
