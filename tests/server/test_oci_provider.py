"""The provider of plain registries, held against a real one."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from reconciler.engine.observe import observe
from reconciler.errors import AccessError, DeletionDisabledError
from reconciler.model.inventory import Version
from reconciler.model.names import Digest, Repository, Tag
from reconciler.model.patterns import RepositoryGlob
from reconciler.model.ports import DeletionResult
from reconciler.providers.oci.registry import OciRegistry
from reconciler.transport.credentials import ConfigFile, Credential, RegistryCredentials
from tests.support.documents import Document, artifact, attestation, fallback_tag, image, index
from tests.support.oci import NOBODY, delete_alone, opened
from tests.support.registry_server import RegistryServer
from tests.support.remote import Remote
from tests.support.servers import Servers

pytestmark = pytest.mark.server

USERS = {"robot": "s3cret"}


@pytest.fixture
def oci(registry: RegistryServer) -> Iterator[OciRegistry]:
    """Open the real registry."""
    with opened(registry.host) as found:
        yield found


@pytest.fixture
def repository(web: Remote) -> Repository:
    """Name the repository of the real registry."""
    return Repository(web.name)


def digest(document: Document) -> Digest:
    """Name a document as we do."""
    return Digest(document.digest)


def build(name: str) -> Document:
    """Build what BuildKit pushes: two platforms, each with its provenance."""
    amd64 = image(f"{name}-amd64")
    arm64 = image(f"{name}-arm64", platform="linux/arm64")
    return index(amd64, arm64, attestation(amd64), attestation(arm64, referrer=False))


def test_what_was_pushed_is_listed_by_digest(
    oci: OciRegistry, web: Remote, repository: Repository
) -> None:
    one, two = web.push(build("one"), "v1", "latest"), web.push(image("two", docker=True), "v2")

    listing = oci.listing(repository)

    assert {version.digest: version.tags for version in listing.versions} == {
        one.digest: ("latest", "v1"),
        two.digest: ("v2",),
    }


def test_a_repository_that_never_was_and_one_that_lost_its_tags_are_empty(
    oci: OciRegistry, web: Remote, repository: Repository
) -> None:
    never = oci.listing(Repository(f"{web.host}/no/such"))
    web.delete(web.push(image("one"), "v1"))

    emptied = oci.listing(repository)

    assert (never.versions, emptied.versions) == ((), ())


def test_an_inventory_holds_all_that_can_be_reached(
    oci: OciRegistry, web: Remote, repository: Repository
) -> None:
    multi = web.push(build("one"), "v1")
    bundle = artifact("bundle", subject=multi)
    fallback = web.push(index(bundle), fallback_tag(multi))
    web.push(image("lone"))

    inventory = observe(oci, repository)

    known = {multi.digest, bundle.digest, fallback.digest}
    assert set(inventory.versions) == known | {child.digest for child in multi.children}
    assert not oci.capabilities.referrers


def test_a_child_that_was_deleted_is_absent_and_the_rest_is_whole(
    oci: OciRegistry, web: Remote, repository: Repository
) -> None:
    multi = web.push(build("one"), "v1")
    lost, *others = multi.children
    web.delete(lost)

    present = oci.documents.present(repository, map(digest, multi.children))
    documents = oci.documents.manifests(repository, [digest(lost), digest(multi)])

    assert present == {lost.digest: False} | {child.digest: True for child in others}
    assert documents[digest(lost)] is None
    assert documents[digest(multi)] is not None


def test_images_tell_when_they_were_built(
    oci: OciRegistry, web: Remote, repository: Repository
) -> None:
    said = {"org.opencontainers.image.created": "2026-03-04T05:06:07Z"}
    in_config = web.push(image("one", created="2026-01-02T03:04:05Z"), "v1")
    in_manifest = web.push(image("two", annotations=said), "v2")
    documents = oci.documents.manifests(repository, [digest(in_config), digest(in_manifest)])

    told = oci.documents.created(
        repository, [manifest for manifest in documents.values() if manifest]
    )

    assert {name: moment.isoformat() for name, moment in told.items() if moment} == {
        in_config.digest: "2026-01-02T03:04:05+00:00",
        in_manifest.digest: "2026-03-04T05:06:07+00:00",
    }


def test_a_moved_tag_leaves_the_version_that_had_it(
    oci: OciRegistry, web: Remote, repository: Repository
) -> None:
    old = web.push(image("old"), "latest", "v1")
    web.push(image("new"), "latest")

    found = oci.version(repository, Version(digest(old), (Tag("latest"), Tag("v1"))))

    assert found == Version(digest(old), (Tag("v1"),))
    assert oci.version(repository, Version(NOBODY)) is None


def test_the_catalogue_finds_repositories_by_pattern(oci: OciRegistry, web: Remote) -> None:
    for path in ("acme/web", "acme/api", "acme/deep/api", "other/web"):
        web.sibling(path).push(image(path), "v1")

    found = oci.repositories(RepositoryGlob(f"{web.host}/acme/*"))

    assert found == [f"{web.host}/acme/api", f"{web.host}/acme/web"]


def test_a_deletion_takes_the_tags_and_a_second_one_finds_nothing(
    oci: OciRegistry, web: Remote, repository: Repository
) -> None:
    old, kept = web.push(image("old"), "v1", "v2"), web.push(image("kept"), "v3")
    version = Version(digest(old), (Tag("v1"), Tag("v2")))

    first = delete_alone(oci, repository, version)
    second = delete_alone(oci, repository, version)

    assert (first.result, first.status) == (DeletionResult.DELETED, 202)
    assert (second.result, second.status) == (DeletionResult.ABSENT, 404)
    assert oci.version(repository, version) is None
    assert web.tags() == ["v3"]
    assert web.holds(kept)


def test_asking_whether_deletion_is_possible_changes_nothing(
    oci: OciRegistry, web: Remote, repository: Repository
) -> None:
    pushed = web.push(build("one"), "v1")

    oci.check_deletion(repository)

    assert web.tags() == ["v1"]
    assert all(web.holds(document) for document in (pushed, *pushed.children))


@pytest.mark.parametrize(
    ("deletion", "environment"),
    [
        (False, {}),
        (True, {"REGISTRY_STORAGE_MAINTENANCE": '{"readonly": {"enabled": true}}'}),
    ],
)
def test_a_registry_that_never_deletes_says_so_before_anything_is_tried(
    servers: Servers, deletion: object, environment: dict[str, str]
) -> None:
    server = servers.registry(deletion=bool(deletion), environment=environment)
    web = Repository(f"{server.host}/acme/web")

    with opened(server.host) as oci:
        with pytest.raises(DeletionDisabledError, match=" answered 405") as checking:
            oci.check_deletion(web)
        with pytest.raises(DeletionDisabledError):
            delete_alone(oci, web, Version(NOBODY))

    assert "REGISTRY_STORAGE_DELETE_ENABLED=true" in checking.value.hint


def test_the_password_of_dockers_file_opens_the_registry(servers: Servers, tmp_path: Path) -> None:
    server = servers.registry(users=USERS)
    web = servers.remote(server.url, "acme/web", credentials=("robot", "s3cret"))
    pushed = web.push(image("one"), "v1")
    path = tmp_path / "config.json"
    path.write_text(
        json.dumps({"auths": {server.host: {"username": "robot", "password": "s3cret"}}})
    )
    credentials = RegistryCredentials(server.host, [ConfigFile.read(path)])

    with opened(server.host, credentials) as oci:
        listing = oci.listing(Repository(web.name))
        oci.check_deletion(Repository(web.name))
        deletion = delete_alone(oci, Repository(web.name), listing.versions[0])

    assert [version.digest for version in listing.versions] == [pushed.digest]
    assert deletion.result is DeletionResult.DELETED


@pytest.mark.parametrize("password", ["", "wrong"])
def test_who_is_not_let_in_is_told_what_to_do(servers: Servers, password: str) -> None:
    server = servers.registry(users=USERS)
    web = Repository(f"{server.host}/acme/web")
    credential = Credential("robot", password, source="a test") if password else Credential()

    with opened(server.host, lambda _: credential) as oci:
        with pytest.raises(AccessError, match="GET http://127.0.0.1:.*/tags/list.* answered 401"):
            oci.listing(web)
        with pytest.raises(AccessError, match="the registry denies `delete`"):
            oci.check_deletion(web)
        with pytest.raises(AccessError, match="does not list its repositories") as raised:
            oci.repositories(RepositoryGlob(f"{server.host}/**"))

    assert credential.source in str(raised.value)
    assert "wrong" not in str(raised.value)
