"""Six workflows as projects write them: the advice names the step, and its edit stops the growth.

Each is played on a package, diagnosed, changed by the one edit that is advised first, and played
again: what nothing needs no longer grows.
"""

import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from reconciler.analysis.diagnose.diagnose import Diagnosis, diagnose
from reconciler.analysis.diagnose.remedies import WorkflowAdvice
from reconciler.model.inventory import Observations
from reconciler.workflows.changes import advise
from reconciler.workflows.parse import WorkflowFiles, read_workflow
from tests.support.diagnosed import inventory_of
from tests.support.inventories import WEB
from tests.support.replay import replayed
from tests.support.time import NOON

HABITS = Path(__file__).parent / "habits"
PLACE = ".github/workflows/image.yml"
FEW, MANY = 4, 9


@dataclass(frozen=True)
class Grown:
    """What untagged versions there are after few runs and after many. Shape: needed and left."""

    few: tuple[int, int]
    many: tuple[int, int]


def diagnosed(text: str, runs: int) -> Diagnosis:
    """Play a workflow and diagnose the package that it leaves."""
    return diagnose(inventory_of(replayed(text, runs)), Observations(), now=NOON)


def grown(text: str) -> Grown:
    """Play a workflow a few times and many times, and count what has no tag."""
    few, many = (diagnosed(text, runs) for runs in (FEW, MANY))
    return Grown((few.needed, few.unneeded), (many.needed, many.unneeded))


def counselled(text: str) -> WorkflowAdvice:
    """Ask for advice on a workflow and on what it has left after many runs."""
    found = WorkflowFiles((read_workflow(PLACE, text.encode()),))
    return advise(found, WEB, diagnosed(text, MANY).groups)


def improved(text: str, folder: Path) -> str:
    """Apply the patch that is advised first, as its reader would."""
    file = folder / PLACE
    file.parent.mkdir(parents=True)
    file.write_text(text)
    patch = counselled(text).proposals[0].patch
    subprocess.run(["git", "apply", "-"], cwd=folder, input=patch, text=True, check=True)
    return file.read_text()


def habit(name: str) -> str:
    """Read one of the workflows."""
    return (HABITS / f"{name}.yml").read_text()


@pytest.mark.parametrize(
    ("name", "added", "before", "after"),
    [
        # A platform image and its attestation for each build, then nothing but tagged images.
        ("single", ["          provenance: false"], Grown((8, 0), (18, 0)), Grown((0, 0), (0, 0))),
        # Whatever was built before the last build is left over; then all of it can be found.
        ("platforms", ["            type=sha"], Grown((4, 15), (4, 40)), Grown((16, 0), (36, 0))),
        # All of it is in use; half of it is attestations.
        (
            "commits",
            ["          provenance: false"],
            Grown((16, 0), (36, 0)),
            Grown((8, 0), (18, 0)),
        ),
        # An index for each platform and build is left over, then none is pushed.
        (
            "digests",
            ["          provenance: false"],
            Grown((16, 8), (36, 18)),
            Grown((8, 0), (18, 0)),
        ),
        (
            "cache",
            ["        cache-from: type=gha", "        cache-to: type=gha,mode=max"],
            Grown((8, 3), (18, 8)),
            Grown((8, 0), (18, 0)),
        ),
        (
            "nightly",
            [
                "          tags: |",
                "            type=schedule,pattern=nightly",
                "            type=schedule,pattern=nightly-{{date 'YYYYMMDD'}}",
            ],
            Grown((4, 18), (4, 48)),
            Grown((16, 0), (36, 0)),
        ),
    ],
)
def test_the_edit_that_is_advised_first_stops_what_grows_without_need(
    name: str, added: list[str], before: Grown, after: Grown, tmp_path: Path
) -> None:
    text = habit(name)

    changed = improved(text, tmp_path)

    assert [line for line in changed.splitlines() if line not in text.splitlines()] == added
    assert (grown(text), grown(changed)) == (before, after)


@pytest.mark.parametrize("name", ["single", "platforms", "commits", "digests", "cache", "nightly"])
def test_a_change_avoids_versions_or_only_names_them_as_it_claims(
    name: str, tmp_path: Path
) -> None:
    text = habit(name)
    best = counselled(text).proposals[0]

    before, after = (diagnosed(x, MANY) for x in (text, improved(text, tmp_path)))

    spared = len(before.findings) - len(after.findings)
    if best.names:
        assert spared == 0
        assert (before.unneeded, after.unneeded) == (best.unneeded, 0)
    else:
        assert spared >= best.unneeded + best.needed


@pytest.mark.parametrize(
    ("name", "made"),
    [
        ("single", {29: ["tagged", "attestation", "platform-child"]}),
        (
            "platforms",
            {18: ["tagged", "attestation", "platform-child", "superseded-child", "tag-moved"]},
        ),
        (
            "digests",
            {
                18: ["attestation", "platform-child", "merged-digest"],
                41: ["tagged"],
            },
        ),
        ("cache", {13: ["tagged", "attestation", "platform-child", "replaced-cache"]}),
        (
            "nightly",
            {
                22: ["tagged", "attestation", "platform-child", "superseded-child", "tag-moved"],
                31: ["signature"],
            },
        ),
    ],
)
def test_each_step_is_told_for_the_versions_it_makes(
    name: str, made: Mapping[int, list[str]]
) -> None:
    counsel = counselled(habit(name))

    assert {
        int(one.place.rpartition(":")[2]): [str(cause) for cause in one.causes]
        for one in counsel.attributions
    } == made


@pytest.mark.parametrize("name", ["single", "platforms", "commits", "digests", "cache", "nightly"])
def test_once_it_is_followed_nothing_that_is_left_over_has_advice(
    name: str, tmp_path: Path
) -> None:
    changed = improved(habit(name), tmp_path)

    assert [one for one in counselled(changed).proposals if one.unneeded] == []
