"""What is sent to GitHub's API: paths, names, headers, families of owners."""

import json
from collections.abc import Callable

import httpx
import pytest
from structlog.testing import capture_logs

from reconciler.errors import (
    AccessError,
    EvidenceError,
    InvalidNameError,
    PolicyError,
    ProtocolError,
)
from reconciler.model.inventory import Fact, Version
from reconciler.model.names import Digest, Repository
from reconciler.model.patterns import RepositoryGlob
from reconciler.model.ports import Registry
from reconciler.providers.ghcr.rows import versions_of
from tests.support.ghcr import ghcr_answering

WEB = Repository("ghcr.io/acme/web")
DIGEST = "sha256:" + "1" * 64
ROW = {
    "id": 1356372450,
    "name": DIGEST,
    "created_at": "2026-01-02T03:04:05Z",
    "metadata": {"package_type": "container", "container": {"tags": ["v1"]}},
}


class Api:
    """Answers like GitHub for one owner, and remembers every request."""

    def __init__(self, owner: str = "Organization", login: str = "octocat") -> None:
        """Let the owner be an organisation or a user, and the token be of `login`."""
        self.requests: list[httpx.Request] = []
        self._owner = owner
        self._login = login

    def __call__(self, request: httpx.Request) -> httpx.Response:
        """Answer one request by the end of its path."""
        self.requests.append(request)
        path = request.url.path
        if path.endswith("/user"):
            return httpx.Response(200, json={"login": self._login})
        if "/packages" not in path:
            return httpx.Response(200, json={"type": self._owner})
        if path.endswith("/versions"):
            return httpx.Response(200, json=[ROW])
        return httpx.Response(200, json={"name": "web", "version_count": 1})

    @property
    def paths(self) -> list[str]:
        """The paths as they were sent, still encoded, without their query."""
        return [request.url.raw_path.decode().partition("?")[0] for request in self.requests]


def test_the_packages_of_an_organisation_are_below_orgs() -> None:
    api = Api("Organization")

    listing = ghcr_answering(api).listing(WEB)

    assert [version.id for version in listing.versions] == ["1356372450"]
    assert api.paths == [
        "/users/acme",
        "/orgs/acme/packages/container/web",
        "/orgs/acme/packages/container/web/versions",
    ]


@pytest.mark.parametrize(
    ("token", "login", "prefix", "calls"),
    [
        ("ghp_x", "Acme", "/user", ["/users/acme", "/user"]),
        ("ghp_x", "somebody", "/users/acme", ["/users/acme", "/user"]),
        ("ghs_x", "acme", "/users/acme", ["/users/acme"]),
        ("", "acme", "/users/acme", ["/users/acme"]),
    ],
)
def test_the_packages_of_a_user_are_ones_own_or_below_users(
    token: str, login: str, prefix: str, calls: list[str]
) -> None:
    api = Api("User", login)

    ghcr_answering(api, token).listing(WEB)

    package = f"{prefix}/packages/container/web"
    assert api.paths == [*calls, package, f"{package}/versions"]


def test_a_name_with_slashes_is_one_encoded_segment() -> None:
    api = Api()

    ghcr_answering(api).listing(Repository("ghcr.io/acme/grype-db/data/nvd"))

    assert api.paths[1] == "/orgs/acme/packages/container/grype-db%2Fdata%2Fnvd"


def test_an_enterprise_server_has_its_api_below_a_path() -> None:
    api = Api()
    registry = ghcr_answering(api, api_url="https://github.acme.example/api/v3")

    registry.listing(Repository("containers.github.acme.example/acme/a/b"))

    assert api.requests[-1].url.host == "github.acme.example"
    assert api.paths[-1] == "/api/v3/orgs/acme/packages/container/a%2Fb/versions"


def test_an_owner_is_looked_up_once() -> None:
    api = Api()
    registry = ghcr_answering(api)

    registry.listing(WEB)
    registry.listing(Repository("ghcr.io/acme/api"))

    assert api.paths.count("/users/acme") == 1


