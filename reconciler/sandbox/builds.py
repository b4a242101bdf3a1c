"""One build as `docker buildx` pushes it, and as many of them as a measurement needs."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from reconciler.sandbox.artifacts import attestation, image, index
from reconciler.sandbox.content import Content
from reconciler.sandbox.package import StoredPackage

PLATFORMS = ("linux/amd64", "linux/arm64")
YEAR = timedelta(days=365)

Attestations = Literal["none", "config", "artifact"]
"""How BuildKit attests: not at all, before 0.32 with a config, from then on as an artifact."""


@dataclass(frozen=True, slots=True)
class Build:
    """One run of a build.

    Runs of one commit share their platform images, for those are reproducible; provenance
    names the run.
    """

    commit: str
    run: str
    at: datetime
    tags: Sequence[str] = ()
    platforms: Sequence[str] = PLATFORMS
    attestations: Attestations = "artifact"


def push_build(package: StoredPackage, build: Build) -> Content:
    """Push everything that a build makes and return its index: children first, as BuildKit does."""
    images = {platform: image(build.commit, platform) for platform in build.platforms}
    statements = _statements(build, images.values())
    built = index(images, statements)
    # The index comes last, so that it never names what is not there yet.
    for child in (*images.values(), *statements):
        package.push(child, at=build.at)
    package.push(built, *build.tags, at=build.at)
    return built


def builds(
    count: int,
    *,
    now: datetime,
    path: str = "acme/web",
    platforms: Sequence[str] = PLATFORMS,
    attestations: Attestations = "artifact",
    tagged_every: int = 1,
) -> StoredPackage:
    """Return a package of `count` builds, spread evenly over the year before `now`.

    Each build moves `main`; every `tagged_every`-th one keeps a tag `sha-` of its own.
    """
    package = StoredPackage.of(path, now - YEAR)
    for number in range(count):
        own = [f"sha-{number:07x}"] if number % tagged_every == 0 else []
        at = now - YEAR * (count - number) / count
        tags = ["main", *own]
        push_build(package, Build(f"{number:040x}", str(number), at, tags, platforms, attestations))
    return package


def _statements(build: Build, images: Iterable[Content]) -> list[Content]:
    if build.attestations == "none":
        return []
    artifact = build.attestations == "artifact"
    return [attestation(child, build.run, artifact=artifact) for child in images]
