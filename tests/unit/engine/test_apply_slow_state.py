"""A state that is slow to write is written to once a batch, and nothing is deleted unannounced."""

from pathlib import Path

import pytest

from reconciler.errors import StateError
from reconciler.model.journal import Result
from reconciler.state.objects import ObjectState
from reconciler.state.store import Times
from tests.support.documents import image
from tests.support.scenes import Scene, policy
from tests.support.watched_store import Watched

GUARDS = {"max_delete": 2000, "max_delete_percent": 100}


@pytest.fixture
def store() -> Watched:
    """Begin with nothing stored."""
    return Watched()


@pytest.fixture
def scene(tmp_path: Path, store: Watched) -> Scene:
    """Push a thousand previews and one image that stays, with the state in that store."""
    made = Scene(tmp_path, policy(guards=GUARDS))
    made.state = ObjectState(store, Times(made.clock))
    made.push(image("latest"), "latest")
    for number in range(1000):
        made.push(image(f"pr-{number}"), f"pr-{number}")
    made.later(days=2)
    return made


def test_a_thousand_deletions_take_at_most_a_hundred_writes(scene: Scene, store: Watched) -> None:
    applied = scene.apply()

    assert sum(one.result is Result.DELETED for one in applied.outcomes) == 1000
    assert len(store.written) <= 100
    assert store.written.count("observations") == 1
    results = [record for record in scene.records if record.type == "outcome"]
    assert len(results) == 1000


def test_where_intents_cannot_be_written_nothing_of_their_batch_is_deleted(
    scene: Scene, store: Watched
) -> None:
    def fail() -> None:
        if store.written.count("journals") == 3:
            raise StateError("no answer")

    store.failure = fail

    applied = scene.apply()

    assert isinstance(applied.error, StateError)
    assert len(scene.alive) == 1001 - 50