def test_every_call_names_the_version_of_the_api_and_shows_the_token() -> None:
    api = Api()

    ghcr_answering(api, "ghp_secret").listing(WEB)

    sent = {
        (
            request.headers["accept"],
            request.headers["x-github-api-version"],
            request.headers["authorization"],
        )
        for request in api.requests
    }
    assert sent == {("application/vnd.github+json", "2022-11-28", "Bearer ghp_secret")}
    assert all(request.headers["user-agent"].startswith("reconciler/") for request in api.requests)


def test_without_a_token_none_is_shown() -> None:
    api = Api()

    ghcr_answering(api, "").listing(WEB)

    assert not any("authorization" in request.headers for request in api.requests)


def test_a_repository_without_an_owner_is_refused_with_the_form_it_must_have() -> None:
    with pytest.raises(InvalidNameError, match="HOST/OWNER/NAME"):
        ghcr_answering(Api()).listing(Repository("ghcr.io/web"))


def test_a_repository_named_outright_needs_no_request() -> None:
    api = Api()

    found = ghcr_answering(api).repositories(RepositoryGlob("ghcr.io/acme/web"))

    assert found == [WEB]
    assert api.requests == []


def test_a_pattern_lists_the_packages_of_its_owner_page_by_page() -> None:
    def pages(request: httpx.Request) -> httpx.Response:
        if "/packages" not in request.url.path:
            return httpx.Response(200, json={"type": "Organization"})
        names = ["web", "api", "Not-A-Name", "tools/lint"]
        if request.url.params.get("page") == "2":
            return httpx.Response(200, json=[{"name": "tools/test", "version_count": 1}])
        link = "https://api.github.example/organizations/7/packages?page=2&package_type=container"
        rows = [{"name": name, "version_count": 1} for name in names]
        return httpx.Response(200, json=rows, headers={"link": f'<{link}>; rel="next"'})

    registry = ghcr_answering(pages)

    assert registry.repositories(RepositoryGlob("ghcr.io/acme/*")) == [
        "ghcr.io/acme/api",
        "ghcr.io/acme/web",
    ]
    assert registry.repositories(RepositoryGlob("ghcr.io/acme/tools/**")) == [
        "ghcr.io/acme/tools/lint",
        "ghcr.io/acme/tools/test",
    ]


def test_sixty_patterns_of_one_owner_list_its_packages_once() -> None:
    asked: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request.url.path)
        if "/packages" not in request.url.path:
            return httpx.Response(200, json={"type": "Organization"})
        return httpx.Response(200, json=[{"name": "web-1", "version_count": 1}])

    registry = ghcr_answering(answer)

    found = [registry.repositories(RepositoryGlob(f"ghcr.io/acme/web-{n}*")) for n in range(60)]

    assert [len(each) for each in found] == [0, 1, *[0] * 58]
    assert asked == ["/users/acme", "/orgs/acme/packages"]


def test_an_owner_whose_packages_are_refused_is_not_asked_for_them_again() -> None:
    asked: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request.url.path)
        if "/packages" not in request.url.path:
            return httpx.Response(200, json={"type": "Organization"})
        return httpx.Response(403, json={"message": "Resource not accessible"})

    registry = ghcr_answering(answer)

    for _ in range(60):
        with pytest.raises(AccessError):
            registry.repositories(RepositoryGlob("ghcr.io/acme/web-*"))

    assert asked == ["/users/acme", "/orgs/acme/packages"]


@pytest.mark.parametrize("row", [{"id": float("inf")}, {"id": "9" * 5_000}, {"name": 1}])
def test_a_row_that_no_registry_writes_is_no_version(row: dict[str, object]) -> None:
    good = {
        "id": 1,
        "name": f"sha256:{'0' * 64}",
        "created_at": "2026-11-02T12:00:00Z",
        "metadata": {"container": {"tags": []}},
    }
    response = httpx.Response(
        200, text=json.dumps([good | row]), request=httpx.Request("GET", "https://api.example/")
    )

    with pytest.raises(ProtocolError, match="not a container version"):
        versions_of(response)


