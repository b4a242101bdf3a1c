"""`reconciler verify` on a real registry: what is broken is found, and what is whole is not."""

import json
from collections.abc import Mapping

import pytest

from reconciler.model.names import Digest, Repository
from tests.support.cli import CommandLine, Ended
from tests.support.documents import Document, attestation, digest_of, image, index
from tests.support.oci import NOBODY, opened
from tests.support.registry_server import RegistryServer
from tests.support.remote import Remote

pytestmark = pytest.mark.server

POLICY = """
version: 1
policies:
  - name: web
    repositories: ["{repository}"]
    rules: [{{name: all, match: {{any: true}}, keep: {{all: true}}}}]
"""


@pytest.fixture
def verifier(reconciler: CommandLine, registry: RegistryServer) -> CommandLine:
    """Give a command line that knows the registry as one of plain HTTP."""
    told = {registry.host: {"kind": "oci", "plain_http": True}}
    cache = str(reconciler.folder / "cache")
    return CommandLine(
        reconciler.folder,
        {"RECONCILER_REGISTRIES": json.dumps(told), "RECONCILER_CACHE": cache},
    )


def build(name: str) -> Document:
    """Build what BuildKit pushes for two platforms."""
    amd64, arm64 = image(f"{name}-amd64"), image(f"{name}-arm64", platform="linux/arm64")
    return index(amd64, arm64, attestation(amd64), attestation(arm64))


def missing(ended: Ended) -> Mapping[str, list[tuple[str, str]]]:
    """Read from JSON what each broken image lacks, by its first tag: the part and the digest."""
    (repository,) = json.loads(ended.stdout)["repositories"]
    return {
        image["tags"][0]: [(lost["part"], lost["digest"]) for lost in image["missing"]]
        for image in repository["broken"]
    }


def lose(server: RegistryServer, web: Remote, digest: str) -> None:
    """Take a blob out of a repository, as a storage does that loses it."""
    links = server.storage / "docker/registry/v2/repositories" / web.path / "_layers/sha256"
    (links / digest.removeprefix("sha256:") / "link").unlink()


def test_an_image_whose_child_was_deleted_and_one_whose_layer_is_gone_are_found(
    verifier: CommandLine, registry: RegistryServer, web: Remote
) -> None:
    web.push(build("whole"), "v1")
    childless, layerless = web.push(build("two"), "v2"), web.push(image("three"), "v3", "latest")
    arm64 = childless.children[1]
    web.delete(arm64)
    layer = digest_of(layerless.blobs[1])
    lose(registry, web, layer)

    shallow = verifier("verify", web.name, "--format", "json")
    deep = verifier("verify", web.name, "--blobs", "--format", "json")
    text = verifier("verify", web.name, "--blobs")

    assert (shallow.code, deep.code) == (2, 2)
    assert missing(shallow) == {"v2": [("manifest", arm64.digest)]}
    assert missing(deep) == {
        "v2": [("manifest", arm64.digest)],
        "latest": [("layer", layer)],
    }
    assert "manifest for linux/arm64" in text.stdout
    assert text.last_line == "Verify: 3 images, 2 broken, 0 repositories unread."


def test_a_whole_repository_ends_well_however_it_is_named(
    verifier: CommandLine, web: Remote
) -> None:
    web.push(build("one"), "v1")
    verifier.write_policy(POLICY.format(repository=web.name))

    by_name = verifier("verify", web.name, "--blobs")
    by_pattern = verifier("verify", f"{web.host}/acme/*", "--blobs")
    by_policy = verifier("verify", "--policy", "policies", "--blobs")

    assert (by_name.code, by_pattern.code, by_policy.code) == (0, 0, 0)
    assert by_policy.last_line == "Verify: 1 image, 0 broken, 0 repositories unread."
    assert by_name.stdout == by_pattern.stdout == by_policy.stdout


def test_blobs_are_asked_for_without_being_read(registry: RegistryServer, web: Remote) -> None:
    pushed = web.push(image("one"), "v1")
    config, layer = (Digest(digest_of(blob)) for blob in pushed.blobs)
    lose(registry, web, layer)

    with opened(registry.host) as oci:
        present = oci.documents.blobs_present(Repository(web.name), [config, layer, NOBODY])

    assert present == {config: True, layer: False, NOBODY: False}
