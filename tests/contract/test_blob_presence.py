"""Whether blobs are there, and what reading would cost: asked of GitHub's kind over real HTTP."""

from pathlib import Path

from reconciler.model.names import Digest, Repository
from reconciler.sandbox.artifacts import image
from reconciler.sandbox.package import StoredPackage
from reconciler.sandbox.server import Sandbox
from reconciler.sandbox.settings import UNLIMITED, SandboxSettings
from tests.support.documents import digest_of
from tests.support.ghcr import ghcr_at
from tests.support.time import NOON

NOBODY = Digest(digest_of(b"nobody has this"))


def test_a_layer_that_is_gone_is_told_from_those_that_are_there() -> None:
    package, pushed = StoredPackage.of("acme/web", NOON), image("one", layers=3)
    package.push(pushed, "v1", at=NOON)
    lost, *others = (Digest(blob.digest) for blob in pushed.blobs)
    del package.blobs[lost]

    with Sandbox(SandboxSettings(limits=UNLIMITED), [package]).serve() as served:
        client = ghcr_at(served.url)
        web = Repository(f"{served.host}/acme/web")
        present = client.documents.blobs_present(web, [*others, lost, NOBODY])
        client.close()

    assert present == {**dict.fromkeys(others, True), lost: False, NOBODY: False}


def test_what_was_read_once_costs_no_request_again(tmp_path: Path) -> None:
    package, pushed = StoredPackage.of("acme/web", NOON), image("one")
    package.push(pushed, "v1", at=NOON)
    digests = [Digest(pushed.digest), NOBODY, NOBODY]

    with Sandbox(SandboxSettings(limits=UNLIMITED), [package]).serve() as served:
        client = ghcr_at(served.url, cache=tmp_path / "cache")
        before = client.documents.unread(digests)
        asked = len(served.requests)
        client.documents.manifests(Repository(f"{served.host}/acme/web"), digests[:1])
        after = client.documents.unread(digests)
        client.close()

    assert (before, after, asked) == ([digests[0], NOBODY], [NOBODY], 0)
