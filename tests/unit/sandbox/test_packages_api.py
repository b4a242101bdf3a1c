"""The Packages API: its shapes, its pages, its refusals."""

from datetime import timedelta
from typing import Any

import pytest
from githubkit_schemas.latest.models import BasicError, PackageVersion, PublicUser, SimpleUser
from githubkit_schemas.latest.models import Package as PackageModel
from pydantic import TypeAdapter

from reconciler.sandbox.artifacts import image
from reconciler.sandbox.generate import builds
from reconciler.sandbox.package import Owner, StoredPackage
from tests.unit.sandbox.conftest import DAY, NOW, Serve, small_package

VERSIONS = "/orgs/acme/packages/container/web/versions"


def valid(model: Any, document: Any) -> Any:
    """Read a document with GitHub's own model; githubkit checks types and required members."""
    return TypeAdapter(model).validate_python(document)


def test_every_answer_has_the_shape_that_github_describes(serve: Serve) -> None:
    client = serve()

    package = client.call("GET", "/orgs/acme/packages/container/web").json()
    packages = client.call("GET", "/orgs/acme/packages?package_type=container").json()
    versions = client.call("GET", VERSIONS).json()
    user = client.call("GET", "/users/acme").json()
    error = client.call("GET", "/orgs/nobody/packages?package_type=container").json()

    assert valid(PackageModel, package).version_count == 11
    assert [valid(PackageModel, row).name for row in packages] == ["web"]
    assert len([valid(PackageVersion, row) for row in versions]) == 11
    assert valid(PublicUser, user).type == "Organization"
    assert valid(SimpleUser, package["owner"]).login == "acme"
    assert valid(BasicError, error).status == "404"


def test_a_listing_shows_the_newest_version_first_with_its_tags(serve: Serve) -> None:
    client = serve()

    rows = client.call("GET", VERSIONS).json()

    assert rows[0]["metadata"]["container"]["tags"] == ["main", "sha-1"]
    assert rows[5]["metadata"]["container"]["tags"] == ["sha-0"]
    assert rows[-1]["created_at"] == "2026-08-12T12:00:00Z"
    assert [row["id"] for row in rows] == sorted((row["id"] for row in rows), reverse=True)


def test_pages_are_led_through_by_links_in_github_s_numeric_form(serve: Serve) -> None:
    client = serve()
    owner_id = client.call("GET", "/users/acme").json()["id"]

    first = client.call("GET", f"{VERSIONS}?per_page=4")
    second = client.call("GET", first.links["next"]["url"])
    last = client.call("GET", first.links["last"]["url"])

    assert str(first.links["next"]["url"]) == (
        f"{client.sandbox.url}/organizations/{owner_id}/packages/container/web/versions"
        "?per_page=4&page=2"
    )
    assert set(first.links) == {"next", "last"}
    assert set(second.links) == {"prev", "next", "last", "first"}
    assert set(last.links) == {"prev", "first"}
    pages = [first.json(), second.json(), last.json()]
    assert [len(page) for page in pages] == [4, 4, 3]
    assert len({row["id"] for page in pages for row in page}) == 11


def test_a_page_holds_thirty_rows_unless_asked_and_never_more_than_a_hundred(serve: Serve) -> None:
    client = serve(builds(30, now=NOW))

    assert len(client.call("GET", VERSIONS).json()) == 30
    assert len(client.call("GET", f"{VERSIONS}?per_page=500").json()) == 100
    assert client.call("GET", f"{VERSIONS}?per_page=100&page=3").json() == []


@pytest.mark.parametrize("prefix", ["/orgs/acme", "/orgs/ACME", "/users/acme"])
def test_a_name_with_a_slash_is_one_encoded_segment(serve: Serve, prefix: str) -> None:
    client = serve(small_package("team/web"))

    encoded = client.call("GET", f"{prefix}/packages/container/team%2Fweb/versions?per_page=2")
    plain = client.call("GET", f"{prefix}/packages/container/team/web/versions")

    assert len(encoded.json()) == 2
    assert "/packages/container/team%2Fweb/versions?" in encoded.headers["link"]
    assert plain.status_code == 404


