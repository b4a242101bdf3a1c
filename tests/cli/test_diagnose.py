"""`reconciler diagnose`: what it reads, what it prints, and how it ends when it cannot read."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from reconciler.sandbox.server import Sandbox
from reconciler.sandbox.settings import UNLIMITED, SandboxSettings
from tests.captures.answer import PAGE, answered
from tests.support.cli import CommandLine
from tests.support.labelled.mixed import HABITS, package_of
from tests.support.labelled.stage import Stage
from tests.support.sandbox_commands import environment, policy_file
from tests.support.time import NOON


@pytest.fixture
def stage() -> Stage:
    """Make a package by every habit there is."""
    return package_of(HABITS, NOON)


@pytest.fixture
def sandbox(stage: Stage) -> Iterator[Sandbox]:
    """Serve it."""
    with Sandbox(
        SandboxSettings(limits=UNLIMITED, now=lambda: NOON), [stage.package]
    ).serve() as served:
        yield served


def test_programs_get_every_version_with_the_cause_that_made_it(
    sandbox: Sandbox, stage: Stage, tmp_path: Path
) -> None:
    reconciler = CommandLine(tmp_path, environment(sandbox, tmp_path))

    done = reconciler("diagnose", f"{sandbox.host}/acme/*", "--format", "json")

    count = len(stage.labels)
    (told,) = json.loads(done.stdout)["repositories"]
    assert (done.code, told["repository"]) == (0, f"{sandbox.host}/acme/web")
    assert {one["digest"]: one["cause"] for one in told["findings"]} == stage.labels
    assert told["tagged"] + told["needed"] + told["left"] == told["versions"] == count
    assert done.stderr == (
        f"{count} versions; {count} manifests are not in the cache and need one request each\n"
    )


def test_a_second_look_reads_no_manifest_and_a_large_one_needs_a_yes(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    reconciler = CommandLine(tmp_path, environment(sandbox, tmp_path))
    web = f"{sandbox.host}/acme/web"

    refused = reconciler("diagnose", web, "--max-reads", "10")
    first = reconciler("diagnose", web, "--max-reads", "10", "--yes")
    second = reconciler("diagnose", web, "--max-reads", "0")

    assert (refused.code, refused.stdout) == (64, "")
    assert refused.stderr.endswith("Error: not a terminal: add --yes to confirm.\n")
    assert (first.code, second.code) == (0, 0)
    assert "; 0 manifests are not in the cache" in second.stderr


def test_the_suggested_policy_can_be_saved_and_planned_with(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    reconciler = CommandLine(tmp_path, environment(sandbox, tmp_path))
    web = f"{sandbox.host}/acme/web"

    told = json.loads(reconciler("diagnose", web, "--format", "json").stdout)["repositories"][0]
    reconciler.write_policy(told["suggestion"])
    validated = reconciler("validate")
    planned = reconciler("plan", "--at", "2037-01-01", "--format", "json")

    assert (validated.code, told["policy"]) == (0, "diagnosed")
    (part,) = json.loads(planned.stdout)["repositories"]
    assert len(part["changes"]) == told["left"]


def test_a_policy_of_ones_own_is_what_the_forecast_goes_by(
    sandbox: Sandbox, stage: Stage, tmp_path: Path
) -> None:
    reconciler = CommandLine(tmp_path, environment(sandbox, tmp_path))
    rule = {"name": "all", "match": {"any": True}, "keep": {"all": True}}
    reconciler.write_policy(policy_file(sandbox.host, ["acme/web"], {"rules": [rule]}))

    done = reconciler("diagnose", f"{sandbox.host}/acme/web", "--policy", "policies")

    assert done.code == 0
    told = " ".join(done.stdout.split())
    count = len(stage.labels)
    assert f"; now there are {count} versions and " in told
    assert "With policy web there would be about " in told
    assert f" then, and {count} versions and " in told


def test_a_repository_that_cannot_be_read_is_told_of_and_holds_no_other_one_back(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    reconciler = CommandLine(tmp_path, environment(sandbox, tmp_path))
    web, none = f"{sandbox.host}/acme/web", f"{sandbox.host}/acme/none"

    done = reconciler("diagnose", none, web, "--format", "markdown")

    assert done.code == 77
    assert f"#### `{none}`\n\n> [!WARNING]\n> - This repository could not be read.\n" in done.stdout
    assert f"#### `{web}`\n" in done.stdout
    assert "1 repository unread." in done.stdout


def test_a_version_whose_manifest_the_registry_lost_is_broken_and_the_rest_is_told(
    tmp_path: Path,
) -> None:
    package = package_of(["release"], NOON).package
    lost = package.tags["release-x0"]
    lost.body = None
    with Sandbox(SandboxSettings(limits=UNLIMITED, now=lambda: NOON), [package]).serve() as sandbox:
        reconciler = CommandLine(tmp_path, environment(sandbox, tmp_path))

        done = reconciler("diagnose", f"{sandbox.host}/acme/web", "--format", "json")

    (told,) = json.loads(done.stdout)["repositories"]
    broken = [one for one in told["findings"] if one["cause"] == "broken"]
    assert [(one["digest"], one["tags"]) for one in broken] == [(lost.digest, ["release-x0"])]
    assert broken[0]["evidence"] == "listed, but the registry has no manifest for it"
    assert len(told["findings"]) == 8


def test_the_answer_in_the_page_of_questions_is_what_the_command_prints() -> None:
    page = PAGE.read_text(encoding="utf-8")

    assert answered(page) == page
