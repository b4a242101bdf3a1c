"""GitHub's registry kind, played from recordings of a whole plan; each file says of what.

Whatever package was recorded: what the provider makes of it is held against the recorded JSON.
"""

from pathlib import Path

import pytest

from reconciler.model.names import Digest, Repository
from tests.cassette.stories import Desk, Read, read
from tests.cassette.taped import calls
from tests.cassette.tapes import FOLDER, Origin, playing

TAPES = sorted(FOLDER.glob("ghcr.*.yaml"))
SANDBOX = FOLDER / "ghcr.sandbox.yaml"


def played(tape: Path, folder: Path) -> Read:
    """Do again what was done when the tape was recorded, at the same time of the same day."""
    origin = Origin.of(tape)
    desk = Desk(Repository(origin.repository), folder, origin.at, token="ghp_played")
    with playing(tape, repeats=True):
        return read(desk)


def rows(tape: Path) -> dict[str, tuple[str, tuple[str, ...], str]]:
    """Return the recorded versions: by id their digest, their tags, and when they were pushed."""
    pages = [call.json for call in calls(tape) if "/versions" in call.path and call.status == 200]
    return {
        str(row["id"]): (
            row["name"],
            tuple(sorted(row["metadata"]["container"]["tags"])),
            row["created_at"],
        )
        for page in pages
        for row in (page if isinstance(page, list) else [page])
    }


@pytest.fixture(params=TAPES, ids=lambda tape: tape.name)
def tape(request: pytest.FixtureRequest) -> Path:
    """Take each recording in turn."""
    path: Path = request.param
    return path


def test_there_is_a_recording() -> None:
    assert SANDBOX in TAPES


def test_the_listing_is_what_the_recorded_pages_say(tape: Path, tmp_path: Path) -> None:
    listing = played(tape, tmp_path).listing

    found = {
        version.id: (version.digest, version.tags, f"{version.pushed:%Y-%m-%dT%H:%M:%SZ}")
        for version in listing.versions
    }
    assert found == rows(tape)
    assert listing.closed
    assert listing.watermark == str(max(map(int, found)))


def test_a_plan_is_complete_and_comes_out_the_same_from_the_cache(
    tape: Path, tmp_path: Path
) -> None:
    story = played(tape, tmp_path)

    first, again = story.plan.repositories[0], story.again.repositories[0]
    assert (first.complete, first.error) == (True, "")
    assert first.changes == again.changes
    assert {c.version_id: (c.digest, c.observed.tags) for c in first.changes}.items() <= {
        number: (Digest(digest), tags) for number, (digest, tags, _) in rows(tape).items()
    }.items()


def test_each_manifest_is_read_once_and_most_not_at_all(tape: Path) -> None:
    asked = [call.path for call in calls(tape) if "/manifests/" in call.path]

    assert len(asked) == len(set(asked))
    assert len(asked) < len(rows(tape))


def test_looks_at_single_versions_and_at_the_newest_agree_with_the_listing(
    tape: Path, tmp_path: Path
) -> None:
    story = played(tape, tmp_path)

    versions = set(story.listing.versions)
    assert set(story.looked) == set(story.listing.versions[:3])
    assert set(story.newest.versions) <= versions
    assert story.listing.watermark in {version.id for version in story.newest.versions}


def test_the_recorded_package_of_the_sandbox_keeps_its_newest_builds(tmp_path: Path) -> None:
    plan = played(SANDBOX, tmp_path).plan

    kept = {str(v) for v in rows(SANDBOX)} - {c.version_id for c in plan.repositories[0].changes}
    tags = {tag for number in kept for tag in rows(SANDBOX)[number][1]}
    assert {tag for tag in tags if not tag.startswith("sha256-")} == {
        "main",
        "sha-0000012",
        "sha-0000014",
    }
    assert len(rows(SANDBOX)) == 114
    assert len(kept) == 3 * 5 + 3
