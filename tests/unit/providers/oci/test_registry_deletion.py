"""Deleting in a plain registry: what each answer means, and that it is asked once."""

import httpx
import pytest

from reconciler.errors import (
    AccessError,
    DeletionDisabledError,
    ProtocolError,
    ReconcilerError,
    UnreachableError,
)
from reconciler.model.inventory import Version
from reconciler.model.names import Tag
from reconciler.model.ports import Deletion, DeletionResult
from reconciler.providers.oci.registry import PROBE, OciRegistry
from reconciler.transport.cache import ManifestCache
from tests.support.oci import (
    ABSENT,
    API,
    CREDENTIAL,
    WEB,
    delete_alone,
    digests,
    document,
    error,
    reader,
    registry,
)
from tests.support.scripted_server import Answer, Answers, Site, client_of
from tests.support.time import VirtualTime

(DIGEST,) = digests(document("one"))
VERSION = Version(DIGEST, (Tag("v1"),))


@pytest.mark.parametrize(
    ("answer", "result", "message"),
    [
        (httpx.Response(202), DeletionResult.DELETED, ""),
        (httpx.Response(200, text="done"), DeletionResult.DELETED, ""),
        (httpx.Response(204), DeletionResult.DELETED, ""),
        (ABSENT, DeletionResult.ABSENT, "MANIFEST_UNKNOWN: manifest unknown"),
        (error(404, "NAME_UNKNOWN"), DeletionResult.ABSENT, "NAME_UNKNOWN"),
        (httpx.Response(404, text="<html>"), DeletionResult.FAILED, "<html>"),
        (error(405, "DENIED", "in use"), DeletionResult.RETAINED, "DENIED: in use"),
        (error(409, "MANIFEST_INVALID"), DeletionResult.RETAINED, "MANIFEST_INVALID"),
        (httpx.Response(412, text="immutable"), DeletionResult.RETAINED, "immutable"),
        (httpx.Response(429, text="slow down"), DeletionResult.REFUSED, "slow down"),
        (httpx.Response(500), DeletionResult.LOST, ""),
        (httpx.Response(504, text="\x1b[31mgateway"), DeletionResult.LOST, "\\x1b[31mgateway"),
        (error(400, "DIGEST_INVALID"), DeletionResult.FAILED, "DIGEST_INVALID"),
        (httpx.Response(307), DeletionResult.FAILED, ""),
        (httpx.Response(418, text="x" * 1000), DeletionResult.FAILED, "x" * 300),
    ],
)
def test_each_answer_has_its_meaning(
    answer: httpx.Response, result: DeletionResult, message: str
) -> None:
    server = Answers([answer])

    deletion = delete_alone(registry(server), WEB, VERSION)

    assert deletion == Deletion(result, status=answer.status_code, message=message)
    assert server.asked == [f"DELETE https://registry.example{API}/manifests/{DIGEST}"]


@pytest.mark.parametrize(
    "failure",
    [
        httpx.ReadTimeout("slow"),
        httpx.RemoteProtocolError("server disconnected without sending a response"),
    ],
)
def test_an_answer_that_never_came_is_lost_and_the_question_is_not_repeated(
    failure: Exception,
) -> None:
    server = Answers([failure])

    deletion = delete_alone(registry(server), WEB, VERSION)

    assert deletion.result is DeletionResult.LOST
    assert f"DELETE https://registry.example{API}/manifests/{DIGEST}" in deletion.message
    assert len(server.requests) == 1


def test_a_deletion_without_a_connection_was_certainly_not_carried_out() -> None:
    deletion = delete_alone(registry(Answers([httpx.ConnectError("refused")])), WEB, VERSION)

    assert deletion.result is DeletionResult.REFUSED


def test_after_a_429_the_next_deletion_waits_as_long_as_was_asked_or_twice_as_long() -> None:
    time = VirtualTime()
    asked = httpx.Response(429, headers={"retry-after": "30"})
    server = Answers([asked, httpx.Response(429), httpx.Response(429), httpx.Response(202)])
    oci = OciRegistry(client_of(server, time=time), ManifestCache(None))
    waited: list[float] = []

    while delete_alone(oci, WEB, VERSION).result is DeletionResult.REFUSED:
        before = time.seconds
        oci.pace(WEB, 1)
        waited.append(time.seconds - before)

    assert waited == [30, 2, 4]
    assert len(server.requests) == 4


