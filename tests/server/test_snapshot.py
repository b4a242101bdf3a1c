"""A plain registry, copied, plans in the sandbox as it does itself."""

import json
from pathlib import Path

from reconciler.model.snapshot import Snapshot
from reconciler.sandbox.server import Sandbox
from reconciler.sandbox.settings import UNLIMITED, SandboxSettings
from reconciler.sandbox.snapshots import packages_of
from tests.support.cli import CommandLine, Ended
from tests.support.documents import artifact, attestation, cosign_tag, image, index, signature
from tests.support.remote import Remote
from tests.support.sandbox_commands import environment

POLICY = """
version: 1
policies:
  - name: web
    repositories: ["{repository}"]
    rules:
      - {{name: builds, match: {{tags: ["build-*"]}}, order_by: created, keep: {{last: 1}}}}
      - {{name: dangling, match: {{untagged: true}}, keep: {{none: true}}}}
    guards: {{min_age: 0h, max_delete_percent: 100}}
"""


def push_builds(web: Remote) -> None:
    """Push three builds, the first for two platforms, with a signature and an artifact."""
    platforms = [
        image("first", platform=f"linux/{name}", created="2026-01-01T00:00:00Z")
        for name in ("amd64", "arm64")
    ]
    first = web.push(index(*platforms, *map(attestation, platforms)), "build-1")
    web.push(signature(first), cosign_tag(first))
    web.push(image("second", created="2026-01-02T00:00:00Z"), "build-2")
    third = web.push(image("third", created="2026-01-03T00:00:00Z"), "build-3")
    web.push(artifact("note", subject=third), "note")


def changed(ended: Ended) -> list[tuple[str, list[str]]]:
    """Return what a plan lets go: digests with their tags."""
    (part,) = json.loads(ended.stdout)["repositories"]
    return sorted((change["digest"], change["observed"]["tags"]) for change in part["changes"])


def test_a_copy_of_a_plain_registry_gives_the_same_plan(
    web: Remote, reconciler: CommandLine, tmp_path: Path
) -> None:
    push_builds(web)
    reconciler.write_policy(POLICY.format(repository=web.name))
    planned = changed(reconciler("plan", "--format", "json"))

    taken = reconciler("snapshot", web.name, "--configs", "-o", "copy.json")
    snapshot = Snapshot.model_validate_json((reconciler.folder / "copy.json").read_bytes())
    with Sandbox(SandboxSettings(limits=UNLIMITED), packages_of(snapshot)).serve() as sandbox:
        rehearsing = CommandLine(reconciler.folder, environment(sandbox, tmp_path))
        rehearsing.write_policy(POLICY.format(repository=f"{sandbox.host}/{web.path}"))
        copied = changed(rehearsing("plan", "--format", "json"))

    assert taken.code == 0
    assert f"{web.name}: 9 manifests and 5 configurations copied" in taken.stderr
    assert len(planned) == 7
    assert copied == planned
