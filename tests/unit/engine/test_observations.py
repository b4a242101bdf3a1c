"""Whoever looks at a plain registry notes what is new; what was noted stays until an apply."""

from datetime import timedelta

import pytest
from structlog.testing import capture_logs

from reconciler.analysis.health import Thresholds
from reconciler.engine.inspect import Inspection, examine
from reconciler.engine.observations import DigestSaver
from reconciler.engine.plan import Target, read_case
from reconciler.errors import StateError
from reconciler.model.ports import Holder
from reconciler.state.local import LocalRepositoryState
from tests.support.documents import Document, image, index
from tests.support.scenes import Scene, policy

KEEP_ALL = {"rules": [{"name": "edge", "match": {"tags": ["edge"]}, "keep": {"all": True}}]}


def noting(scene: Scene) -> DigestSaver:
    """Note in the state of a scene."""
    return DigestSaver(scene.state, scene.clock, lambda: holder("looking", scene))


def holder(run: str, scene: Scene) -> Holder:
    """Say who looks."""
    return Holder(run, "octocat", "runner-7", scene.time.now)


def governed(scene: Scene) -> Target:
    """Read the repository of a scene as `plan` does."""
    assert scene.policy
    return Target(scene.registry.repository, scene.policy, scene.registry)


def look(scene: Scene) -> None:
    """Look as `plan` does."""
    noting(scene)(read_case(governed(scene), scene.state, scene.time.now).inventory)


def verify(scene: Scene) -> None:
    """Look as `verify` does."""
    repository = scene.registry.repository
    own = scene.state.of(repository)
    examine(scene.registry, repository, own, blobs=False, save_digests=noting(scene))


def check(scene: Scene) -> None:
    """Look as `check` does."""
    day = timedelta(days=1)
    bounds = Thresholds(overdue=day, last_apply=day, lock=day, undo=day)
    inspection = Inspection(scene.state, scene.time.now, bounds, lambda _: False, noting(scene))
    inspection.of(scene.registry.repository, governed(scene))


def moved(scene: Scene, number: int) -> Document:
    """Move the tag `edge` to a new image of two platforms."""
    built = index(image(f"{number} amd64"), image(f"{number} arm64", platform="linux/arm64"))
    scene.push(built, "edge")
    return built


@pytest.mark.parametrize("looking", [look, verify, check])
def test_what_a_tag_left_between_two_applies_goes_if_somebody_looked_in_between(
    plain: Scene, looking: object
) -> None:
    assert callable(looking)
    builds = []
    for number in range(10):
        builds.append(moved(plain, number))
        looking(plain)
        plain.later(hours=2)
    plain.later(days=3)

    first = plain.apply()
    plain.later(days=3)
    plain.apply()

    assert not first.error
    last = builds[-1]
    assert plain.alive == {last.digest, *(child.digest for child in last.children)}


def test_a_look_writes_no_record_and_changes_nothing_that_is_noted(plain: Scene) -> None:
    first = moved(plain, 1)
    plain.apply()
    before = {digest: plain.seen(digest) for digest in plain.alive}
    records = len(plain.records)
    plain.later(days=1)

    second = moved(plain, 2)
    look(plain)

    assert {digest: plain.seen(digest) for digest in before} == before
    assert plain.seen(first.digest) == before[first.digest]
    noted = plain.seen(second.digest)
    assert noted
    assert (noted.tags, noted.first_seen) == (("edge",), plain.time.now)
    assert len(plain.records) == records


def test_what_vanished_stays_noted_for_whoever_looks_for_losses(plain: Scene) -> None:
    lost = moved(plain, 1)
    look(plain)
    plain.registry.storage.remove(lost.digest)

    moved(plain, 2)
    look(plain)

    assert plain.seen(lost.digest)


def test_a_registry_that_lists_untagged_versions_needs_no_note(scene: Scene) -> None:
    moved(scene, 1)

    look(scene)

    assert list(scene.state.repositories()) == []


def test_a_state_that_is_in_use_is_left_alone_and_the_look_goes_on(plain: Scene) -> None:
    built = moved(plain, 1)

    with (
        plain.state.of(plain.registry.repository).lock(holder("apply", plain)),
        capture_logs() as logs,
    ):
        look(plain)

    assert [(log["event"], log["log_level"]) for log in logs] == [("not_noted", "debug")]
    assert plain.seen(built.digest) is None


def test_a_state_that_may_only_be_read_is_no_error(
    plain: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise StateError("cannot lock: read-only file system")

    monkeypatch.setattr(LocalRepositoryState, "lock", refuse)
    moved(plain, 1)

    with capture_logs() as logs:
        look(plain)

    assert [log["reason"] for log in logs] == ["cannot lock: read-only file system"]


def test_the_plan_says_how_many_tags_moved_since_the_last_look(plain: Scene) -> None:
    plain.policy = policy(**KEEP_ALL)
    for tag in ("edge", "v1"):
        plain.push(image(f"first {tag}"), tag)
    look(plain)
    calm = plain.plan().repositories[0].warnings

    for tag in ("edge", "v1", "new"):
        plain.push(image(f"second {tag}"), tag)
    (part,) = plain.plan().repositories

    assert not [text for text in calm if "moved" in text]
    assert any(text.startswith("2 tags have moved since the last run") for text in part.warnings)