@pytest.mark.parametrize("status", [401, 403])
def test_a_right_that_is_missing_stops_everything(status: int) -> None:
    server = Answers([error(status, "DENIED", "no")])

    with pytest.raises(AccessError, match="the registry denies `delete`") as raised:
        delete_alone(registry(server, credentials=lambda _: CREDENTIAL), WEB, VERSION)

    assert CREDENTIAL.source in str(raised.value)


@pytest.mark.parametrize(
    "answer",
    [
        error(405, "UNSUPPORTED", "The operation is unsupported."),
        httpx.Response(405, text="Method not allowed"),
        error(400, "UNSUPPORTED"),
    ],
)
def test_a_registry_that_never_deletes_is_told_from_a_missing_right(answer: httpx.Response) -> None:
    with pytest.raises(DeletionDisabledError, match="registry does not allow deletion") as deleting:
        delete_alone(registry(Answers([answer])), WEB, VERSION)
    with pytest.raises(DeletionDisabledError, match="registry does not allow deletion"):
        registry(Answers([answer])).check_deletion(WEB)

    assert "REGISTRY_STORAGE_DELETE_ENABLED=true" in deleting.value.hint


def test_the_id_that_the_registry_gave_the_call_is_kept() -> None:
    answer = httpx.Response(202, headers={"x-request-id": "abc-7"})

    deletion = delete_alone(registry(Answers([answer])), WEB, VERSION)

    assert deletion.request_id == "abc-7"


@pytest.mark.parametrize("answer", [ABSENT, error(404, "BLOB_UNKNOWN"), httpx.Response(202)])
def test_deletion_is_possible_where_deleting_nothing_is(answer: httpx.Response) -> None:
    server = Answers([answer])

    registry(server).check_deletion(WEB)

    assert server.asked == [f"DELETE https://registry.example{API}/manifests/{PROBE}"]


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (error(401, "UNAUTHORIZED"), AccessError),
        (error(403, "DENIED"), AccessError),
        (httpx.Response(404, text="404 page not found"), ProtocolError),
        (error(400, "DIGEST_INVALID"), ProtocolError),
        (httpx.Response(429), UnreachableError),
        (httpx.Response(503), UnreachableError),
        (httpx.ReadTimeout("slow"), UnreachableError),
    ],
)
def test_deletion_is_not_possible_where_deleting_nothing_is_refused(
    answer: Answer, kind: type[ReconcilerError]
) -> None:
    with pytest.raises(kind):
        registry(Answers([answer])).check_deletion(WEB)


def test_what_reads_never_sends_a_deletion() -> None:
    server = Answers([httpx.Response(500)])

    reader(server).check_deletion(WEB)

    assert server.requests == []


def test_nothing_is_brought_back_and_nothing_is_waited_for() -> None:
    server = Answers([httpx.Response(500)])
    oci = registry(server)

    oci.pace(WEB, 1000)

    assert not oci.restore(WEB, VERSION).done
    assert oci.deleted(WEB) == ()
    assert server.requests == []


MANY = [Version(digest, ()) for digest in digests(*map(document, ("one", "two", "three")))]


def test_what_was_deleted_beside_one_that_is_denied_is_answered_first() -> None:
    denied = f"DELETE {API}/manifests/{MANY[1].digest}"
    deleted = {f"DELETE {API}/manifests/{v.digest}": httpx.Response(202) for v in MANY}
    oci = registry(Site({**deleted, denied: error(403, "DENIED", "no")}))
    answers: list[Version] = []

    with pytest.raises(AccessError):
        answers.extend(version for version, _ in oci.delete_together(WEB, MANY, lambda: True))

    assert answers == [MANY[0], MANY[2]]


def test_what_may_not_be_sent_any_more_is_not() -> None:
    server = Answers([httpx.Response(202)])
    room = [False, True]

    answers = [*registry(server).delete_together(WEB, MANY, lambda: bool(room and room.pop()))]

    assert len(answers) == len(server.requests) == 1


def test_refusals_that_were_sent_together_double_the_wait_once() -> None:
    time = VirtualTime()
    oci = OciRegistry(client_of(Answers([httpx.Response(429)]), time=time), ManifestCache(None))
    waited: list[float] = []

    for _ in range(3):
        assert len([*oci.delete_together(WEB, MANY, lambda: True)]) == 3
        before = time.seconds
        oci.pace(WEB, 3)
        waited.append(time.seconds - before)

    assert waited == [1, 2, 4]
