"""Documents: fetched once, verified always, and kept whatever goes wrong beside them."""

import hashlib
import json
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest

from reconciler.errors import AccessError, ExhaustedError, ManifestError, UnreachableError
from reconciler.github.client import TokenKind, failure
from reconciler.model.manifest import OCI_MANIFEST, DocumentKind, parse_manifest
from reconciler.model.names import Digest, Repository
from reconciler.providers.documents import DocumentReader, parse_time
from reconciler.providers.ghcr.errors import Need
from reconciler.transport.cache import ManifestCache
from reconciler.transport.client import Client
from tests.support.time import VirtualTime

WEB = Repository("ghcr.io/acme/tools/web")
CONFIG_TYPE = "application/vnd.oci.image.config.v1+json"


def digest_of(body: bytes) -> Digest:
    """Return the address of bytes."""
    return Digest(f"sha256:{hashlib.sha256(body).hexdigest()}")


def manifest_body(seed: str, config: bytes = b"{}", **members: object) -> bytes:
    """Write an image manifest."""
    described = {"mediaType": CONFIG_TYPE, "digest": digest_of(config), "size": len(config)}
    return json.dumps({"config": described, "layers": [], "seed": seed, **members}).encode()


class Registry:
    """Serves bytes under their digest, other bytes or a status where told, and counts."""

    def __init__(self, *bodies: bytes) -> None:
        """Hold these documents."""
        self.bodies = {str(digest_of(body)): body for body in bodies}
        self.statuses: dict[str, int] = {}
        self.paths: list[str] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        """Answer one request."""
        self.paths.append(request.url.path)
        digest = request.url.path.rpartition("/")[2]
        if status := self.statuses.get(digest):
            return httpx.Response(status, text="no")
        if digest not in self.bodies:
            errors = {"errors": [{"code": "MANIFEST_UNKNOWN", "message": "manifest unknown"}]}
            return httpx.Response(404, json=errors)
        headers = {"content-type": OCI_MANIFEST}
        return httpx.Response(200, headers=headers, content=self.bodies[digest])

    def documents(self, cache: Path | None = None) -> DocumentReader:
        """Read this registry."""
        transport = httpx.MockTransport(self)
        client = Client("https://ghcr.example", VirtualTime().watch(), transport=transport)
        return DocumentReader(
            client, ManifestCache(cache), lambda reply: failure(reply, TokenKind.NONE, Need.READ)
        )


def test_a_manifest_comes_from_the_path_of_its_repository() -> None:
    body = manifest_body("one")
    registry = Registry(body)

    found = registry.documents().manifests(WEB, [digest_of(body)])

    manifest = found[digest_of(body)]
    assert manifest
    assert manifest.shape is DocumentKind.IMAGE
    assert registry.paths == [f"/v2/acme/tools/web/manifests/{digest_of(body)}"]


def test_a_manifest_the_registry_lacks_is_none() -> None:
    digest = digest_of(b"never pushed")

    assert Registry().documents().manifests(WEB, [digest]) == {digest: None}


def test_a_document_is_fetched_once_in_its_life(tmp_path: Path) -> None:
    bodies = [manifest_body(str(number)) for number in range(30)]
    registry = Registry(*bodies)
    digests = [digest_of(body) for body in bodies]

    first = registry.documents(tmp_path / "cache").manifests(WEB, [*digests, *digests])
    second = registry.documents(tmp_path / "cache").manifests(WEB, digests)

    assert first == second
    assert len(registry.paths) == 30


def test_an_absent_manifest_is_asked_for_every_time(tmp_path: Path) -> None:
    registry = Registry()
    digest = digest_of(b"pushed later")

    for _ in range(2):
        registry.documents(tmp_path / "cache").manifests(WEB, [digest])

    assert len(registry.paths) == 2


def test_bytes_that_are_not_what_the_digest_promises_are_an_error_and_not_kept(
    tmp_path: Path,
) -> None:
    true, false = manifest_body("true"), manifest_body("false")
    registry = Registry()
    registry.bodies[digest_of(true)] = false

    with pytest.raises(ManifestError):
        registry.documents(tmp_path / "cache").manifests(WEB, [digest_of(true)])

    registry.bodies[digest_of(true)] = true
    assert registry.documents(tmp_path / "cache").manifests(WEB, [digest_of(true)])


def test_what_was_read_before_a_failure_is_not_read_again(tmp_path: Path) -> None:
    bodies = [manifest_body(str(number)) for number in range(40)]
    registry = Registry(*bodies)
    digests = [digest_of(body) for body in bodies]
    registry.statuses[digests[-1]] = 403

    with pytest.raises(AccessError):
        registry.documents(tmp_path / "cache").manifests(WEB, digests)
    registry.paths.clear()
    registry.statuses.clear()
    registry.documents(tmp_path / "cache").manifests(WEB, digests)

    assert len(registry.paths) < 15


