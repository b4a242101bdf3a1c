"""The registry: its tokens, its manifests, its uploads, and what it does not support."""

import base64
from datetime import timedelta

import httpx
import pytest

from reconciler.sandbox.accounts import Account
from reconciler.sandbox.artifacts import OCI_INDEX, OCI_MANIFEST, image
from reconciler.sandbox.package import Content
from tests.support.oracle import holes
from tests.unit.sandbox.conftest import CLASSIC, NOW, Client, Serve, small_package

MAIN = "/v2/acme/web/manifests/main"
PULL = "repository:acme/web:pull"
PUSH = "repository:acme/web:pull,push"


def bearer(client: Client, scope: str = PULL, password: str = CLASSIC) -> dict[str, str]:
    """Return the headers of a caller that went through the token endpoint."""
    return {"authorization": f"Bearer {client.registry_token(scope, password)}"}


def code(reply: httpx.Response) -> str:
    """Return the code of a registry's refusal."""
    return str(reply.json()["errors"][0]["code"])


def test_a_call_without_a_token_is_told_where_to_get_one(serve: Serve) -> None:
    client = serve()

    reply = client.http.get(MAIN)

    assert (reply.status_code, code(reply)) == (401, "UNAUTHORIZED")
    assert reply.headers["www-authenticate"] == (
        f'Bearer realm="{client.sandbox.url}/token",service="{client.sandbox.host}",'
        'scope="repository:acme/web:pull"'
    )


def test_a_token_opens_the_repository_it_was_asked_for(serve: Serve) -> None:
    client = serve(small_package(), small_package("other"))
    headers = bearer(client)

    own = client.http.get(MAIN, headers=headers)
    other = client.http.get("/v2/acme/other/manifests/main", headers=headers)

    assert own.status_code == 200
    assert (other.status_code, code(other)) == (403, "DENIED")
    assert client.http.get("/v2/", headers=headers).json() == {}


def test_a_token_says_how_long_it_lives_and_then_is_refused(serve: Serve) -> None:
    client = serve(token_seconds=60)
    headers = bearer(client)
    auth = ("user", CLASSIC)

    life = client.http.get("/token", params={"scope": PULL}, auth=auth).json()["expires_in"]
    client.sandbox.advance(timedelta(seconds=60))
    expired = client.http.get(MAIN, headers=headers)

    assert life == 60
    assert (expired.status_code, code(expired)) == (401, "UNAUTHORIZED")
    assert "www-authenticate" in expired.headers


@pytest.mark.parametrize(
    ("scope", "password", "status"),
    [
        ("repository:acme/open:pull", "", 200),
        ("repository:acme/open:push", "", 403),
        (PULL, "", 403),
        (PULL, "ghp_wrong", 403),
        (PULL, CLASSIC, 200),
        (PULL, "ghp_reader", 200),
        ("repository:acme/web:push", "ghp_reader", 403),
        (PULL, "ghp_stranger", 403),
        (PULL, "github_pat_fine", 403),
    ],
)
def test_a_token_is_issued_for_what_the_caller_may_do(
    serve: Serve, scope: str, password: str, status: int
) -> None:
    accounts = (
        Account.of(CLASSIC),
        Account.of("ghp_reader", roles={"*": "read"}),
        Account.of("ghp_stranger", roles={}),
        Account.of("github_pat_fine"),
    )
    client = serve(small_package(), small_package("open", public=True), accounts=accounts)
    auth = ("user", password) if password else None

    reply = client.http.get("/token", params={"scope": scope}, auth=auth)

    assert reply.status_code == status


def test_a_personal_token_in_base64_is_accepted_and_basic_is_not(serve: Serve) -> None:
    client = serve()
    encoded = base64.b64encode(CLASSIC.encode()).decode()

    direct = client.http.get(MAIN, headers={"authorization": f"Bearer {encoded}"})
    basic = client.http.get(MAIN, auth=("user", CLASSIC))

    assert direct.status_code == 200
    assert (basic.status_code, code(basic)) == (403, "DENIED")
    assert "www-authenticate" not in basic.headers


def test_a_manifest_comes_by_tag_and_by_digest_with_the_same_bytes(serve: Serve) -> None:
    client = serve()
    headers = bearer(client)

    by_tag = client.http.get(MAIN, headers=headers)
    digest = by_tag.headers["docker-content-digest"]
    by_digest = client.http.get(f"/v2/acme/web/manifests/{digest}", headers=headers)
    head = client.http.head(MAIN, headers=headers)

    assert Content("", by_tag.content).digest == digest
    assert by_digest.content == by_tag.content
    assert by_tag.headers["content-type"] == OCI_INDEX
    assert head.headers["content-length"] == str(len(by_tag.content))
    assert "last-modified" not in by_tag.headers


