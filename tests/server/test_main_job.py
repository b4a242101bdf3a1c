"""The main job against a real registry: policy in, plan, apply, log; and images still pull."""

import json
from pathlib import Path

import pytest

from tests.support import skopeo
from tests.support.cli import CommandLine
from tests.support.documents import (
    Document,
    artifact,
    attestation,
    cosign_tag,
    fallback_tag,
    image,
    index,
    signature,
)
from tests.support.faults import Fault
from tests.support.remote import Remote
from tests.support.servers import Servers

POLICY = """
version: 1
policies:
  - name: web
    repositories: ["{repository}"]
    protect:
      - {{name: moving, match: {{tags: [edge]}}}}
    rules:
      - {{name: releases, match: {{tags: ["v*"]}}, keep: {{all: true}}}}
      - {{name: builds, match: {{tags: ["build-*"]}}, order_by: created, keep: {{last: 2}}}}
      - {{name: dangling, match: {{untagged: true}}, keep: {{none: true}}}}
    guards: {{min_age: 0h, max_delete_percent: 80}}
"""

YES = ("--yes",)


def platforms(name: str, created: str) -> Document:
    """Build a two-platform image with attestations, as BuildKit pushes it."""
    amd64 = image(f"{name}-amd64", created=created)
    arm64 = image(f"{name}-arm64", platform="linux/arm64", created=created)
    return index(
        amd64, arm64, attestation(amd64, referrer=False), attestation(arm64, referrer=True)
    )


class Content:
    """What is pushed, by what should become of it."""

    def __init__(self, web: Remote) -> None:
        """Push releases, four builds of both kinds, signatures and referrers."""
        days = [f"2026-01-0{day}T00:00:00Z" for day in range(1, 6)]
        self.release = web.push(image("release", created=days[0]), "v1.0.0")
        self.multi_release = web.push(platforms("multi", days[0]), "v1.1.0")
        self.oldest = web.push(platforms("oldest", days[1]), "build-1")
        self.older = web.push(image("older", created=days[2]), "build-2")
        self.newer = web.push(platforms("newer", days[3]), "build-3")
        self.newest = web.push(image("newest", created=days[4]), "build-4")
        self.kept_signature = web.push(signature(self.newest), cosign_tag(self.newest))
        self.dead_signature = web.push(signature(self.oldest), cosign_tag(self.oldest))
        self.kept_bundle = artifact("kept", subject=self.release)
        web.push(index(self.kept_bundle), fallback_tag(self.release))
        self.dead_bundle = artifact("dead", subject=self.older)
        self.dead_fallback = web.push(index(self.dead_bundle), fallback_tag(self.older))

    @property
    def doomed(self) -> set[str]:
        """The digests that the policy lets go, followers with them."""
        children = {child.digest for child in self.oldest.children}
        roots = (self.oldest, self.older)
        followers = (self.dead_signature, self.dead_bundle, self.dead_fallback)
        return children | {document.digest for document in (*roots, *followers)}

    @property
    def kept(self) -> set[str]:
        """The digests that must still be there."""
        whole = (self.release, self.multi_release, self.newer, self.newest)
        children = {child.digest for document in whole for child in document.children}
        followers = (self.kept_signature, self.kept_bundle)
        return children | {document.digest for document in (*whole, *followers)}


def standing(web: Remote, digests: set[str]) -> set[str]:
    """Return those digests that the registry still holds."""
    return {digest for digest in digests if web.holds(digest)}


def test_exactly_the_expired_images_go_and_every_surviving_tag_pulls_whole(
    web: Remote, reconciler: CommandLine, tmp_path: Path
) -> None:
    content = Content(web)
    reconciler.write_policy(POLICY.format(repository=web.name))

    before = reconciler("plan", "--detailed-exitcode", "--out", "plan.json")
    applied = reconciler("apply", "plan.json", *YES)

    assert (before.code, before.last_line) == (
        2,
        "Plan: 9 to delete, 0 protected, 15 to keep, 0 incomplete.",
    )
    assert (applied.code, applied.last_line) == (
        0,
        "Apply: 9 deleted, 0 already absent, 0 skipped, 0 retained, 0 failed, 0 unknown.",
    )
    assert standing(web, content.doomed) == set()
    assert standing(web, content.kept) == content.kept
    for tag in web.tags():
        skopeo.pull_whole(f"{web.name}:{tag}", tmp_path / tag)
    assert reconciler("log", "verify").code == 0