def test_a_version_whose_name_is_no_digest_is_kept_and_closes_nothing() -> None:
    names = {1: f"sha256:{'1' * 64}", 2: "latest", 3: f"sha256:{'3' * 64}"}

    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.path.startswith("/users/"):
            return httpx.Response(200, json={"type": "Organization"})
        if not request.url.path.endswith("/versions"):
            return httpx.Response(200, json={"name": "web", "version_count": 3})
        rows = [
            {
                "id": number,
                "name": name,
                "created_at": "2026-11-02T12:00:00Z",
                "metadata": {"container": {"tags": []}},
            }
            for number, name in names.items()
        ]
        return httpx.Response(200, json=rows)

    with capture_logs() as logs:
        listing = ghcr_answering(answer).listing(Repository("ghcr.io/acme/web"))

    assert {version.id for version in listing.versions} == {"1", "3"}
    warned = [entry for entry in logs if entry["log_level"] == "warning"]
    assert [(entry["event"], entry["ids"]) for entry in warned] == [
        ("version_name_is_no_digest", [2])
    ]


def test_a_page_with_more_rows_than_were_asked_for_is_none() -> None:
    response = httpx.Response(
        200, json=[{}] * 101, request=httpx.Request("GET", "https://api.example/")
    )

    with pytest.raises(ProtocolError, match="101 rows, but 100 were requested"):
        versions_of(response)


def test_a_pattern_must_name_its_owner() -> None:
    with pytest.raises(PolicyError, match="owner of GitHub packages cannot be a pattern") as caught:
        ghcr_answering(Api()).repositories(RepositoryGlob("ghcr.io/*/web"))

    assert caught.value.hint == "Write ghcr.io/OWNER/*, once for each owner."


