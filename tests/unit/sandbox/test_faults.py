"""Faults: an answer that is wrong, late, cut or lost, and others who act in between."""

import asyncio
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import httpx
import pytest
from pydantic import ValidationError

from reconciler.sandbox.faults import (
    Answer,
    Delete,
    Download,
    ExpireTokens,
    Fault,
    Push,
    Retag,
    Revoke,
)
from reconciler.sandbox.world import RecordedCall
from tests.support.oracle import whole
from tests.unit.sandbox.conftest import Client, Serve

VERSIONS = "/orgs/acme/packages/container/web/versions"


def delete_main(client: Client) -> int:
    """Delete the version tagged `main` and return the status."""
    version = client.sandbox.package("acme/web").tags["main"]
    return int(client.call("DELETE", f"{VERSIONS}/{version.id}").status_code)


def test_a_chosen_answer_replaces_the_true_one_for_the_chosen_calls(serve: Serve) -> None:
    client = serve()
    answer = Answer(status=502, body="bad gateway", headers={"retry-after": "7"})
    client.sandbox.add_faults(
        Fault(method="GET", path=r"/versions\?", nth=2, times=2, answer=answer)
    )

    replies = [client.call("GET", f"{VERSIONS}?page=1") for _ in range(4)]

    assert [reply.status_code for reply in replies] == [200, 502, 502, 200]
    assert replies[1].text == "bad gateway"
    assert replies[1].headers["retry-after"] == "7"


def test_a_dropped_call_does_nothing(serve: Serve) -> None:
    client = serve()
    client.sandbox.add_faults(Fault(method="DELETE", cut="drop"))

    with pytest.raises(httpx.TransportError):
        delete_main(client)

    assert "main" in client.sandbox.package("acme/web").tags
    assert delete_main(client) == 204


def test_a_lost_answer_comes_after_the_work_is_done(serve: Serve) -> None:
    client = serve()
    client.sandbox.add_faults(Fault(method="DELETE", cut="lost"))

    with pytest.raises(httpx.TransportError):
        delete_main(client)

    assert "main" not in client.sandbox.package("acme/web").tags
    assert client.sandbox.requests[-1].status == 0


def test_a_failure_may_be_reported_although_the_work_is_done(serve: Serve) -> None:
    client = serve()
    client.sandbox.add_faults(Fault(method="DELETE", cut="lost", answer=Answer(status=500)))
    version = client.sandbox.package("acme/web").tags["main"]

    statuses = [client.call("DELETE", f"{VERSIONS}/{version.id}").status_code for _ in range(2)]

    assert statuses == [500, 404]


def test_a_truncated_body_is_shorter_than_it_promises(serve: Serve) -> None:
    client = serve()
    client.sandbox.add_faults(Fault(path="/versions", cut="truncate"))

    with pytest.raises(httpx.RemoteProtocolError, match="without sending complete message body"):
        client.call("GET", VERSIONS)

    assert client.call("GET", VERSIONS).status_code == 200


def test_a_hanging_call_waits_until_the_client_gives_up(serve: Serve) -> None:
    client = serve()
    client.sandbox.add_faults(Fault(cut="hang"))

    with pytest.raises(httpx.ReadTimeout):
        client.call("GET", VERSIONS, timeout=0.05)


def test_somebody_pushes_first(serve: Serve) -> None:
    client = serve()
    package = client.sandbox.package("acme/web")
    former = package.tags["main"]
    push = Push(package="acme/web", tags=("main",), lists=("old", "sha-0"))
    client.sandbox.add_faults(Fault(method="DELETE", before=(push,)))

    status = client.call("DELETE", f"{VERSIONS}/{former.id}").status_code

    assert status == 204
    assert package.tags["main"] is not former
    assert whole(package, "main")
    assert former.digest not in [version.digest for version in package.live]


def test_somebody_moves_and_deletes_between_two_pages(serve: Serve) -> None:
    client = serve()
    package = client.sandbox.package("acme/web")
    push = Push(package="acme/web", tags=("new",))
    delete = Delete(package="acme/web", reference="sha-0")
    client.sandbox.add_faults(Fault(path="page=1", after=(push, delete)))

    first = client.call("GET", f"{VERSIONS}?per_page=4&page=1").json()
    second = client.call("GET", f"{VERSIONS}?per_page=4&page=2").json()

    assert first[-1]["id"] == second[0]["id"]
    assert "sha-0" not in package.tags
    assert len(package.live) == 11