def test_a_user_s_packages_are_found_under_its_name_its_number_and_itself(serve: Serve) -> None:
    package = StoredPackage(Owner("octocat", "User"), "tool", NOW)
    package.push(image("tool"), "latest", at=NOW)
    client = serve(package)
    number = client.call("GET", "/user").json()["id"]

    found = [
        client.call("GET", f"{prefix}/packages/container/tool/versions").status_code
        for prefix in ("/user", "/users/octocat", f"/user/{number}", "/orgs/octocat")
    ]

    assert found == [200, 200, 200, 404]


def test_a_package_listing_ends_at_ten_thousand_rows(serve: Serve) -> None:
    client = serve()

    within = client.call("GET", "/orgs/acme/packages?package_type=container&per_page=100&page=100")
    beyond = client.call("GET", "/orgs/acme/packages?package_type=container&per_page=100&page=101")

    assert within.status_code == 200
    assert beyond.status_code == 400


def test_a_deleted_version_is_gone_with_its_tags_and_listed_among_the_deleted(
    serve: Serve,
) -> None:
    client = serve()
    version = client.sandbox.package("acme/web").tags["main"]

    deleted = client.call("DELETE", f"{VERSIONS}/{version.id}")
    again = client.call("DELETE", f"{VERSIONS}/{version.id}")
    listed = client.call("GET", f"{VERSIONS}?state=deleted").json()

    assert (deleted.status_code, deleted.content) == (204, b"")
    assert (again.status_code, again.json()["message"]) == (404, "Package version not found.")
    assert [row["deleted_at"] for row in listed] == ["2026-09-01T12:00:00Z"]
    assert listed[0]["metadata"]["container"]["tags"] == ["main", "sha-1"]
    assert set(client.sandbox.package("acme/web").tags) == {"old", "sha-0"}


def test_the_last_tagged_version_stays_but_untagged_ones_may_go(serve: Serve) -> None:
    client = serve()
    package = client.sandbox.package("acme/web")
    for tag in ("old", "sha-0"):
        client.call("DELETE", f"{VERSIONS}/{package.tags[tag].id}")
    untagged = next(version for version in package.live if not version.tags)

    refused = client.call("DELETE", f"{VERSIONS}/{package.tags['main'].id}")
    allowed = client.call("DELETE", f"{VERSIONS}/{untagged.id}")

    assert refused.status_code == 400
    assert refused.json()["message"] == (
        "You cannot delete the last tagged version of a package. "
        "You must delete the package instead."
    )
    assert allowed.status_code == 204


@pytest.mark.parametrize(
    ("visibility", "downloads", "status"),
    [("public", 5000, 204), ("public", 5001, 400), ("private", 9999, 204)],
)
def test_a_public_version_with_more_than_five_thousand_downloads_stays(
    serve: Serve, visibility: str, downloads: int, status: int
) -> None:
    client = serve(small_package(public=visibility == "public"))
    version = client.sandbox.package("acme/web").tags["old"]
    version.downloads = downloads

    assert client.call("DELETE", f"{VERSIONS}/{version.id}").status_code == status


def test_a_restored_version_gets_back_the_tags_that_are_still_free(serve: Serve) -> None:
    client = serve()
    package = client.sandbox.package("acme/web")
    version = package.tags["main"]
    client.call("DELETE", f"{VERSIONS}/{version.id}")
    package.push(image("newer"), "main", at=NOW)

    restored = client.call("POST", f"{VERSIONS}/{version.id}/restore")

    assert restored.status_code == 204
    assert version.tags == ("sha-1",)
    assert package.tags["main"] is not version
    assert client.call("GET", f"{VERSIONS}/{version.id}").status_code == 200


