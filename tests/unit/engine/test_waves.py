"""DELETEs of a plain registry that are sent at the same time."""

from collections.abc import Callable, Iterator, Sequence

import pytest

from reconciler.engine.state_admin import break_locks
from reconciler.errors import AccessError, ExitCode
from reconciler.model.inventory import Version
from reconciler.model.journal import open_intents
from reconciler.model.names import Repository
from reconciler.model.ports import Deletion, DeletionResult, Holder
from tests.support.documents import image
from tests.support.sample_manifests import BUILD, LATEST
from tests.support.scenes import Scene
from tests.support.time import NOON

IMAGES = [image(f"pr {number}") for number in range(9)]
NAMES = {f"pr-{number}": document for number, document in enumerate(IMAGES)}


@pytest.fixture(autouse=True)
def pushed(plain: Scene) -> None:
    """Give the repository an image that stays and nine that go."""
    for tag, document in NAMES.items():
        plain.push(document, tag)
    plain.push(LATEST, "latest")
    plain.apply()
    plain.later(days=2)


def waves(scene: Scene) -> list[int]:
    """Return how many DELETEs were sent at each time from now on."""
    sizes: list[int] = []
    delete_together = scene.registry.delete_together

    def counted(
        repository: Repository, versions: Sequence[Version], may_send: Callable[[], bool]
    ) -> Iterator[tuple[Version, Deletion]]:
        sizes.append(len(versions))
        return delete_together(repository, versions, may_send)

    scene.registry.delete_together = counted  # type: ignore[method-assign]
    return sizes


def test_waves_double_up_to_what_the_registry_allows(plain: Scene) -> None:
    sizes = waves(plain)

    plain.apply()

    assert sizes == [1, 2, 4, 2]
    assert plain.alive == {LATEST.digest}


def test_after_any_failure_one_is_sent_alone(plain: Scene) -> None:
    sizes = waves(plain)
    plain.registry.on("delete", lambda: plain.registry.answer(DeletionResult.FAILED), nth=3)

    plain.apply()

    assert sizes == [1, 2, 4, 1, 1]


def test_a_manifest_is_never_sent_with_what_it_refers_to(plain: Scene) -> None:
    plain.push(BUILD, "pr-10")
    plain.apply(plain.plan())
    plain.later(days=2)
    children = {child.digest for child in BUILD.children}
    together: list[set[str]] = []
    delete_together = plain.registry.delete_together

    def noted(
        repository: Repository, versions: Sequence[Version], may_send: Callable[[], bool]
    ) -> Iterator[tuple[Version, Deletion]]:
        together.append({version.digest for version in versions})
        return delete_together(repository, versions, may_send)

    plain.registry.delete_together = noted  # type: ignore[method-assign]

    plain.apply()

    assert plain.alive == {LATEST.digest}
    assert any(children <= wave for wave in together)
    assert not any(BUILD.digest in wave and wave & children for wave in together)


def test_what_was_deleted_beside_one_that_is_denied_is_recorded(plain: Scene) -> None:
    plain.registry.fail("delete", AccessError("denied", hint="ask"), nth=2)

    plain.apply()

    results = [r.body["result"] for r in plain.records if r.type == "outcome"]
    assert results.count("deleted") == 2
    assert not open_intents(plain.records)


def test_what_a_look_no_longer_covers_is_not_sent(plain: Scene) -> None:
    plain.registry.on("delete", lambda: plain.time.pass_by(6), nth=2)
    looked: list[str] = []
    plain.registry.hooks.append(lambda call: looked.append(call.method))

    plain.apply()

    deletes = [number for number, method in enumerate(looked) if method == "delete"]
    # The second of the wave waited too long: a new look comes before the next DELETE.
    assert "newest" in looked[deletes[1] : deletes[2]]
    assert plain.alive == {LATEST.digest}


def test_a_number_of_deletions_that_must_not_be_exceeded_is_exact(plain: Scene) -> None:
    sizes = waves(plain)

    applied = plain.apply(
        halt=lambda: "enough" if len(plain.registry.deletes) >= 4 else "", at_once=1
    )

    assert sizes == [1, 1, 1, 1]
    assert applied.stopped == "enough"
    assert len(plain.alive) == 1 + len(IMAGES) - 4
    assert not open_intents(plain.records)


def test_a_lock_broken_during_a_wave_ends_the_run_before_the_next_one(plain: Scene) -> None:
    breaker = Holder("breaker", "hubot", "laptop", NOON)
    sizes = waves(plain)
    plain.registry.on("delete", lambda: break_locks("run-2", plain.state, breaker), nth=2)

    applied = plain.apply()

    assert sizes == [1, 2]
    assert applied.exit_code is ExitCode.LOCKED
    assert len(plain.registry.deletes) == 3


def test_an_answer_that_is_lost_in_a_wave_is_resolved_by_reading(plain: Scene) -> None:
    plain.registry.answer(DeletionResult.LOST, nth=3)

    plain.apply()

    # It is sent again only at the end of the run, after a new look.
    assert len(plain.registry.deletes) == len(IMAGES) + 1
    assert plain.alive == {LATEST.digest}
    assert not open_intents(plain.records)
