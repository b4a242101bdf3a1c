"""A misspelt repository, where a registry lists its repositories: an error with the right name."""

from pathlib import Path

import pytest

from tests.support.cli import CommandLine
from tests.support.documents import image
from tests.support.servers import Servers

POLICY = """\
version: 1
policies:
  - name: web
    repositories: ["{repository}"]
    rules: [{{name: all, match: {{any: true}}, keep: {{all: true}}}}]
"""


@pytest.mark.parametrize(
    "command", [["plan"], ["diagnose", "{}"], ["usage", "{}"], ["snapshot", "{}", "-o", "copy"]]
)
def test_a_misspelt_repository_is_no_empty_one(
    servers: Servers, tmp_path: Path, command: list[str]
) -> None:
    registry = servers.registry()
    servers.remote(registry.url, "acme/web").push(image("a"), "latest")
    reconciler = CommandLine(tmp_path, {"RECONCILER_CACHE": str(tmp_path / "cache")})
    wrong = f"{registry.host}/acme/wbe"
    reconciler.write_policy(POLICY.format(repository=wrong))

    ended = reconciler(*(part.format(wrong) for part in command))

    text = " ".join(f"{ended.stdout} {ended.stderr}".split())
    assert ended.code == 6
    assert f"{wrong}: the registry reports that there is no such repository" in text
    assert f"Did you mean {registry.host}/acme/web?" in text
    assert not (tmp_path / "copy").exists()
