"""Before anything is deleted, all is read, and what a listing may hide is looked for."""

from dataclasses import replace
from typing import Any

import pytest

from reconciler.model.journal import Result
from reconciler.model.names import Repository
from reconciler.model.ports import Listing
from tests.support.documents import MANIFEST, Document, artifact, cosign_tag, image, index
from tests.support.scenes import Scene, policy

PLATFORM = {"platform": {"os": "linux", "architecture": "amd64"}}


def _plain(document: Document) -> Document:
    """Return a document as a lying index lists it: as a plain image."""
    return replace(document, media_type=MANIFEST, listing=PLATFORM)


def _hide(scene: Scene, *hidden: Document, doubt: str = "") -> None:
    """Let the listing leave versions out, or say that it may have."""
    listing, digests = scene.registry.listing, {one.digest for one in hidden}

    def partial(repository: Repository) -> Listing:
        whole = listing(repository)
        left = tuple(one for one in whole.versions if one.digest not in digests)
        return replace(whole, versions=left, doubt=doubt)

    scene.registry.listing = partial  # type: ignore[method-assign]


def test_an_index_under_a_signature_tag_keeps_its_children(scene: Scene) -> None:
    release = image("release")
    scene.push(release, "latest")
    signing = index(image("a"), image("b", platform="linux/arm64"))
    scene.push(signing, cosign_tag(release))
    scene.later(days=40)

    scene.apply()

    assert {signing.digest, *(child.digest for child in signing.children)} <= scene.alive


def test_a_bogus_index_takes_no_signature_away(scene: Scene) -> None:
    release = image("release")
    scene.push(release, "latest")
    bundle = artifact("bundle", subject=release)
    scene.push(bundle)
    scene.push(index(_plain(bundle)))
    scene.later(days=40)

    applied = scene.apply()

    assert bundle.digest in scene.alive
    assert [drop.result for drop in applied.dropped] == [Result.SKIPPED_REFERENCED]


def test_what_is_kept_under_a_false_label_loses_nothing(scene: Scene) -> None:
    inner = index(image("a"))
    scene.push(inner)
    scene.push(index(_plain(inner), image("b")), "latest")
    scene.later(days=40)

    scene.apply()

    assert {inner.digest, image("a").digest} <= scene.alive


def test_every_document_is_read_before_its_deletion(scene: Scene) -> None:
    build = index(image("a"), image("b", platform="linux/arm64"))
    scene.push(build, "pr-1")
    scene.push(image("release"), "latest")
    scene.later(days=40)

    applied = scene.apply()

    deleted = {str(outcome.change.digest) for outcome in applied.outcomes}
    assert deleted == {build.digest, *(child.digest for child in build.children)}
    assert deleted <= set(scene.registry.fetched)


def _seen_once(scene: Scene) -> Document:
    """Remember an index that keeps an image, in a run that deletes nothing."""
    build = index(image("a"), image("b", platform="linux/arm64"))
    scene.push(build, "latest")
    scene.push(image("young"), "pr-1")
    scene.push(image("release"), "v1")
    scene.apply()
    scene.later(days=40)
    return build


def test_what_the_last_run_saw_and_the_listing_hides_stops_the_repository(scene: Scene) -> None:
    build = _seen_once(scene)
    _hide(scene, build)

    applied = scene.apply()

    assert applied.exit_code == 6
    assert build.digest in str(applied.error)
    assert image("a").digest in scene.alive


def test_what_somebody_else_deleted_stops_nothing(scene: Scene) -> None:
    build = _seen_once(scene)
    scene.registry.storage.remove(build.digest)

    assert scene.apply().exit_code == 0
    assert image("young").digest not in scene.alive


def test_what_is_hidden_and_declared_opaque_stops_nothing(scene: Scene) -> None:
    build = _seen_once(scene)
    _hide(scene, build)
    declared: dict[str, Any] = {"name": "odd", "digests": [build.digest], "opaque": True}
    scene.policy = policy(protect=[declared])

    assert scene.apply().exit_code == 0
    assert build.digest in scene.alive


def test_a_listing_in_doubt_is_planned_with_a_warning_and_never_applied(scene: Scene) -> None:
    scene.push(image("old"), "pr-1")
    scene.push(image("release"), "latest")
    scene.later(days=40)
    _hide(scene, doubt="GitHub reports 3 versions, but lists 2")

    plan = scene.plan()
    applied = scene.apply(plan)

    assert plan.repositories[0].warnings[0].startswith("GitHub reports 3 versions, but lists 2")
    assert applied.exit_code == 6
    assert image("old").digest in scene.alive


@pytest.mark.parametrize("body", [b'{"layers": [], "config": {"digest": ""}}', b'{"blobs": null}'])
def test_what_lists_nothing_is_judged_by_its_tags_and_named(scene: Scene, body: bytes) -> None:
    odd = Document(MANIFEST, body)
    scene.push(odd, "pr-1")
    scene.push(image("release"), "latest")
    scene.later(days=40)

    plan = scene.plan()
    scene.apply(plan)

    assert any(
        "pr-1 is judged by its tags alone, its document" in words
        for words in plan.repositories[0].warnings
    )
    assert odd.digest not in scene.alive


def test_an_unreadable_version_that_the_policy_declares_opaque_stays_and_stops_nothing(
    scene: Scene,
) -> None:
    bad = Document(MANIFEST, b'{"manifests": [1]}')
    scene.push(bad)
    scene.push(image("old"), "pr-1")
    scene.push(image("release"), "latest")
    scene.later(days=40)
    assert scene.plan().repositories[0].failure == 6

    scene.policy = policy(protect=[{"name": "odd", "digests": [bad.digest], "opaque": True}])

    assert scene.apply().exit_code == 0
    assert bad.digest in scene.alive
    assert image("old").digest not in scene.alive
