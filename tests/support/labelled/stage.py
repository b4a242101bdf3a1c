"""A package, and of each version the name of what made it.

Whoever makes a version knows why it is there, so labels are written down on the way and never
worked out from the result: a diagnosis can be held against them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from reconciler.sandbox.artifacts import attestation, image, index
from reconciler.sandbox.generate import PLATFORMS
from reconciler.sandbox.package import Content, StoredPackage

HOUR = timedelta(hours=1)
TOOL = "tool base"
"""The base of images that are built for one platform only, from a Dockerfile of their own."""


@dataclass(frozen=True, slots=True)
class Recipe:
    """How a workflow builds; `proven` asks for provenance."""

    platforms: Sequence[str] = PLATFORMS
    proven: bool = True
    base: str = "base"
    labels: Mapping[str, str] | None = None


TWO_PLATFORMS = Recipe()
BARE = Recipe(proven=False)


@dataclass(frozen=True, slots=True)
class Built:
    """What one build pushed: its index, the images by platform, and their attestations."""

    index: Content
    images: Mapping[str, Content]
    statements: Sequence[Content]

    @property
    def parts(self) -> Sequence[Content]:
        """All that the index lists."""
        return (*self.images.values(), *self.statements)


@dataclass(frozen=True, slots=True)
class Stage:
    """Where workflows push to, and what was written down of each version."""

    package: StoredPackage
    labels: dict[str, str] = field(default_factory=dict)

    def push(self, content: Content, *tags: str, at: datetime, label: str) -> Content:
        """Push one manifest and label it."""
        self.package.push(content, *tags, at=at)
        return self.label(label, content)

    def label(self, label: str, *contents: Content) -> Content:
        """Label what is there already anew, since something became of it; return the last."""
        self.labels.update((content.digest, label) for content in contents)
        return contents[-1]

    def delete(self, *contents: Content, at: datetime) -> None:
        """Delete manifests as a tool does that knows nothing of what belongs together."""
        for content in contents:
            version = self.package.find(content.digest)
            if version:
                self.package.delete(version, at)
                del self.labels[content.digest]

    def build(
        self,
        commit: str,
        *tags: str,
        at: datetime,
        run: str = "",
        recipe: Recipe = TWO_PLATFORMS,
    ) -> Built:
        """Push what a build makes, the index last and under tags; provenance names the `run`."""
        images = {
            platform: image(commit, platform, base=recipe.base, labels=recipe.labels)
            for platform in recipe.platforms
        }
        statements = [
            attestation(one, run or f"{commit} {at}", artifact=True)
            for one in images.values()
            if recipe.proven
        ]
        for one in images.values():
            self.push(one, at=at, label="platform-child")
        for statement in statements:
            self.push(statement, at=at, label="attestation")
        whole = self.push(index(images, statements), *tags, at=at, label="tagged")
        return Built(whole, images, statements)

    def superseded(self, built: Built) -> None:
        """Label a build whose tags all went to a later one."""
        self.label("superseded-child", *built.parts)
        self.label("tag-moved", built.index)
