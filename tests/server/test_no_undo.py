"""A plain registry cannot restore: that is said before anything is deleted, and by `undo`."""

import pytest

from reconciler.errors import ExitCode
from tests.support.cli import CommandLine
from tests.support.documents import image
from tests.support.remote import Remote

pytestmark = pytest.mark.server

POLICY = """
version: 1
policies:
  - name: web
    repositories: ["{repository}"]
    rules:
      - {{name: builds, match: {{tags: ["build-*"]}}, order_by: created, keep: {{last: 1}}}}
    guards: {{min_age: 0h, max_delete_percent: 80}}
"""


def test_what_is_deleted_there_cannot_be_undone_and_that_is_said(
    web: Remote, reconciler: CommandLine
) -> None:
    for number in (1, 2):
        web.push(image(f"{number}", created=f"2026-01-0{number}T00:00:00Z"), f"build-{number}")
    reconciler.write_policy(POLICY.format(repository=web.name))

    planned = reconciler("plan")
    commented = reconciler("plan", "--format", "markdown")
    applied = reconciler("apply", "--yes")
    undone = reconciler("undo", "--last", "--yes")
    why = reconciler("log", "why", "build-1")

    said = f"No undo: {web.host} cannot restore what is deleted."
    assert said in planned.stdout
    assert f"`{said}`" in commented.stdout
    assert applied.last_line.startswith("Apply: 1 deleted")
    assert "To restore" not in applied.stdout
    assert undone.code == ExitCode.PLAN_REJECTED
    assert f"{web.name}: {web.host} cannot restore what was deleted" in undone.stdout
    assert "Push the images again" in undone.stdout
    assert web.tags() == ["build-2"]
    assert "  The registry cannot restore it.\n" in why.stdout
