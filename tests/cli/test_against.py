"""`plan --against`: what a change of the policies does, beside the plan, on one reading."""

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from reconciler.__main__ import run
from reconciler.model.comparison import read_difference
from reconciler.model.plan import read_plan
from tests.support.cli import Ended
from tests.support.cli_harness import PACKAGE, POLICY, CliHarness, served_package
from tests.support.sandbox_commands import environment, policy_file

UNPROTECTED = {**POLICY, "protect": []}
LONGER = {
    **POLICY,
    "rules": [{"name": "previews", "match": {"tags": ["pr-*"]}, "keep": {"within": "90d"}}],
}


class Clone(NamedTuple):
    """A served package, and a clone of its policies whose `main` is what was committed."""

    web: CliHarness
    capture: pytest.CaptureFixture[str]

    def plan(self, *arguments: str) -> Ended:
        """Plan in the clone."""
        code = run(["plan", *arguments])
        return Ended(code, *self.capture.readouterr())

    def change(self, policy: dict[str, Any], package: str = PACKAGE) -> None:
        """Write another policy into the work tree."""
        self.web.reconciler.write_policy(policy_file(self.web.sandbox.host, [package], policy))

    def git(self, *arguments: str) -> None:
        """Run git as somebody without settings."""
        who = ("-c", "user.name=A", "-c", "user.email=a@example.com")
        subprocess.run(["git", *who, *arguments], cwd=self.web.folder, check=True)

    def requests(self) -> int:
        """Count the calls so far."""
        return len(self.web.sandbox.requests)


@pytest.fixture
def clone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Iterator[Clone]:
    """Serve a package whose policy is committed as `main`, and stand in the clone."""
    with served_package(tmp_path) as served:
        for name, value in environment(served.sandbox, tmp_path).items():
            monkeypatch.setenv(name, value)
        monkeypatch.chdir(tmp_path)
        made = Clone(served, capsys)
        made.git("init", "--quiet", "--initial-branch=main")
        made.git("add", "policies")
        made.git("commit", "--quiet", "--message", "A")
        yield made


def test_an_unchanged_policy_changes_nothing(clone: Clone) -> None:
    done = clone.plan("--against", "main")

    assert done.code == 0
    assert done.stdout.startswith(
        "Compared with main on the same inventory: no difference in what is deleted.\n"
    )
    assert done.last_line == "Plan: 7 to delete, 1 protected, 1 to keep, 0 incomplete."


def test_a_removed_protection_is_the_first_thing_said(clone: Clone) -> None:
    clone.change(UNPROTECTED)

    done = clone.plan("--against", "main")

    told = " ".join(done.stdout.split())
    assert told.startswith(
        "Compared with main on the same inventory: no difference in what is deleted."
        f" Weakened protections: ! {clone.web.repository}: protection moving was removed:"
        " 1 image loses its protection, none of them to delete now"
    )


def test_the_registry_is_read_once(clone: Clone) -> None:
    clone.plan()
    warm = clone.requests()
    clone.plan()
    alone = clone.requests() - warm
    clone.change(LONGER)

    clone.plan("--against", "main")

    assert clone.requests() - warm - alone == alone


def test_the_plan_that_is_saved_is_the_same_without(clone: Clone, tmp_path: Path) -> None:
    clone.change(LONGER)
    clone.plan()

    clone.plan("--at", "2030-01-01", "--out", "alone.json")
    done = clone.plan(
        *("--at", "2030-01-01", "--out", "beside.json"),
        *("--against", "main", "--against-json", "difference.json", "--format", "json"),
    )

    alone, beside = (
        read_plan((tmp_path / name).read_bytes()) for name in ("alone.json", "beside.json")
    )
    assert alone.repositories == beside.repositories
    difference = read_difference((tmp_path / "difference.json").read_bytes())
    assert difference.plan == beside.digest
    printed = json.loads(done.stdout)
    assert printed["plan"]["digest"] == beside.digest
    assert printed["against"]["commit"] == difference.commit


def test_spared_images_are_named_with_the_edit(clone: Clone) -> None:
    clone.change(LONGER)

    done = clone.plan("--against", "main")

    assert "7 fewer" in done.stdout.splitlines()[0]
    assert "because previews.keep.within changed from 7d to 90d" in done.stdout


def test_a_dropped_repository_is_read_and_told(clone: Clone) -> None:
    clone.plan()
    clone.change(POLICY, package="acme/other")

    done = clone.plan("--against", "main", "--format", "json")

    told = {part["repository"]: part for part in json.loads(done.stdout)["against"]["repositories"]}
    dropped = told[str(clone.web.repository)]
    assert (dropped["before"], dropped["after"]) == ("web", "")
    assert sum(shift["versions"] for shift in dropped["spared"]) == 7


def test_without_a_revision_to_compare_with_it_stops(clone: Clone) -> None:
    done = clone.plan("--against", "nowhere")

    assert (done.code, done.stdout) == (78, "")
    assert "git has no revision nowhere" in done.stderr
    assert clone.web.calls("GET") == 0


def test_a_broken_base_hinders_no_plan(clone: Clone, tmp_path: Path) -> None:
    (tmp_path / "policies" / "policy.yaml").write_text("version: 2\n")
    clone.git("commit", "--quiet", "--all", "--message", "B")
    clone.change(POLICY)

    done = clone.plan("--against", "main")

    assert done.code == 0
    assert "Compared with main on the same inventory: not possible." in done.stdout
    assert done.last_line == "Plan: 7 to delete, 1 protected, 1 to keep, 0 incomplete."


def test_a_file_for_the_difference_needs_a_revision(clone: Clone) -> None:
    done = clone.plan("--against-json", "difference.json")

    assert (done.code, done.stdout) == (64, "")
    assert "--against-json requires --against" in done.stderr