@pytest.mark.parametrize(
    ("status", "error"),
    [(401, AccessError), (403, AccessError), (404, AccessError), (429, UnreachableError)],
)
def test_a_registry_that_does_not_give_a_document_is_an_error(
    status: int, error: type[Exception]
) -> None:
    body = manifest_body("one")
    registry = Registry(body)
    registry.statuses[digest_of(body)] = status

    with pytest.raises(error):
        registry.documents().manifests(WEB, [digest_of(body)])


def test_presence_is_asked_for_without_the_cache(tmp_path: Path) -> None:
    here, gone = manifest_body("here"), manifest_body("gone")
    registry = Registry(here, gone)
    documents = registry.documents(tmp_path / "cache")
    documents.manifests(WEB, [digest_of(here), digest_of(gone)])
    del registry.bodies[digest_of(gone)]

    present = documents.present(WEB, [digest_of(here), digest_of(gone)])

    assert present == {digest_of(here): True, digest_of(gone): False}


@pytest.mark.parametrize("status", [401, 403, 500])
def test_presence_that_cannot_be_told_is_an_error(status: int) -> None:
    registry = Registry()
    registry.statuses[digest_of(b"x")] = status

    with pytest.raises((AccessError, UnreachableError)):
        registry.documents().present(WEB, [digest_of(b"x")])


def test_the_time_of_creation_is_the_annotation_else_the_configuration() -> None:
    config = b'{"created": "2025-03-01T10:00:00.123456789Z"}'
    annotated = manifest_body(
        "a", config, annotations={"org.opencontainers.image.created": "2026-01-02T03:04:05+02:00"}
    )
    configured = manifest_body("b", config)
    silent = manifest_body("c", b"{}")
    bodies = [annotated, configured, silent]
    registry = Registry(*bodies, config, b"{}")
    manifests = [parse_manifest(digest_of(body), OCI_MANIFEST, body) for body in bodies]

    told = registry.documents().created(WEB, manifests)

    assert told == {
        digest_of(annotated): datetime(2026, 1, 2, 1, 4, 5, tzinfo=UTC),
        digest_of(configured): datetime(2025, 3, 1, 10, 0, 0, 123456, tzinfo=UTC),
        digest_of(silent): None,
    }


def test_configurations_of_other_artifacts_are_not_read() -> None:
    descriptor = {
        "mediaType": "application/vnd.cncf.helm.config.v1+json",
        "digest": digest_of(b"x"),
    }
    body = json.dumps({"config": descriptor, "layers": []}).encode()
    registry = Registry(body, b"x")

    told = registry.documents().created(WEB, [parse_manifest(digest_of(body), OCI_MANIFEST, body)])

    assert told == {digest_of(body): None}
    assert registry.paths == []


@pytest.mark.parametrize("config", [b"not json", b"[]", b'{"created": null}', b'{"created": 7}'])
def test_a_configuration_that_tells_no_time_leaves_it_unknown(config: bytes) -> None:
    body = manifest_body("one", config)
    manifest = parse_manifest(digest_of(body), OCI_MANIFEST, body)

    told = Registry(body, config).documents().created(WEB, [manifest])

    assert told == {digest_of(body): None}


@pytest.mark.parametrize(
    "text",
    ["", "yesterday", "2026-01-02T03:04:05", "0001-01-01T00:00:00Z", "9999-12-31T23:59:59-23:00"],
)
def test_a_claim_without_a_certain_moment_is_unknown(text: str) -> None:
    assert parse_time(text) is None


def test_documents_that_are_too_large_together_are_given_up_for_their_repository_alone(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    bodies = [manifest_body(str(number), pad="x" * 1_000) for number in range(50)]
    digests = [digest_of(body) for body in bodies]
    documents = Registry(*bodies).documents(tmp_path / "cache")
    documents.manifests(WEB, digests)
    monkeypatch.setattr("reconciler.providers.documents.MAX_DOCUMENT_BYTES", 20_000)

    # What comes from the cache fills the memory as well, and each document counts once.
    again = Registry(*bodies).documents(tmp_path / "cache")
    for _ in range(50):
        again.manifests(WEB, digests[:10])
    with pytest.raises(ExhaustedError, match=f"{WEB}: its documents exceed 20000 bytes in total"):
        again.manifests(WEB, digests)

    assert len(again.manifests(Repository("ghcr.io/acme/api"), digests[:10])) == 10