def test_tags_stay_away_after_a_restore_where_that_is_chosen(serve: Serve) -> None:
    client = serve(restore_tags=False)
    version = client.sandbox.package("acme/web").tags["old"]
    client.call("DELETE", f"{VERSIONS}/{version.id}")

    client.call("POST", f"{VERSIONS}/{version.id}/restore")

    assert version.tags == ()
    assert version.deleted_at is None


def test_a_deletion_can_be_taken_back_for_thirty_days(serve: Serve) -> None:
    client = serve()
    version = client.sandbox.package("acme/web").tags["old"]
    client.call("DELETE", f"{VERSIONS}/{version.id}")
    client.sandbox.advance(30 * DAY)

    late = client.call("POST", f"{VERSIONS}/{version.id}/restore")

    assert late.status_code == 404
    assert client.call("GET", f"{VERSIONS}?state=deleted").json() == []


def test_a_deleted_package_hides_its_versions_until_it_is_restored(serve: Serve) -> None:
    client = serve()
    package = "/orgs/acme/packages/container/web"

    deleted = client.call("DELETE", package)
    hidden = client.call("GET", VERSIONS)
    restored = client.call("POST", f"{package}/restore")

    assert (deleted.status_code, hidden.status_code, restored.status_code) == (204, 404, 204)
    assert client.call("GET", VERSIONS).status_code == 200


def test_a_listing_lags_behind_by_as_many_reads_as_chosen(serve: Serve) -> None:
    client = serve(lag={"reads": 2})
    version = client.sandbox.package("acme/web").tags["old"]
    client.call("DELETE", f"{VERSIONS}/{version.id}")

    seen = [len(client.call("GET", VERSIONS).json()) for _ in range(3)]

    assert seen == [11, 11, 10]
    assert client.call("GET", f"{VERSIONS}/{version.id}").status_code == 404


def test_a_listing_lags_behind_for_as_long_as_chosen(serve: Serve) -> None:
    client = serve(lag={"time": timedelta(seconds=30)})
    package = client.sandbox.package("acme/web")
    package.push(image("new"), "main", at=NOW)

    stale = client.call("GET", VERSIONS).json()
    client.sandbox.advance(timedelta(seconds=30))
    fresh = client.call("GET", VERSIONS).json()

    assert stale[0]["metadata"]["container"]["tags"] == ["main", "sha-1"]
    assert fresh[0]["metadata"]["container"]["tags"] == ["main"]
    assert fresh[1]["metadata"]["container"]["tags"] == ["sha-1"]


def test_a_public_package_with_a_popular_version_is_not_deleted_whole(serve: Serve) -> None:
    client = serve(small_package(public=True))
    client.sandbox.package("acme/web").tags["old"].downloads = 5001

    reply = client.call("DELETE", "/orgs/acme/packages/container/web")

    assert reply.status_code == 400
    assert "a version with more than 5000 downloads" in reply.json()["message"]


def test_the_very_last_version_stays_even_without_a_tag(serve: Serve) -> None:
    package = StoredPackage.of("acme/web", NOW)
    lone = package.push(image("lone"), at=NOW)
    client = serve(package)

    reply = client.call("DELETE", f"{VERSIONS}/{lone.id}")

    assert reply.status_code == 400
    assert "the last version of a package" in reply.json()["message"]


def test_a_package_that_is_not_deleted_cannot_be_restored(serve: Serve) -> None:
    client = serve()

    reply = client.call("POST", "/orgs/acme/packages/container/web/restore")

    assert (reply.status_code, reply.json()["message"]) == (404, "Package not found.")


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/nothing"),
        ("GET", "/users/nobody"),
        ("PUT", "/orgs/acme/packages/container/web"),
        ("GET", "/repos/acme/web/packages"),
        ("GET", "/orgs/acme/packages/npm/web/versions"),
    ],
)
def test_what_github_does_not_have_is_not_found(serve: Serve, method: str, path: str) -> None:
    client = serve()

    assert client.call(method, path).status_code == 404
