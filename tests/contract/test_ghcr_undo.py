"""Taking a deletion back at GitHub, against the sandbox: versions return, tags are attached."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import timedelta
from typing import Any

import pytest

from reconciler.errors import AccessError, EvidenceError
from reconciler.model.inventory import Version
from reconciler.model.names import Digest, Repository, Tag
from reconciler.providers.ghcr.registry import GhcrRegistry
from reconciler.sandbox.accounts import Account
from reconciler.sandbox.artifacts import image
from reconciler.sandbox.faults import Answer, Fault
from reconciler.sandbox.package import StoredPackage
from reconciler.sandbox.server import Sandbox
from reconciler.sandbox.settings import SandboxSettings
from tests.support.ghcr import CLASSIC, ghcr_at
from tests.support.time import NOON, VirtualTime

V1 = Tag("v1")

Serve = Callable[..., "Served"]


class Served:
    """A package of two images, `v1` and `v2`, and clients of it."""

    def __init__(self, running: ExitStack, **settings: Any) -> None:
        """Serve it until the stack is closed."""
        self.time = VirtualTime()
        self.package = StoredPackage.of("acme/web", NOON)
        for tag in ("v1", "v2"):
            self.package.push(image(tag), tag, at=NOON)
        chosen = SandboxSettings(**{"now": lambda: self.time.now, **settings})
        self.sandbox = running.enter_context(Sandbox(chosen, [self.package]).serve())
        self.repository = Repository(f"{self.sandbox.host}/acme/web")
        self._running = running

    def client(self, token: str = CLASSIC) -> GhcrRegistry:
        """Open a client with a token."""
        client = ghcr_at(self.sandbox.url, token, time=self.time)
        self._running.callback(client.close)
        return client

    def version(self, tag: str) -> Version:
        """Name the version behind a tag."""
        version = self.package.tags[tag]
        return Version(Digest(version.digest), id=str(version.id))

    def pushes(self) -> int:
        """Count the manifests that were pushed."""
        return sum(seen.method == "PUT" for seen in self.sandbox.requests)


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Serve packages until the end of the test."""
    with ExitStack() as stack:
        yield lambda **settings: Served(stack, **settings)


def test_github_says_how_long_a_deletion_can_be_taken_back(serve: Serve) -> None:
    assert serve().client().capabilities.undo_for == timedelta(days=30)


def test_what_github_would_not_restore_is_told_in_its_words(serve: Serve) -> None:
    served = serve()
    client, version = served.client(), served.version("v1")
    client.delete(served.repository, version)
    served.time.pass_by(31 * 24 * 3600)

    answer = client.restore(served.repository, version)

    assert (answer.done, answer.status) == (False, 404)
    assert answer.message == "Package version not found."


def test_a_free_tag_is_attached_with_the_very_bytes_of_the_manifest(serve: Serve) -> None:
    served = serve(restore_tags=False)
    client, version = served.client(), served.version("v1")
    client.delete(served.repository, version)
    client.restore(served.repository, version)

    holder = client.tag(served.repository, version, V1)

    found = client.version(served.repository, version)
    assert holder == version.digest
    assert found
    assert found.tags == ("v1",)
    assert len(served.package.live) == 2


def test_a_tag_that_another_version_has_stays_there(serve: Serve) -> None:
    served = serve()
    older, newer = served.version("v1"), served.version("v2")

    holder = served.client().tag(served.repository, older, Tag("v2"))

    assert holder == newer.digest
    assert served.package.tags["v2"].digest == newer.digest
    assert served.pushes() == 0


def test_a_tag_that_the_version_has_already_is_not_pushed_again(serve: Serve) -> None:
    served = serve()
    version = served.version("v1")

    assert served.client().tag(served.repository, version, V1) == version.digest
    assert served.pushes() == 0


def test_a_manifest_that_cannot_be_read_gets_no_tag(serve: Serve) -> None:
    served = serve()
    client, version = served.client(), served.version("v1")
    client.delete(served.repository, version)

    with pytest.raises(EvidenceError, match="its manifest cannot be read"):
        client.tag(served.repository, version, V1)


def test_a_lost_answer_to_a_push_is_unknown_and_not_sent_again(serve: Serve) -> None:
    served = serve()
    version = served.version("v1")
    served.sandbox.add_faults(Fault(method="PUT", cut="lost"))

    with pytest.raises(EvidenceError):
        served.client().tag(served.repository, version, Tag("new"))

    assert served.pushes() == 1


READER = Account.of("ghp_reader", login="r", scopes={"read:packages"})
WORKFLOW = Account.of("ghs_reader", login="bot", roles={"*": "read"})
WORKFLOW_HINT = (
    "Give the job `permissions: packages: write`. Give its repository the role Write on the"
    " package: package settings, Manage Actions access. Check the name, too."
)
REFUSED = {
    "a token without the scope": (READER, "Its owner needs the role write on the package."),
    "a workflow without the role": (WORKFLOW, WORKFLOW_HINT),
}


@pytest.mark.parametrize(("account", "hint"), REFUSED.values(), ids=REFUSED)
def test_who_may_not_push_is_told_what_is_missing(
    serve: Serve, account: Account, hint: str
) -> None:
    served = serve(accounts=(account,))
    client = served.client(account.token.get_secret_value())

    with pytest.raises(AccessError, match="GitHub refuses to attach a tag") as caught:
        client.tag(served.repository, served.version("v1"), Tag("new"))

    assert caught.value.hint == hint
    assert "new" not in served.package.tags


def test_a_push_that_the_registry_refuses_is_an_error_with_its_words(serve: Serve) -> None:
    served = serve()
    refusal = Answer(status=413, body='{"message": "manifest is too large"}')
    served.sandbox.add_faults(Fault(method="PUT", answer=refusal))

    with pytest.raises(EvidenceError, match="413.*manifest is too large"):
        served.client().tag(served.repository, served.version("v1"), Tag("new"))
