"""An index with very many children comes back with all of them, or not at all."""

from collections.abc import Iterator, Sequence

import pytest

from reconciler.engine import records
from reconciler.engine.records import intents
from reconciler.model.journal import MAX_CHILDREN, MAX_RECORD_BYTES, Entry
from reconciler.model.names import Digest
from reconciler.model.plan_rows import Change
from tests.support.documents import Document, image, index
from tests.support.sample_manifests import LATEST
from tests.support.scenes import Scene, policy
from tests.support.undoing import draw, undo, warnings

RULES = [
    {"name": "previews", "match": {"tags": ["pr-*"]}, "keep": {"none": True}},
    {"name": "dangling", "match": {"untagged": True}, "keep": {"none": True}},
]


def _deleted(scene: Scene, many: int) -> Document:
    """Delete an index of so many children in one run."""
    scene.policy = policy(rules=RULES)
    build = index(*(image(f"part {number}") for number in range(many)))
    scene.push(LATEST, "latest")
    scene.push(build, "pr-1")
    scene.later(days=2)
    scene.apply()
    assert scene.alive == {LATEST.digest}
    return build


def _forget(scene: Scene) -> None:
    """Let the registry be read without a cache."""
    scene.registry.forget_documents()


@pytest.mark.parametrize("many", [MAX_CHILDREN - 1, MAX_CHILDREN, MAX_CHILDREN + 1, 620])
def test_an_index_comes_back_with_every_child(scene: Scene, many: int) -> None:
    build = _deleted(scene, many)
    _forget(scene)

    undo(scene, draw(scene, only=build.digest))

    assert scene.alive == {LATEST.digest, build.digest, *(one.digest for one in build.children)}
    assert all(len(record.to_line()) <= MAX_RECORD_BYTES for record in scene.records)


def _as_before(change: Change, children: Sequence[Digest]) -> Iterator[Entry]:
    """Write an intent as journals had it that named a hundred children at most."""
    *_, whole = intents(change, children)
    yield Entry("intent", {k: v for k, v in whole.body.items() if k != "more_children"})


def test_an_index_whose_journal_names_some_children_only_is_not_restored_with_holes(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(records, "intents", _as_before)
    build = _deleted(scene, MAX_CHILDREN + 20)
    _forget(scene)

    plan = draw(scene, only=build.digest)
    undo(scene, plan)

    assert any("the journal does not name all its children" in words for words in warnings(plan))
    assert build.digest not in scene.alive


def test_its_document_tells_the_children_where_a_cache_still_has_it(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(records, "intents", _as_before)
    build = _deleted(scene, MAX_CHILDREN + 20)

    undo(scene, draw(scene, only=build.digest))

    assert {build.digest, *(one.digest for one in build.children)} <= scene.alive
