"""A tag is attached only where nobody has it, with the bytes that the registry sent."""

import httpx
import pytest

from reconciler.errors import AccessError
from reconciler.model.inventory import Version
from reconciler.model.names import Digest, Tag
from reconciler.transport.tokens import scope_of
from tests.support.oci import ABSENT, API, CREDENTIAL, WEB, document, error, known, registry
from tests.support.scripted_server import Site

IMAGE = document("v1")
VERSION = Version(Digest(IMAGE.digest))
TAG = Tag("v1")
TAGGED = f"{API}/manifests/{TAG}"
DONE = httpx.Response(201)


def serving(**pages: httpx.Response) -> Site:
    """Serve an image that has no tag; a push of the tag is answered as given."""
    push = pages.get("push", DONE)
    return Site(
        {
            f"GET {TAGGED}": ABSENT,
            f"HEAD {TAGGED}": ABSENT,
            f"PUT {TAGGED}": push,
            f"{API}/manifests/{IMAGE.digest}": known(IMAGE),
        }
    )


def test_the_bytes_of_the_manifest_are_pushed_under_the_tag_with_their_type() -> None:
    server = serving()

    holder = registry(server).tag(WEB, VERSION, TAG)

    pushed = server.requests[-1]
    assert holder == IMAGE.digest
    assert pushed.method == "PUT"
    assert pushed.content == IMAGE.content
    assert pushed.headers["content-type"] == IMAGE.media_type


def test_whoever_may_not_push_is_told_with_which_credential() -> None:
    server = serving(push=error(403, "DENIED", "no"))

    with pytest.raises(
        AccessError, match="the registry denies `push`.*registry.example of config.json"
    ):
        registry(server, credentials=lambda _: CREDENTIAL).tag(WEB, VERSION, TAG)


def test_a_push_asks_the_token_server_for_the_right_to_push() -> None:
    request = httpx.Request("PUT", f"https://registry.example{TAGGED}")

    assert scope_of(request) == "repository:acme/web:pull,push"
