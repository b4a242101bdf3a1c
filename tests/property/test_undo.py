"""Laws of undo: what a run deleted comes back, whole at every moment, wherever it is killed."""

import tempfile
from collections.abc import Sequence
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.documents import Document, cosign_tag, image, index, signature
from tests.support.process_death import Killed
from tests.support.recorded_calls import Call
from tests.support.scenes import Scene, policy
from tests.support.undoing import draw, undo

POOL = [image(f"part {number}") for number in range(5)]
GONE_AFTER_A_DAY = policy(
    rules=[{"name": "rest", "match": {"any": True}, "keep": {"none": True}}],
    protect=[{"name": "moving", "match": {"tags": ["latest"]}}],
)

Pushed = tuple[Document, list[str], bool]
"""A document, its tags, and whether it is signed."""

numbers = st.integers(0, len(POOL) - 1)
parts = st.lists(numbers, min_size=1, max_size=3, unique=True)
documents = numbers.map(POOL.__getitem__) | parts.map(
    lambda chosen: index(*(POOL[number] for number in chosen))
)
tags = st.lists(st.sampled_from(["a", "b", "c", "d"]), max_size=2, unique=True)
repositories = st.lists(st.tuples(documents, tags, st.booleans()), min_size=1, max_size=6)


class Watched:
    """A repository whose every index is watched: it never lacks what it lists."""

    def __init__(self, place: str, pushed: Sequence[Pushed]) -> None:
        """Push everything, let two days pass, and delete what the policy lets go."""
        self.scene = Scene(Path(place), GONE_AFTER_A_DAY)
        self.storage = self.scene.registry.storage
        self.scene.push(image("latest"), "latest")
        for document, named, signed in pushed:
            self.scene.push(document, *named)
            if signed:
                self.scene.push(signature(document), cosign_tag(document))
            self.scene.later(minutes=1)
        self.scene.later(days=2)
        self.before = (set(self.storage.live), self.storage.tags)
        self.scene.apply()
        self.scene.registry.hooks.append(self._look)

    @property
    def now(self) -> tuple[set[str], dict[str, str]]:
        """What is there, and where the tags point."""
        return set(self.storage.live), self.storage.tags

    def _look(self, _: Call) -> None:
        live = self.storage.live
        listed = {child.digest for stored in live.values() for child in stored.document.children}
        assert listed <= live.keys(), "an index is there without what it lists"


@settings(max_examples=60)  # each one waits for the disk some dozen times
@given(pushed=repositories)
def test_an_undo_is_the_reverse_of_an_apply(pushed: list[Pushed]) -> None:
    with tempfile.TemporaryDirectory() as place:
        web = Watched(place, pushed)
        if not any(record.type == "intent" for record in web.scene.records):
            return

        undo(web.scene)
        web.scene.later(days=40)
        web.scene.apply()

        assert web.now == web.before


@settings(max_examples=60)  # each one waits for the disk some dozen times
@given(pushed=repositories, method=st.sampled_from(["restore", "version", "pace"]), data=st.data())
def test_a_killed_undo_goes_on_and_nothing_is_lost(
    pushed: list[Pushed], method: str, data: st.DataObject
) -> None:
    with tempfile.TemporaryDirectory() as place:
        web = Watched(place, pushed)
        deleted = len(web.storage.deleted)
        if not deleted:
            return
        nth = data.draw(st.integers(1, deleted))
        web.scene.registry.fail(method, Killed(), nth=nth)

        try:
            undo(web.scene)
        except Killed:
            web.scene.apply()
        undo(web.scene, draw(web.scene), name="undo-2")

        assert web.now == web.before


@settings(max_examples=60)  # each one waits for the disk some dozen times
@given(pushed=repositories, data=st.data())
def test_one_image_comes_back_whole_and_brings_nothing_that_is_not_its_own(
    pushed: list[Pushed], data: st.DataObject
) -> None:
    with tempfile.TemporaryDirectory() as place:
        web = Watched(place, pushed)
        gone = sorted({stored.digest for stored in web.storage.deleted.values()})
        if not gone:
            return
        known = {stored.digest: stored.document for stored in web.storage.deleted.values()}
        chosen = known[data.draw(st.sampled_from(gone))]
        left = set(web.storage.live)

        undo(web.scene, draw(web.scene, only=chosen.digest))

        own = {chosen.digest} | {child.digest for child in chosen.children}
        signatures = {signature(known[one]).digest for one in own if one in known}
        back = set(web.storage.live) - left
        assert own <= back | left
        assert back <= own | signatures
