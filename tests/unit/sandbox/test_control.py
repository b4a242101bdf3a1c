"""The sandbox's own endpoints, for clients in another process."""

from reconciler.model.snapshot import Snapshot
from reconciler.sandbox.snapshots import packages_of
from tests.unit.sandbox.conftest import Serve

VERSIONS = "/orgs/acme/packages/container/web/versions"


def test_faults_are_put_in_force_and_lifted_over_http(serve: Serve) -> None:
    client = serve()
    fault = {
        "method": "GET",
        "path": "/versions",
        "times": None,
        "before": [{"do": "delete", "package": "acme/web", "reference": "old"}],
        "answer": {"status": 500, "body": "Server Error"},
    }

    client.http.post("/_sandbox/faults", json=[fault])
    failing = client.call("GET", VERSIONS)
    client.http.delete("/_sandbox/faults")

    assert (failing.status_code, failing.text) == (500, "Server Error")
    assert len(client.call("GET", VERSIONS).json()) == 10


def test_the_clock_moves_over_http(serve: Serve) -> None:
    client = serve()

    client.http.post("/_sandbox/advance", json={"by": 90})

    assert client.call("GET", "/user").headers["date"] == "Tue, 01 Sep 2026 12:01:30 GMT"


def test_operations_are_performed_over_http(serve: Serve) -> None:
    client = serve()
    retag = {"do": "retag", "package": "acme/web", "tag": "main", "to": "old"}

    done = client.http.post("/_sandbox/operations", json=[retag])
    mistaken = client.http.post("/_sandbox/operations", json=[retag | {"to": "nothing"}])
    unknown = client.http.post("/_sandbox/operations", json=[{"do": "dance"}])

    assert done.status_code == 200
    assert client.sandbox.package("acme/web").tags["old"].tags == ("old", "main")
    assert mistaken.status_code == 422
    assert "acme/web has no version nothing" in mistaken.json()["message"]
    assert unknown.status_code == 422


def test_the_record_of_calls_leaves_out_the_sandbox_s_own(serve: Serve) -> None:
    client = serve()
    client.call("GET", VERSIONS)

    seen = client.http.get("/_sandbox/requests").json()
    client.http.delete("/_sandbox/requests")

    assert seen == [{"method": "GET", "target": VERSIONS, "status": 200, "credential": True}]
    assert client.http.get("/_sandbox/requests").json() == []


def test_the_state_shows_tags_and_what_is_deleted(serve: Serve) -> None:
    client = serve()
    version = client.sandbox.package("acme/web").tags["old"]
    client.call("DELETE", f"{VERSIONS}/{version.id}")

    package = client.http.get("/_sandbox/state").json()["packages"][0]

    assert package["path"] == "acme/web"
    assert set(package["tags"]) == {"main", "sha-0", "sha-1"}
    deleted = [version for version in package["versions"] if version["deleted"]]
    assert [(version["digest"], version["tags"]) for version in deleted] == [
        (version.digest, ["old"])
    ]


def test_a_snapshot_of_a_sandbox_can_be_served_again(serve: Serve) -> None:
    first = serve()
    version = first.sandbox.package("acme/web").tags["old"]
    first.call("DELETE", f"{VERSIONS}/{version.id}")

    text = first.http.get("/_sandbox/snapshot").text
    second = serve(*packages_of(Snapshot.model_validate_json(text)))

    assert second.sandbox.state() == first.sandbox.state()
    restored = second.call("POST", f"{VERSIONS}/{version.id}/restore")
    assert restored.status_code == 204
    assert second.sandbox.package("acme/web").tags["old"].body == version.body


def test_an_unknown_endpoint_is_not_found(serve: Serve) -> None:
    client = serve()

    assert client.http.get("/_sandbox/nothing").status_code == 404
