"""`reconciler diagnose` beside workflow files: who makes what, and what to change."""

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from reconciler.sandbox.server import Sandbox
from reconciler.sandbox.settings import UNLIMITED, SandboxSettings
from tests.support.cli import CommandLine
from tests.support.replay import replayed
from tests.support.sandbox_commands import environment
from tests.support.time import NOON

HABITS = Path(__file__).parents[1] / "advice" / "habits"
WORKFLOW = (HABITS / "cache.yml").read_text().replace("ghcr.io", "${{ vars.REGISTRY }}")


@pytest.fixture
def reconciler(tmp_path: Path) -> Iterator[tuple[CommandLine, str]]:
    """Serve what a workflow has pushed in a week, and the command line with the package's name."""
    settings = SandboxSettings(limits=UNLIMITED, now=lambda: NOON + timedelta(hours=1))
    with Sandbox(settings, [replayed(WORKFLOW, 7)]).serve() as served:
        yield CommandLine(tmp_path, environment(served, tmp_path)), f"{served.host}/acme/web"


def test_the_workflows_of_a_repository_are_read_and_the_best_change_is_a_patch(
    reconciler: tuple[CommandLine, str],
) -> None:
    run, web = reconciler
    folder = run.folder / ".github" / "workflows"
    folder.mkdir(parents=True)
    (folder / "container.yml").write_text(WORKFLOW)
    (folder / "broken.yml").write_text("jobs: [")

    ended = run("diagnose", web)

    assert ended.code == 0
    told = " ".join(ended.stdout.split())
    assert "container.yml:13 would have avoided 6 versions that are not needed." in told
    assert "+        cache-to: type=gha,mode=max" in ended.stdout
    assert "    .github/workflows/broken.yml:2:1: this is not YAML" in ended.stdout


def test_a_workflow_elsewhere_is_named_and_programs_get_the_advice(
    reconciler: tuple[CommandLine, str],
) -> None:
    run, web = reconciler
    (run.folder / "image.yml").write_text(WORKFLOW)

    ended = run("diagnose", web, "--workflow", "image.yml", "--format", "json")
    alone = run("diagnose", web, "--format", "json")

    (repository,) = json.loads(ended.stdout)["repositories"]
    (best,) = repository["workflows"]["proposals"]
    assert (best["place"], best["left"], best["needed"]) == ("image.yml:13", 6, 0)
    assert json.loads(alone.stdout)["repositories"][0]["workflows"] is None