def test_named_operations_change_what_they_name(serve: Serve) -> None:
    client = serve()
    package = client.sandbox.package("acme/web")
    old = package.tags["old"]

    client.sandbox.perform(
        Retag(package="acme/web", tag="main", to="old"),
        Download(package="acme/web", reference=old.digest, count=6000),
        Push(package="acme/web", subject="old"),
    )

    assert old.tags == ("old", "main")
    assert old.downloads == 6000
    newest = client.call("GET", VERSIONS).json()[0]
    assert newest["metadata"]["container"]["tags"] == []
    pushed = package.find(newest["name"])
    assert pushed is not None
    assert old.digest.encode() in (pushed.body or b"")


def test_somebody_pushes_bytes_of_their_own_to_a_package_that_was_not_there(serve: Serve) -> None:
    client = serve()

    client.sandbox.perform(Push(package="octocat/new", tags=("1",), body='{"fsLayers":[]}'))

    assert client.sandbox.package("octocat/new").tags["1"].body == b'{"fsLayers":[]}'


def test_an_operation_on_what_is_not_there_says_so(serve: Serve) -> None:
    client = serve()

    with pytest.raises(LookupError, match="acme/web has no version nothing"):
        client.sandbox.perform(Delete(package="acme/web", reference="nothing"))


def test_tokens_expire_and_accounts_are_revoked_in_the_middle_of_a_run(serve: Serve) -> None:
    client = serve()
    token = client.registry_token("repository:acme/web:pull")
    headers = {"authorization": f"Bearer {token}"}
    expire = Fault(path="/manifests/", nth=2, before=(ExpireTokens(),))
    client.sandbox.add_faults(
        expire, Fault(path="/versions", nth=2, before=(Revoke(login="octocat"),))
    )

    manifests = [client.http.get("/v2/acme/web/manifests/main", headers=headers) for _ in range(2)]
    listings = [client.call("GET", VERSIONS) for _ in range(3)]

    assert [reply.status_code for reply in manifests] == [200, 401]
    assert [reply.status_code for reply in listings] == [200, 200, 401]


def test_faults_can_be_lifted(serve: Serve) -> None:
    client = serve()
    client.sandbox.add_faults(Fault(times=None, answer=Answer(status=500)))

    failing = client.call("GET", VERSIONS).status_code
    client.sandbox.clear_faults()

    assert failing == 500
    assert client.call("GET", VERSIONS).status_code == 200


def test_a_fault_that_is_no_expression_is_refused() -> None:
    with pytest.raises(ValidationError, match="is not a regular expression"):
        Fault(path="(")


def test_slow_answers_are_slow_side_by_side(serve: Serve) -> None:
    client = serve(latency=0.1)
    started = time.monotonic()

    with ThreadPoolExecutor(20) as pool:
        statuses = list(pool.map(lambda _: client.call("GET", VERSIONS).status_code, range(20)))

    assert statuses == [200] * 20
    assert 0.1 <= time.monotonic() - started < 1.0  # one after the other would take 2 s


def test_more_calls_at_once_than_allowed_are_refused(serve: Serve) -> None:
    client = serve(limits={"concurrent": 3})
    client.sandbox.add_faults(Fault(times=None, delay=0.2))

    async def calls() -> list[int]:
        headers = {"authorization": "Bearer ghp_sandbox"}
        async with httpx.AsyncClient(base_url=client.sandbox.url, headers=headers) as http:
            replies = await asyncio.gather(*(http.get(VERSIONS) for _ in range(5)))
        return sorted(reply.status_code for reply in replies)

    assert asyncio.run(calls()) == [200, 200, 200, 403, 403]


def test_the_date_of_answers_may_be_off(serve: Serve) -> None:
    client = serve(date_skew=timedelta(minutes=-5))

    assert client.call("GET", VERSIONS).headers["date"] == "Tue, 01 Sep 2026 11:55:00 GMT"


def test_calls_are_remembered_without_their_credentials(serve: Serve) -> None:
    client = serve()

    client.call("GET", f"{VERSIONS}?page=1")
    client.call("GET", "/orgs/acme/packages/container/a%2Fb", "")

    assert client.sandbox.requests == [
        RecordedCall("GET", f"{VERSIONS}?page=1", 200, credential=True),
        RecordedCall("GET", "/orgs/acme/packages/container/a%2Fb", 401, credential=False),
    ]
