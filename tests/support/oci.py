"""Answers of an OCI registry, and a reader of it, without a network."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import httpx

from reconciler.connect import open_registry
from reconciler.model.inventory import Version
from reconciler.model.names import Digest, Repository
from reconciler.model.ports import Deletion
from reconciler.providers.oci.reader import OciReader
from reconciler.providers.oci.registry import OciRegistry
from reconciler.transport.cache import ManifestCache
from reconciler.transport.credentials import Credential, Credentials, anonymous
from tests.support.documents import Document, digest_of, image
from tests.support.scripted_server import Answer, Site, client_of
from tests.support.time import VirtualTime

WEB = Repository("registry.example/acme/web")
API = "/v2/acme/web"
TAGS = f"{API}/tags/list"
CREDENTIAL = Credential("robot", "s3cret", source="the entry registry.example of config.json")

Handler = Callable[[httpx.Request], httpx.Response]


def delete_alone(registry: OciRegistry, repository: Repository, version: Version) -> Deletion:
    """Send one DELETE, as a wave of its own."""
    ((_, deletion),) = registry.delete_together(repository, [version], lambda: True)
    return deletion


def document(name: str) -> Document:
    """Build an image by its name."""
    return image(name)


def known(content: Document, *, header: bool = True) -> httpx.Response:
    """Answer with a manifest; its digest may go without saying."""
    headers = {"content-type": content.media_type}
    if header:
        headers["docker-content-digest"] = content.digest
    return httpx.Response(200, headers=headers, content=content.content)


def error(status: int, code: str, message: str = "") -> httpx.Response:
    """Answer with an error in the registry's own format."""
    return httpx.Response(status, json={"errors": [{"code": code, "message": message}]})


def names(*listed: str, member: str = "tags", link: str = "") -> httpx.Response:
    """Answer with a page of a list."""
    return httpx.Response(200, json={member: listed}, headers={"link": link} if link else {})


ABSENT = error(404, "MANIFEST_UNKNOWN", "manifest unknown")


def site(tags: dict[str, Document], **pages: Answer) -> Site:
    """Serve a repository of tagged images."""
    served: dict[str, Answer] = {TAGS: names(*tags)}
    for tag, content in tags.items():
        served[f"{API}/manifests/{tag}"] = known(content)
        served[f"{API}/manifests/{content.digest}"] = known(content)
    return Site(served | pages)


def reader(
    handler: Handler, *, credentials: Credentials = anonymous, cache: Path | None = None
) -> OciReader:
    """Read what a function serves."""
    return OciReader(client_of(handler), ManifestCache(cache), credentials)


def registry(handler: Handler, *, credentials: Credentials = anonymous) -> OciRegistry:
    """Read and change what a function serves."""
    return OciRegistry(client_of(handler), ManifestCache(None), credentials)


def digests(*documents: Document) -> Sequence[Digest]:
    """Return the digests of some documents."""
    return [Digest(document.digest) for document in documents]


NOBODY = Digest(digest_of(b"nobody has this"))


@contextmanager
def opened(host: str, credentials: Credentials = anonymous) -> Iterator[OciRegistry]:
    """Open a registry on loopback; waiting costs no time."""
    client = open_registry(host, VirtualTime().watch(), plain_http=True, credentials=credentials)
    yield OciRegistry(client, ManifestCache(None), credentials)
    client.close()
