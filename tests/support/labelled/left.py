"""Workflows and tools that leave versions behind which nothing needs."""

from datetime import datetime, timedelta

from reconciler.sandbox.artifacts import (
    build_cache,
    build_cache_index,
    bundle,
    image,
    index,
    plain_index,
    referrers_tag,
)
from reconciler.sandbox.generate import PLATFORMS
from reconciler.sandbox.package import Content, document
from tests.support.labelled.stage import BARE, HOUR, TOOL, Recipe, Stage

_JOB = timedelta(minutes=4)
"""How much longer the second job of a matrix takes, by emulation for example."""


def cached(stage: Stage, name: str, at: datetime) -> None:
    """Export a build cache three times, at first in the older form."""
    caches = [build_cache_index(f"{name} 0"), *(build_cache(f"{name} {run}") for run in (1, 2))]
    for run, cache in enumerate(caches):
        label = "tagged" if run == 2 else "replaced-cache"
        stage.push(cache, f"{name}-cache", at=at + run * HOUR, label=label)


def unmerged(stage: Stage, name: str, at: datetime) -> None:
    """Push two platforms by digest from a matrix, and fail before an index is made of them."""
    for run, platform in enumerate(PLATFORMS):
        stage.push(image(f"{name} lost", platform), at=at + run * _JOB, label="unmerged-digest")
    stage.build(name, name, at=at + HOUR)


def unmerged_index(stage: Stage, name: str, at: datetime) -> None:
    """Push one platform by digest with provenance, which makes an index; the other job fails."""
    lost = stage.build(f"{name} lost", at=at, recipe=Recipe(PLATFORMS[:1]))
    stage.label("superseded-child", *lost.parts)
    stage.label("unmerged-digest", lost.index)
    stage.build(name, name, at=at + HOUR)


def merged(stage: Stage, name: str, at: datetime) -> None:
    """Push each platform by digest with provenance, and merge what the indexes list."""
    jobs = [
        stage.build(name, at=at + run * _JOB, recipe=Recipe([platform]))
        for run, platform in enumerate(PLATFORMS)
    ]
    for job in jobs:
        stage.label("merged-digest", job.index)
    images = {platform: one for job in jobs for platform, one in job.images.items()}
    statements = [statement for job in jobs for statement in job.statements]
    stage.push(index(images, statements), name, at=at + HOUR, label="tagged")


def rebuilt(stage: Stage, name: str, at: datetime) -> None:
    """Build the same commit twice: only provenance, which names the run, is new."""
    first = stage.build(name, name, at=at, run="1")
    stage.label("superseded-child", *first.statements)
    stage.label("identical-content", first.index)
    second = stage.build(name, name, at=at + HOUR, run="2")
    stage.label("platform-child", *second.images.values())


def relabelled(stage: Stage, name: str, at: datetime) -> None:
    """Build the same files twice: the labels tell the commit, so the configurations differ."""
    first = stage.build(name, name, at=at, recipe=Recipe(labels={"revision": "1"}))
    stage.build(name, name, at=at + HOUR, recipe=Recipe(labels={"revision": "2"}))
    stage.superseded(first)
    stage.label("identical-content", first.index)


def beheaded(stage: Stage, name: str, at: datetime) -> None:
    """Move a tag on; then a tool deletes the old index, and leaves what that listed."""
    first = stage.build(f"{name} 0", name, at=at)
    stage.build(f"{name} 1", name, at=at + HOUR)
    stage.delete(first.index, at=at + 2 * HOUR)
    stage.label("orphan-child", *first.parts)


def beheaded_bare(stage: Stage, name: str, at: datetime) -> None:
    """Do the same to an index without attestations."""
    first = stage.build(f"{name} 0", name, at=at, recipe=BARE)
    stage.build(f"{name} 1", name, at=at + HOUR, recipe=BARE)
    stage.delete(first.index, at=at + 2 * HOUR)
    stage.label("orphan-child", *first.parts)


def broken(stage: Stage, name: str, at: datetime) -> None:
    """Delete one child of a tagged image, and every child of one that lost its tag."""
    first = stage.build(f"{name} 0", name, at=at)
    second = stage.build(f"{name} 1", name, at=at + HOUR)
    stage.delete(*first.parts, second.statements[0], at=at + 2 * HOUR)
    stage.label("broken", first.index, second.index)


def forgotten(stage: Stage, name: str, at: datetime) -> None:
    """Delete an attested image, and leave what speaks of it."""
    built = stage.build(name, name, at=at)
    statement = bundle(built.index, name)
    tag = referrers_tag(built.index.digest)
    stage.push(statement, at=at, label="orphan-referrer")
    stage.push(plain_index([statement]), tag, at=at, label="orphan-referrer")
    stage.delete(built.index, *built.parts, at=at + HOUR)


def abandoned(stage: Stage, name: str, at: datetime) -> None:
    """Attest an image in the repository, then move its tag on; all of it goes together."""
    first = stage.build(f"{name} 0", name, at=at)
    stage.push(bundle(first.index, name), at=at, label="superseded-child")
    stage.build(f"{name} 1", name, at=at + HOUR)
    stage.superseded(first)


def stranger(stage: Stage, name: str, at: datetime) -> None:
    """Push an artifact of a kind that nothing else here has, by digest."""
    blob = Content("application/vnd.example.layer", name.encode())
    members = {
        "artifactType": f"application/vnd.example.{name}",
        "config": blob.descriptor(),
        "layers": [blob.descriptor()],
    }
    manifest = document("application/vnd.oci.image.manifest.v1+json", members, blob)
    stage.push(manifest, at=at, label="unknown")


def loose_attestation(stage: Stage, name: str, at: datetime) -> None:
    """Rebuild an unchanged image; a tool deletes the first index, not its old attestations."""
    recipe = Recipe(PLATFORMS[:1], base=TOOL)
    first = stage.build(name, name, at=at, run="1", recipe=recipe)
    second = stage.build(name, name, at=at + HOUR, run="2", recipe=recipe)
    stage.delete(first.index, at=at + 2 * HOUR)
    stage.label("orphan-child", *first.statements)
    stage.label("platform-child", *second.images.values())
