"""A blob is there, or the registry says that it is not; anything else is no answer."""

import httpx
import pytest

from reconciler.errors import AccessError, ProtocolError
from reconciler.model.names import Digest
from tests.support.documents import digest_of
from tests.support.oci import API, WEB, error, reader
from tests.support.scripted_server import Site

BLOB = Digest(digest_of(b"a layer"))
PATH = f"{API}/blobs/{BLOB}"


def test_a_blob_that_answers_head_is_there_and_not_read() -> None:
    server = Site({f"HEAD {PATH}": httpx.Response(200)})

    assert reader(server).documents.blobs_present(WEB, [BLOB, BLOB]) == {BLOB: True}
    assert server.asked() == [f"HEAD {PATH}"]


@pytest.mark.parametrize("status", [403, 404, 405])
def test_a_storage_that_answers_get_alone_is_asked_for_one_byte(status: int) -> None:
    server = Site({f"HEAD {PATH}": httpx.Response(status), f"GET {PATH}": httpx.Response(206)})

    assert reader(server).documents.blobs_present(WEB, [BLOB]) == {BLOB: True}
    assert [request.headers.get("range") for request in server.requests] == [None, "bytes=0-0"]


def test_a_blob_is_gone_when_the_registry_says_so() -> None:
    server = Site({PATH: error(404, "BLOB_UNKNOWN", "blob unknown to registry")})

    assert reader(server).documents.blobs_present(WEB, [BLOB]) == {BLOB: False}


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (httpx.Response(404, text="404 page not found"), ProtocolError),
        (httpx.Response(400), ProtocolError),
        (error(403, "DENIED"), AccessError),
    ],
)
def test_an_answer_that_says_neither_is_no_evidence(
    answer: httpx.Response, expected: type[Exception]
) -> None:
    server = Site({PATH: answer})

    with pytest.raises(expected):
        reader(server).documents.blobs_present(WEB, [BLOB])
