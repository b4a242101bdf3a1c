"""Workflows whose versions are all in use, or were until the next run."""

from datetime import datetime, timedelta

from reconciler.sandbox.artifacts import (
    bundle,
    cosign_signature,
    image,
    index,
    plain_index,
    referrers_tag,
)
from reconciler.sandbox.generate import PLATFORMS
from tests.support.labelled.stage import BARE, HOUR, TOOL, Recipe, Stage


def release(stage: Stage, name: str, at: datetime) -> None:
    """Build for two platforms, without provenance and with it."""
    stage.build(f"{name} bare", f"{name}-bare", at=at, recipe=BARE)
    stage.build(name, name, at=at + HOUR)


def branch(stage: Stage, name: str, at: datetime) -> None:
    """Build a branch three times, each build taking the tag from the one before."""
    earlier = [stage.build(f"{name} {run}", name, at=at + run * HOUR) for run in range(3)][:-1]
    for built in earlier:
        stage.superseded(built)


def plain_branch(stage: Stage, name: str, at: datetime) -> None:
    """Build a branch twice for one platform without provenance: an image and no index."""
    images = [image(f"{name} {run}", base=TOOL) for run in range(2)]
    stage.push(images[0], name, at=at, label="tag-moved")
    stage.push(images[1], name, at=at + HOUR, label="tagged")


def proven_branch(stage: Stage, name: str, at: datetime) -> None:
    """Build a branch twice for one platform with provenance: an index of one image each."""
    recipe = Recipe(PLATFORMS[:1], base=TOOL)
    first = stage.build(f"{name} 0", name, at=at, recipe=recipe)
    stage.build(f"{name} 1", name, at=at + HOUR, recipe=recipe)
    stage.superseded(first)


def signed(stage: Stage, name: str, at: datetime) -> None:
    """Sign a release the classic way, and attest it twice the way of GitHub's action."""
    built = stage.build(name, name, at=at).index
    tag = referrers_tag(built.digest)
    stage.push(cosign_signature(built, name), f"{tag}.sig", at=at, label="signature")
    statements = [bundle(built, f"{name} {kind}") for kind in ("provenance", "sbom")]
    for statement in statements:
        stage.push(statement, at=at, label="referrer")
    for count, label in ((1, "replaced-referrers-index"), (2, "referrers-index")):
        stage.push(plain_index(statements[:count]), tag, at=at, label=label)


def signed_again(stage: Stage, name: str, at: datetime) -> None:
    """Sign a release twice: the second signature takes the tag of the first."""
    built = stage.build(name, name, at=at).index
    tag = f"{referrers_tag(built.digest)}.sig"
    for run, label in enumerate(("replaced-signature", "signature")):
        signature = cosign_signature(built, f"{name} {run}")
        stage.push(signature, tag, at=at + run * HOUR, label=label)


def staged(stage: Stage, name: str, at: datetime) -> None:
    """Push each platform under a tag of its own, then an index of them all."""
    images = {platform: image(name, platform) for platform in PLATFORMS}
    for platform, one in images.items():
        architecture = platform.partition("/")[2]
        stage.push(one, f"{name}-{architecture}", at=at, label="staging-tag")
    stage.push(index(images), name, at=at + timedelta(minutes=2), label="tagged")


def retagged(stage: Stage, name: str, at: datetime) -> None:
    """Promote an image by `imagetools create`, which puts an index around it; then the next."""
    for run in range(2):
        one = image(f"{name} {run}", base=TOOL)
        later = at + run * HOUR
        stage.push(one, f"{name}-build.{run}", at=later, label="tagged")
        stage.push(index({PLATFORMS[0]: one}), name, at=later, label="wrapper-index")
