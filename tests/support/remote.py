"""One repository of a live registry, spoken to in plain HTTP, byte for byte as we say it."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Self

import httpx

from tests.support.documents import (
    DOCKER_LIST,
    DOCKER_MANIFEST,
    INDEX,
    MANIFEST,
    Document,
    digest_of,
)

_ACCEPT = f"{INDEX}, {MANIFEST}, {DOCKER_LIST}, {DOCKER_MANIFEST}"


class Remote:
    """One repository: what is pushed, listed and deleted here is what the server did."""

    def __init__(self, http: httpx.Client, path: str) -> None:
        """Keep the client; use `remote` to open one."""
        self._http = http
        self.path = path

    @property
    def host(self) -> str:
        """The registry's host and port."""
        return self._http.base_url.netloc.decode()

    @property
    def name(self) -> str:
        """The repository as people and policies write it: `host/path`."""
        return f"{self.host}/{self.path}"

    def sibling(self, path: str) -> Self:
        """Speak of another repository of the same registry."""
        return type(self)(self._http, path)

    def push(self, document: Document, *tags: str) -> Document:
        """Push a document after all that it needs; without tags it stays untagged."""
        for child in document.children:
            self.push(child)
        for blob in document.blobs:
            self._push_blob(blob)
        for reference in tags or (document.digest,):
            self._http.put(
                self._manifest(reference),
                content=document.content,
                headers={"Content-Type": document.media_type},
            ).raise_for_status()
        return document

    def tags(self) -> list[str]:
        """List the tags, sorted; none when the repository was never tagged."""
        reply = self._http.get(f"/v2/{self.path}/tags/list")
        if reply.status_code == httpx.codes.NOT_FOUND:
            return []
        return sorted(reply.raise_for_status().json()["tags"] or [])

    def holds(self, reference: str | Document) -> bool:
        """Ask whether a tag, a digest or a document is there."""
        reply = self._http.head(self._manifest(reference), headers={"Accept": _ACCEPT})
        if reply.status_code == httpx.codes.NOT_FOUND:
            return False
        return reply.raise_for_status().is_success

    def digest(self, tag: str) -> str:
        """Ask which digest a tag points to."""
        reply = self._http.get(self._manifest(tag), headers={"Accept": _ACCEPT})
        return digest_of(reply.raise_for_status().content)

    def delete(self, reference: str | Document) -> int:
        """Ask for a deletion and return the status, whatever it is."""
        return self._http.delete(self._manifest(reference)).status_code

    def _manifest(self, reference: str | Document) -> str:
        known = reference.digest if isinstance(reference, Document) else reference
        return f"/v2/{self.path}/manifests/{known}"

    def _push_blob(self, content: bytes) -> None:
        """Upload one blob in a single request, unless it is there already."""
        digest = digest_of(content)
        if self._http.head(f"/v2/{self.path}/blobs/{digest}").is_success:
            return
        opened = self._http.post(f"/v2/{self.path}/blobs/uploads/").raise_for_status()
        target = httpx.URL(opened.headers["Location"]).copy_merge_params({"digest": digest})
        self._http.put(target, content=content).raise_for_status()


@contextmanager
def remote(url: str, path: str, *, credentials: tuple[str, str] | None = None) -> Iterator[Remote]:
    """Open a repository of the registry at `url`, as the user of `credentials` if given."""
    with httpx.Client(base_url=url, auth=credentials, trust_env=False) as http:
        yield Remote(http, path)