def test_reading_a_manifest_counts_as_a_download_and_asking_for_its_head_does_not(
    serve: Serve,
) -> None:
    client = serve()
    headers = bearer(client)

    client.http.get(MAIN, headers=headers)
    client.http.head(MAIN, headers=headers)

    assert client.sandbox.package("acme/web").tags["main"].downloads == 1


@pytest.mark.parametrize(
    ("accept", "status"),
    [
        (OCI_INDEX, 200),
        (f"{OCI_MANIFEST}, {OCI_INDEX};q=0.9", 200),
        ("*/*;q=0.1", 200),
        (OCI_MANIFEST, 404),
        ("text/html", 404),
    ],
)
def test_a_type_that_is_not_accepted_looks_like_absence(
    serve: Serve, accept: str, status: int
) -> None:
    client = serve()

    reply = client.http.get(MAIN, headers=bearer(client) | {"accept": accept})

    assert reply.status_code == status
    assert reply.is_success or code(reply) == "MANIFEST_UNKNOWN"


def test_what_is_not_there_has_the_code_of_the_specification(serve: Serve) -> None:
    client = serve()
    headers = bearer(client)
    elsewhere = bearer(client, "repository:acme/none:pull")

    missing = {
        "MANIFEST_UNKNOWN": client.http.get("/v2/acme/web/manifests/none", headers=headers),
        "BLOB_UNKNOWN": client.http.get("/v2/acme/web/blobs/sha256:0", headers=headers),
        "NAME_UNKNOWN": client.http.get("/v2/acme/none/manifests/main", headers=elsewhere),
    }

    assert {expected: (r.status_code, code(r)) for expected, r in missing.items()} == {
        "MANIFEST_UNKNOWN": (404, "MANIFEST_UNKNOWN"),
        "BLOB_UNKNOWN": (404, "BLOB_UNKNOWN"),
        "NAME_UNKNOWN": (404, "NAME_UNKNOWN"),
    }


def test_a_listed_version_may_have_lost_its_manifest(serve: Serve) -> None:
    client = serve()
    client.sandbox.package("acme/web").tags["old"].body = None

    reply = client.http.get("/v2/acme/web/manifests/old", headers=bearer(client))

    assert (reply.status_code, code(reply)) == (404, "MANIFEST_UNKNOWN")


def test_an_image_is_pushed_and_pulled_like_any_client_does(serve: Serve) -> None:
    client = serve()
    headers = bearer(client, "repository:acme/new/tool:pull,push")
    pushed = image("tool")

    for blob in pushed.blobs:
        upload = client.http.post("/v2/acme/new/tool/blobs/uploads/", headers=headers)
        place = upload.headers["location"]
        client.http.patch(place, headers=headers, content=blob.body)
        finished = client.http.put(place, params={"digest": blob.digest}, headers=headers)
        found = client.http.head(finished.headers["location"], headers=headers)
        assert (upload.status_code, finished.status_code, found.status_code) == (202, 201, 200)
    put = client.http.put(
        "/v2/acme/new/tool/manifests/1.0",
        headers=headers | {"content-type": pushed.media_type},
        content=pushed.body,
    )

    assert put.status_code == 201
    assert put.headers["docker-content-digest"] == pushed.digest
    pulled = client.http.get("/v2/acme/new/tool/manifests/1.0", headers=headers)
    assert pulled.content == pushed.body
    assert holes(client.sandbox.package("acme/new/tool"), "1.0") == []


def test_the_same_bytes_under_another_tag_make_no_version_and_move_no_time(serve: Serve) -> None:
    client = serve()
    package = client.sandbox.package("acme/web")
    version = package.tags["old"]
    body, created = version.body, version.created_at

    client.http.put(
        "/v2/acme/web/manifests/main",
        headers=bearer(client, PUSH) | {"content-type": version.media_type},
        content=body,
    )

    assert len(package.live) == 11
    assert package.tags["main"] is version
    assert version.tags == ("old", "main")
    assert version.created_at == version.updated_at == created < NOW


