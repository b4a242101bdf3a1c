"""The facts about a plain OCI registry that Reconciler builds on, asked of a real one."""

from pathlib import Path

import httpx
import pytest

from tests.support.documents import (
    DOCKER_LIST,
    Document,
    artifact,
    attestation,
    cosign_tag,
    fallback_tag,
    image,
    index,
    signature,
)
from tests.support.registry_server import RegistryServer
from tests.support.remote import Remote
from tests.support.servers import Servers
from tests.support.skopeo import SkopeoError, pull_whole, push_layout, write_layout

pytestmark = pytest.mark.server


def build(name: str) -> Document:
    """Build what BuildKit pushes: two platforms and the provenance of each."""
    amd64 = image(name, platform="linux/amd64")
    arm64 = image(name, platform="linux/arm64")
    return index(amd64, arm64, attestation(amd64), attestation(arm64, referrer=False))


def test_a_pushed_index_pulls_whole(web: Remote, tmp_path: Path) -> None:
    pushed = web.push(build("v1"), "v1")

    pull_whole(f"{web.name}:v1", tmp_path / "pulled")

    pulled = {path.name for path in (tmp_path / "pulled").iterdir()}
    assert {f"{child.hex}.manifest.json" for child in pushed.children} <= pulled


def test_a_docker_list_pulls_whole(web: Remote, tmp_path: Path) -> None:
    pushed = index(image("a", docker=True), image("b", docker=True), docker=True)
    web.push(pushed, "list")

    pull_whole(f"{web.name}:list", tmp_path / "list")

    pulled = {path.name for path in (tmp_path / "list").iterdir()}
    assert pushed.media_type == DOCKER_LIST
    assert {f"{child.hex}.manifest.json" for child in pushed.children} <= pulled


def test_the_indexes_in_an_index_pull_whole_each_by_its_digest(web: Remote, tmp_path: Path) -> None:
    nested = web.push(index(build("v1"), build("v2")), "nested")

    for inner in nested.children:
        pull_whole(f"{web.name}@{inner.digest}", tmp_path / inner.hex)

    assert web.digest("nested") == nested.digest


def test_an_index_that_lost_a_child_does_not_pull(web: Remote, tmp_path: Path) -> None:
    pushed = web.push(build("v1"), "v1")

    status = web.delete(pushed.children[1])

    assert status == 202
    assert web.holds("v1")
    with pytest.raises(SkopeoError, match="manifest unknown"):
        pull_whole(f"{web.name}:v1", tmp_path / "pulled")


def test_a_layout_pushed_by_skopeo_keeps_its_digest(web: Remote, tmp_path: Path) -> None:
    written = build("v1")

    push_layout(write_layout(tmp_path / "layout", written), f"{web.name}:v1")

    assert web.digest("v1") == written.digest


def test_deleting_a_digest_takes_all_its_tags_and_leaves_its_children(web: Remote) -> None:
    pushed = web.push(build("v1"), "v1", "latest")
    web.push(build("v2"), "v2")

    status = web.delete(pushed)

    assert status == 202
    assert web.tags() == ["v2"]
    assert [web.holds(child) for child in pushed.children] == [True] * 4


def test_a_second_deletion_finds_nothing(web: Remote) -> None:
    pushed = web.push(image("v1"), "v1")
    web.delete(pushed)

    status = web.delete(pushed)

    assert status == 404


def test_a_registry_without_deletion_refuses_it(servers: Servers) -> None:
    registry = servers.registry(deletion=False)
    web = servers.remote(registry.url, "acme/web")
    pushed = web.push(image("v1"), "v1")

    status = web.delete(pushed)

    assert status == 405
    assert web.holds("v1")


def test_the_page_size_of_a_tag_list_is_ignored(web: Remote, registry: RegistryServer) -> None:
    web.push(image("v1"), "a", "b", "c")

    reply = httpx.get(f"{registry.url}/v2/acme/web/tags/list?n=1")

    assert sorted(reply.json()["tags"]) == ["a", "b", "c"]
    assert "Link" not in reply.headers


def test_referrers_are_stored_and_have_no_endpoint(web: Remote, registry: RegistryServer) -> None:
    subject = web.push(image("v1"), "v1")
    bundle = artifact("bundle", subject=subject)
    web.push(index(bundle), fallback_tag(subject))
    web.push(signature(subject), cosign_tag(subject))

    reply = httpx.get(f"{registry.url}/v2/acme/web/referrers/{subject.digest}")

    assert reply.status_code == 404
    assert web.holds(bundle)
    assert web.tags() == [f"sha256-{subject.hex}", f"sha256-{subject.hex}.sig", "v1"]


def test_an_untagged_manifest_is_found_by_its_digest_alone(web: Remote) -> None:
    lone = web.push(image("lone"))

    assert web.holds(lone)
    assert web.tags() == []


def test_users_are_asked_for_a_password(servers: Servers, tmp_path: Path) -> None:
    registry = servers.registry(users={"robot": "s3cret"})
    web = servers.remote(registry.url, "acme/web", credentials=("robot", "s3cret"))
    web.push(build("v1"), "v1")

    refused = httpx.get(f"{registry.url}/v2/")
    pull_whole(f"{web.name}:v1", tmp_path / "pulled", credentials=("robot", "s3cret"))

    assert refused.status_code == 401
    assert refused.headers["WWW-Authenticate"] == 'Basic realm="tests"'


def test_a_restarted_registry_keeps_its_address_and_content(
    web: Remote, registry: RegistryServer
) -> None:
    web.push(image("v1"), "v1")
    address = registry.host

    registry.stop()
    with pytest.raises(httpx.ConnectError):
        web.tags()
    registry.start()

    assert registry.host == address
    assert web.tags() == ["v1"]