def test_a_link_to_another_host_is_not_followed() -> None:
    def pages(request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("/versions"):
            elsewhere = "https://evil.example/versions?page=9"
            return httpx.Response(
                200,
                json=[ROW],
                headers={"link": f'<{elsewhere}>; rel="next", <{elsewhere}>; rel="last"'},
            )
        return Api()(request)

    with pytest.raises(EvidenceError, match="another server"):
        ghcr_answering(pages).listing(WEB)


@pytest.mark.parametrize("last", ["", "page=many", "page=1", "page=99999999"])
def test_a_next_page_without_a_sensible_last_one_is_no_listing(last: str) -> None:
    def pages(request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("/versions"):
            url = f"https://api.github.example/organizations/7/versions?{last}"
            link = f'<{url}>; rel="next", <{url}>; rel="last"'
            return httpx.Response(200, json=[ROW], headers={"link": link})
        return Api()(request)

    with pytest.raises(EvidenceError, match="no valid link to the last page"):
        ghcr_answering(pages).listing(WEB)


def test_a_page_that_did_not_change_is_taken_from_memory() -> None:
    statuses: list[int] = []

    def conditional(request: httpx.Request) -> httpx.Response:
        response = Api()(request)
        if request.url.path.endswith("/versions"):
            known = request.headers.get("if-none-match") == '"one"'
            response = httpx.Response(304) if known else response
            response.headers["etag"] = '"one"'
            statuses.append(response.status_code)
        return response

    registry = ghcr_answering(conditional)

    first = registry.listing(WEB)
    second = registry.listing(WEB)

    assert statuses == [200, 304]
    assert second == first


def _counting(*counts: int, deleted: int | None) -> Callable[[httpx.Request], httpx.Response]:
    """Answer with one count after another; without the right, deleted versions are not shown."""
    left = list(counts)

    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("/web"):
            count = left.pop(0) if len(left) > 1 else left[0]
            return httpx.Response(200, json={"name": "web", "version_count": count})
        if request.url.params.get("state") == "deleted":
            if deleted is None:
                return httpx.Response(404, json={"message": "Package not found."})
            rows = [{**ROW, "id": 10 + number} for number in range(deleted)]
            return httpx.Response(200, json=rows)
        return Api()(request)

    return answer


@pytest.mark.parametrize(
    ("counts", "deleted"), [([1], 0), ([0], 0), ([3], 2), ([3, 1], 5), ([3, 4], 3)]
)
def test_a_count_that_deleted_versions_or_a_second_look_explain_is_no_doubt(
    counts: list[int], deleted: int
) -> None:
    listing = ghcr_answering(_counting(*counts, deleted=deleted)).listing(WEB)

    assert (len(listing.versions), listing.doubt) == (1, "")


def test_a_count_that_nothing_explains_stops_the_repository() -> None:
    with pytest.raises(EvidenceError, match="reports 3 versions, but lists 1, and 1 as deleted"):
        ghcr_answering(_counting(3, deleted=1)).listing(WEB)


def test_a_count_that_this_token_cannot_explain_is_a_doubt() -> None:
    listing = ghcr_answering(_counting(3, deleted=None)).listing(WEB)

    assert "reports 3 versions, but lists 1" in listing.doubt


def test_a_digest_under_two_ids_is_no_listing() -> None:
    def twice(request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("/versions"):
            return httpx.Response(200, json=[ROW, {**ROW, "id": 7}])
        return Api()(request)

    with pytest.raises(EvidenceError):
        ghcr_answering(twice).listing(WEB)


def test_an_answer_about_another_version_is_not_believed() -> None:
    listing = ghcr_answering(Api()).listing(WEB)

    def wrong(request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, json={**ROW, "type": "Organization", "id": 5})

    with pytest.raises(EvidenceError, match="returned another version"):
        ghcr_answering(wrong).version(WEB, listing.versions[0])


@pytest.mark.parametrize("message", ["Package version not found.", "Not Found", ""])
def test_a_version_is_gone_when_its_package_is_still_shown(message: str) -> None:
    def gone(request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("/versions/7"):
            return httpx.Response(404, json={"message": message})
        return Api()(request)

    assert ghcr_answering(gone).version(WEB, Version(Digest(DIGEST), id="7")) is None


def test_a_version_of_a_package_that_is_not_shown_is_no_absence() -> None:
    def hidden(request: httpx.Request) -> httpx.Response:
        if "/packages" in request.url.path:
            return httpx.Response(404, json={"message": "Package not found."})
        return Api()(request)

    with pytest.raises(AccessError):
        ghcr_answering(hidden).version(WEB, Version(Digest(DIGEST), id="7"))


@pytest.mark.parametrize("number", ["", "latest", "-1", "7/../8"])
def test_a_version_without_a_number_is_never_asked_for(number: str) -> None:
    with pytest.raises(EvidenceError, match="invalid version id"):
        ghcr_answering(Api()).version(WEB, Version(Digest(DIGEST), id=number))


def test_a_plan_can_tell_how_many_deletions_a_minute_are_allowed() -> None:
    assert ghcr_answering(Api()).allowance.deletions_per_minute == 180


def test_the_registry_kind_can_all_that_its_port_promises() -> None:
    registry: Registry = ghcr_answering(Api())

    assert registry.capabilities.facts == frozenset(Fact)
    assert registry.capabilities.undo
    assert not registry.capabilities.referrers


def test_an_owner_that_does_not_exist_is_an_error_that_names_the_call() -> None:
    def nobody(request: httpx.Request) -> httpx.Response:
        return httpx.Response(404, json={"message": "Not Found"})

    with pytest.raises(
        AccessError, match=r"GET https://api.github.example/users/acme answered 404"
    ):
        ghcr_answering(nobody).listing(WEB)
