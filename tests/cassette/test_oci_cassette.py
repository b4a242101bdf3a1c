"""Any OCI registry, played from a recording of a real one: a plan, its apply, a plan again."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from reconciler.errors import ExitCode
from reconciler.model.journal import Result
from reconciler.model.names import Repository
from tests.cassette.stories import Changed, Desk, change
from tests.cassette.taped import Call, calls
from tests.cassette.tapes import FOLDER, Origin, playing

TAPE = FOLDER / "oci.docker-registry.yaml"


@pytest.fixture
def story(tmp_path: Path) -> Iterator[Changed]:
    """Do again, call by call, what was done when the tape was recorded."""
    origin = Origin.of(TAPE)
    with playing(TAPE, repeats=False) as cassette:
        yield change(Desk(Repository(origin.repository), tmp_path, origin.at))
    assert cassette.all_played


def taped(method: str, part: str) -> list[Call]:
    """Return the recorded calls with a method whose path holds a part."""
    return [call for call in calls(TAPE) if call.method == method and part in call.path]


def test_the_listing_is_what_the_recorded_answers_say(story: Changed) -> None:
    tags = taped("GET", "/tags/list")[0].json["tags"]
    told = {
        call.path.rpartition("/")[2]: call.headers["docker-content-digest"][0]
        for call in taped("HEAD", "/manifests/")
        if call.status == 200
    }

    found = {tag: version.digest for version in story.before.versions for tag in version.tags}
    assert found == {tag: told[tag] for tag in tags}
    assert not story.before.closed


def test_exactly_what_was_planned_is_asked_to_go_and_goes(story: Changed) -> None:
    planned = {str(change.digest) for change in story.plan.repositories[0].changes}
    deletes = [call for call in taped("DELETE", "/manifests/") if call.status == 202]

    assert {call.path.rpartition("/")[2] for call in deletes} == planned
    assert [outcome.result for outcome in story.applied.outcomes] == [Result.DELETED] * len(planned)
    assert story.applied.exit_code is ExitCode.OK
    assert len(planned) == 12


def test_what_an_index_lists_is_deleted_after_it(story: Changed) -> None:
    order = [call.path.rpartition("/")[2] for call in taped("DELETE", "/manifests/")]
    indexes = {
        call.path.rpartition("/")[2]: [
            child["digest"] for child in json.loads(call.body)["manifests"]
        ]
        for call in taped("GET", "/manifests/sha256:")
        if call.status == 200 and "manifests" in call.json
    }

    later = [
        (order.index(digest), order.index(child))
        for digest in indexes.keys() & set(order)
        for child in indexes[digest]
        if child in order
    ]
    assert later
    assert all(before < after for before, after in later)


def test_afterwards_the_two_newest_commits_stand_and_nothing_is_left_to_do(story: Changed) -> None:
    tags = {tag for version in story.after.versions for tag in version.tags}

    assert {tag for tag in tags if not tag.startswith("sha256-")} == {"sha-2", "sha-3"}
    assert len(tags) == 2 + 2 * 2
    assert story.again.repositories[0].changes == ()