def test_applying_again_sends_no_deletion_and_plans_nothing(
    web: Remote, reconciler: CommandLine, servers: Servers
) -> None:
    Content(web)
    proxy = servers.proxy(f"http://{web.host}")
    reconciler.write_policy(POLICY.format(repository=f"{proxy.host}/{web.path}"))
    assert reconciler("plan", "--out", "plan.json").code == 0
    assert reconciler("apply", "plan.json", *YES).code == 0
    sent = len(proxy.requests("DELETE"))

    same_plan = reconciler("apply", "plan.json", *YES)
    fresh = reconciler("apply", *YES)
    plan = reconciler("plan", "--detailed-exitcode")

    assert sent > 0
    assert len(proxy.requests("DELETE")) == sent
    assert (same_plan.code, fresh.code, plan.code) == (0, 0, 0)
    assert "9 already absent" in same_plan.last_line


def test_what_a_tag_left_behind_is_found_again_through_the_state(
    web: Remote, reconciler: CommandLine
) -> None:
    reconciler.write_policy(POLICY.format(repository=web.name))
    moved = []
    for number in (1, 2, 3):
        moved.append(web.push(image(f"edge-{number}"), "edge"))
        last = reconciler("apply", *YES)

    assert "1 deleted" in last.last_line
    assert [web.holds(document) for document in moved] == [False, False, True]


@pytest.mark.parametrize("command", [("apply",), ("apply", "plan.json")])
def test_a_registry_that_forbids_deletion_says_so_before_anything_is_done(
    servers: Servers, reconciler: CommandLine, command: tuple[str, ...]
) -> None:
    registry = servers.registry(deletion=False)
    web = servers.remote(registry.url, "acme/web")
    content = Content(web)
    reconciler.write_policy(POLICY.format(repository=web.name))
    assert reconciler("plan", "--out", "plan.json").code == 0

    applied = reconciler(*command, *YES)

    assert applied.code == 77
    assert "REGISTRY_STORAGE_DELETE_ENABLED" in applied.stdout
    assert standing(web, content.doomed | content.kept) == content.doomed | content.kept


def test_a_password_from_dockers_configuration_is_enough(
    servers: Servers, reconciler: CommandLine, tmp_path: Path
) -> None:
    registry = servers.registry(users={"robot": "secret-word"})
    web = servers.remote(registry.url, "acme/web", credentials=("robot", "secret-word"))
    content = Content(web)
    reconciler.write_policy(POLICY.format(repository=web.name))
    (tmp_path / "docker").mkdir()
    login = {"username": "robot", "password": "secret-word"}
    (tmp_path / "docker" / "config.json").write_text(json.dumps({"auths": {web.host: login}}))
    docker = {"DOCKER_CONFIG": str(tmp_path / "docker")}

    refused = reconciler("plan")
    applied = reconciler("apply", *YES, more=docker)

    assert refused.code == 77
    assert "no credentials" in refused.stdout
    assert applied.code == 0
    assert standing(web, content.doomed) == set()
    assert "secret-word" not in applied.stdout + applied.stderr


def test_a_stopped_registry_means_nothing_is_known_and_nothing_is_done(
    servers: Servers, reconciler: CommandLine
) -> None:
    registry = servers.registry()
    web = servers.remote(registry.url, "acme/web")
    content = Content(web)
    reconciler.write_policy(POLICY.format(repository=web.name))
    assert reconciler("plan", "--out", "plan.json").code == 0

    registry.stop()
    applied = reconciler("apply", "plan.json", *YES)
    registry.start()

    assert applied.code == 6
    assert "Connection refused" in applied.stdout
    assert standing(web, content.doomed) == content.doomed


def test_one_unreadable_manifest_stops_its_repository(
    web: Remote, servers: Servers, reconciler: CommandLine
) -> None:
    content = Content(web)
    proxy = servers.proxy(f"http://{web.host}")
    reconciler.write_policy(POLICY.format(repository=f"{proxy.host}/{web.path}"))
    proxy.inject(Fault(500, path=f"*/manifests/{content.newer.digest}"))

    planned = reconciler("plan")
    applied = reconciler("apply", *YES)

    assert (planned.code, applied.code) == (6, 6)
    assert planned.last_line == "Plan: 0 to delete, 0 protected, 0 to keep, 1 incomplete."
    assert content.newer.digest in planned.stdout
    assert proxy.requests("DELETE") == []