@pytest.mark.parametrize(
    ("reference", "body", "expected"),
    [
        (f"sha256:{64 * '0'}", b"{}", (400, "DIGEST_INVALID")),
        ("tag", b"no document", (400, "MANIFEST_INVALID")),
        ("tag", b"[]", (400, "MANIFEST_INVALID")),
        ("tag", b" " * (4 * 1024 * 1024 + 1), (413, "SIZE_INVALID")),
    ],
)
def test_a_manifest_that_is_none_is_not_taken(
    serve: Serve, reference: str, body: bytes, expected: tuple[int, str]
) -> None:
    client = serve()
    headers = bearer(client, PUSH) | {"content-type": OCI_MANIFEST}

    reply = client.http.put(f"/v2/acme/web/manifests/{reference}", headers=headers, content=body)

    assert (reply.status_code, code(reply)) == expected


def test_a_blob_that_is_not_what_it_says_is_not_taken(serve: Serve) -> None:
    client = serve()

    reply = client.http.post(
        f"/v2/acme/web/blobs/uploads/?digest=sha256:{64 * '0'}",
        headers=bearer(client, PUSH),
        content=b"other bytes",
    )

    assert (reply.status_code, code(reply)) == (400, "DIGEST_INVALID")


def test_the_registry_deletes_nothing(serve: Serve) -> None:
    client = serve()

    reply = client.http.delete(MAIN, headers=bearer(client))

    assert (reply.status_code, code(reply)) == (405, "UNSUPPORTED")
    assert reply.json()["errors"][0]["message"] == "The operation is unsupported."


def test_there_is_no_referrers_endpoint(serve: Serve) -> None:
    client = serve()
    digest = client.sandbox.package("acme/web").tags["main"].digest

    reply = client.http.get(f"/v2/acme/web/referrers/{digest}", headers=bearer(client))

    assert (reply.status_code, reply.text) == (404, "404 page not found\n")


def test_the_referrers_endpoint_may_lead_to_another_host(serve: Serve) -> None:
    client = serve(referrers_redirect="https://elsewhere.example")
    digest = client.sandbox.package("acme/web").tags["main"].digest

    reply = client.http.get(f"/v2/acme/web/referrers/{digest}", headers=bearer(client))

    assert reply.status_code == 303
    assert reply.headers["location"] == (
        f"https://elsewhere.example/-/v2/packages/container/package/acme%2Fweb/{digest[:19]}"
    )


def test_tags_come_in_pages_and_each_counts_as_a_download(serve: Serve) -> None:
    client = serve()
    headers = bearer(client)

    first = client.http.get("/v2/acme/web/tags/list?n=3", headers=headers)
    second = client.http.get(first.links["next"]["url"], headers=headers)

    assert first.json() == {"name": "acme/web", "tags": ["main", "old", "sha-0"]}
    assert second.json()["tags"] == ["sha-1"]
    assert "link" not in second.headers
    assert client.sandbox.package("acme/web").tags["old"].downloads == 1


def test_a_blob_is_mounted_from_another_package_or_has_to_be_uploaded(serve: Serve) -> None:
    client = serve(small_package(), small_package("other"))
    digest = next(iter(client.sandbox.package("acme/web").blobs))
    headers = bearer(client, "repository:acme/new:pull,push")
    place = "/v2/acme/new/blobs/uploads/"

    mounted = client.http.post(f"{place}?mount={digest}&from=acme/web", headers=headers)
    unknown = client.http.post(f"{place}?mount=sha256:0&from=acme/web", headers=headers)

    assert mounted.status_code == 201
    assert client.http.get(mounted.headers["location"], headers=headers).status_code == 200
    assert unknown.status_code == 202


def test_an_upload_says_how_far_it_is_and_ends_once(serve: Serve) -> None:
    client = serve()
    headers = bearer(client, PUSH)
    place = client.http.post("/v2/acme/web/blobs/uploads/", headers=headers).headers["location"]
    client.http.patch(place, headers=headers, content=b"12345")

    status = client.http.get(place, headers=headers)
    digest = Content("", b"12345").digest
    ends = [client.http.put(f"{place}?digest={digest}", headers=headers) for _ in range(2)]

    assert (status.status_code, status.headers["range"]) == (204, "0-4")
    assert [reply.status_code for reply in ends] == [201, 404]


@pytest.mark.parametrize(
    "path", ["/v2/acme/web/blobs/sha256:0", "/v2/acme/web/blobs/uploads/0", MAIN]
)
def test_nothing_of_the_registry_can_be_deleted(serve: Serve, path: str) -> None:
    client = serve()

    assert client.http.delete(path, headers=bearer(client)).status_code == 405


def test_a_path_that_is_no_repository_is_refused(serve: Serve) -> None:
    client = serve()

    assert client.http.get("/v2/_catalog", headers=bearer(client)).status_code == 404
