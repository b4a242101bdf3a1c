"""`plan --against`: what a change of the policies does, beside the plan, on one reading."""

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from reconciler.model.difference import read_difference
from reconciler.model.plan import read_plan
from tests.support.stage import policy_file
from tests.support.workshop import PACKAGE, POLICY, Workshop, workshop

UNPROTECTED = {**POLICY, "protect": []}
LONGER = {
    **POLICY,
    "rules": [{"name": "previews", "match": {"tags": ["pr-*"]}, "keep": {"within": "90d"}}],
}


@pytest.fixture
def web(tmp_path: Path) -> Iterator[Workshop]:
    """Serve a package whose policy is committed as `main`; pull requests change it."""
    with workshop(tmp_path) as served:
        for arguments in (
            ["init", "--quiet", "--initial-branch=main"],
            ["add", "policies"],
            ["-c", "user.name=A", "-c", "user.email=a@example.com", "commit", "--quiet", "-m", "A"],
        ):
            subprocess.run(["git", *arguments], cwd=tmp_path, check=True)
        yield served


def change(web: Workshop, policy: dict[str, Any], package: str = PACKAGE) -> None:
    """Write another policy into the work tree."""
    web.reconciler.write_policy(policy_file(web.sandbox.host, [package], policy))


def test_an_unchanged_policy_changes_nothing(web: Workshop) -> None:
    done = web.reconciler("plan", "--against", "main")

    assert done.code == 0
    assert done.stdout.startswith(
        "Compared with main on the same inventory: nothing else is to delete.\n"
    )
    assert done.last_line == "Plan: 7 to delete, 1 protected, 1 to keep, 0 incomplete."


def test_a_removed_protection_is_the_first_thing_said(web: Workshop) -> None:
    change(web, UNPROTECTED)

    done = web.reconciler("plan", "--against", "main")

    told = " ".join(done.stdout.split())
    assert told.startswith(
        "Compared with main on the same inventory: nothing else is to delete."
        f" It protects less than before: ! {web.repository}: protection moving was removed:"
        " 1 image loses its protection, none of them to delete now"
    )


def test_the_registry_is_read_once(web: Workshop) -> None:
    web.reconciler("plan")
    warm = len(web.sandbox.requests)
    web.reconciler("plan")
    alone = len(web.sandbox.requests) - warm
    change(web, LONGER)

    web.reconciler("plan", "--against", "main")

    assert len(web.sandbox.requests) - warm - alone == alone


def test_the_plan_that_is_saved_is_the_same_without(web: Workshop, tmp_path: Path) -> None:
    change(web, LONGER)
    web.reconciler("plan")

    web.reconciler("plan", "--at", "2030-01-01", "--out", "alone.json")
    done = web.reconciler(
        *("plan", "--at", "2030-01-01", "--out", "beside.json"),
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


def test_spared_images_are_named_with_the_edit(web: Workshop) -> None:
    change(web, LONGER)

    done = web.reconciler("plan", "--against", "main")

    assert "7 fewer" in done.stdout.splitlines()[0]
    assert "because previews.keep.within went from 7d to 90d" in done.stdout


def test_a_dropped_repository_is_read_and_told(web: Workshop) -> None:
    web.reconciler("plan")
    change(web, POLICY, package="acme/other")

    done = web.reconciler("plan", "--against", "main", "--format", "json")

    told = {part["repository"]: part for part in json.loads(done.stdout)["against"]["repositories"]}
    dropped = told[str(web.repository)]
    assert (dropped["before"], dropped["after"]) == ("web", "")
    assert sum(shift["versions"] for shift in dropped["spared"]) == 7


def test_without_a_revision_to_compare_with_it_stops(web: Workshop) -> None:
    done = web.reconciler("plan", "--against", "nowhere")

    assert (done.code, done.stdout) == (78, "")
    assert "git has no revision nowhere" in done.stderr
    assert web.calls("GET") == 0


def test_a_broken_base_hinders_no_plan(web: Workshop, tmp_path: Path) -> None:
    (tmp_path / "policies" / "policy.yaml").write_text("version: 2\n")
    subprocess.run(
        ["git", "-c", "user.name=A", "-c", "user.email=a@example.com", "commit", "-qam", "B"],
        cwd=tmp_path,
        check=True,
    )
    change(web, POLICY)

    done = web.reconciler("plan", "--against", "main")

    assert done.code == 0
    assert "Compared with main on the same inventory: not possible." in done.stdout
    assert done.last_line == "Plan: 7 to delete, 1 protected, 1 to keep, 0 incomplete."


def test_a_file_for_the_difference_needs_a_revision(web: Workshop) -> None:
    done = web.reconciler("plan", "--against-json", "difference.json")

    assert (done.code, done.stdout) == (64, "")
    assert "--against-json cannot be written without --against" in done.stderr
