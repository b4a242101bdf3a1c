"""`reconciler usage`: how many reads it announces, who has to agree, and what it prints."""

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from reconciler.sandbox.generate import builds
from reconciler.sandbox.server import Sandbox
from reconciler.sandbox.settings import UNLIMITED, SandboxSettings
from tests.support.cli import CommandLine
from tests.support.sandbox_commands import environment, policy_file
from tests.support.time import NOON

VERSIONS = 4 * 5
"""Four builds of an index, two platforms and their attestations."""


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    """Serve a package of four builds, each of which moves `main`."""
    package = builds(4, now=NOON, tagged_every=2)
    now = SandboxSettings(limits=UNLIMITED, now=lambda: NOON + timedelta(hours=1))
    with Sandbox(now, [package]).serve() as served:
        yield served


def test_many_reads_are_made_only_by_whoever_agrees(sandbox: Sandbox, tmp_path: Path) -> None:
    reconciler = CommandLine(tmp_path, environment(sandbox, tmp_path))
    web = f"{sandbox.host}/acme/web"

    refused = reconciler("usage", web, "--max-reads", str(VERSIONS - 1))
    agreed = reconciler("usage", web, "--max-reads", str(VERSIONS - 1), "--yes")
    cached = reconciler("usage", web, "--max-reads", "0")

    assert (refused.code, refused.stdout) == (64, "")
    assert refused.stderr.splitlines() == [
        "20 versions; 20 manifests are not in the cache and need one request each",
        "This exceeds --max-reads 19.",
        "Error: not a terminal: add --yes to confirm.",
    ]
    assert (agreed.code, cached.code) == (0, 0)
    assert agreed.stdout == cached.stdout
    assert agreed.last_line.endswith(" in 20 versions of 1 repository.")


def test_a_policy_and_the_plan_that_it_draws_free_the_same(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    reconciler = CommandLine(tmp_path, environment(sandbox, tmp_path))
    web = f"{sandbox.host}/acme/web"
    dangling = {"name": "dangling", "match": {"untagged": True}, "keep": {"none": True}}
    guards = {"max_delete_percent": 100}
    policy = {"rules": [dangling], "guards": guards}
    reconciler.write_policy(policy_file(sandbox.host, ["acme/web"], policy))
    reconciler("plan", "--out", "plan.json")

    by_policy = reconciler("usage", web, "--policy", "policies", "--format", "json")
    by_plan = reconciler("usage", web, "--plan", "plan.json", "--format", "json")

    (usage,) = json.loads(by_plan.stdout)["repositories"]
    assert by_policy.stdout == by_plan.stdout
    assert usage["freed"]["versions"] == 5
    assert 0 < usage["freed"]["alone"] < usage["freed"]["octets"] < usage["octets"]
