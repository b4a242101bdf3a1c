"""Tokens and rights of the Packages API: which kind gets which answer."""

from typing import Any

import pytest

from reconciler.sandbox.accounts import Account
from tests.unit.sandbox.conftest import ACTIONS, CLASSIC, Client, Serve, small_package

PACKAGE = "/orgs/acme/packages/container/web"
VERSIONS = f"{PACKAGE}/versions"

ACCOUNTS = (
    Account.of(CLASSIC),
    Account.of("ghp_reader", scopes={"read:packages"}, roles={"*": "read"}),
    Account.of("ghp_scopeless", scopes=set()),
    Account.of("ghp_guest", roles={"acme/web": "read"}),
    Account.of("ghp_stranger", roles={}),
    Account.of(ACTIONS, login="github-actions[bot]", roles={"acme/*": "admin"}),
    Account.of("ghs_reader", login="github-actions[bot]", roles={"acme/web": "read"}),
    Account.of("github_pat_fine"),
)


@pytest.fixture
def client(serve: Serve) -> Client:
    """Serve one package to accounts of every kind."""
    return serve(small_package(), accounts=ACCOUNTS)


@pytest.mark.parametrize(
    ("token", "status", "message"),
    [
        (CLASSIC, 200, None),
        (ACTIONS, 200, None),
        ("ghs_reader", 200, None),
        ("ghp_guest", 200, None),
        ("", 401, "Requires authentication"),
        ("ghp_nobody", 401, "Bad credentials"),
        ("github_pat_fine", 403, "Resource not accessible by personal access token"),
        ("ghp_scopeless", 403, "You need at least read:packages scope to get a package."),
        ("ghp_stranger", 404, "Package not found."),
    ],
)
def test_listing_versions_needs_a_token_with_scope_and_role(
    client: Client, token: str, status: int, message: str | None
) -> None:
    reply = client.call("GET", VERSIONS, token)

    assert (reply.status_code, _message(reply)) == (status, message)


@pytest.mark.parametrize(
    ("token", "status", "message"),
    [
        (CLASSIC, 204, None),
        (ACTIONS, 204, None),
        (
            "ghp_reader",
            403,
            "You need at least read:packages and delete:packages scopes to delete a package.",
        ),
        ("ghp_guest", 404, "Package not found."),
        ("ghs_reader", 403, "Resource not accessible by integration"),
        ("", 401, "Requires authentication"),
    ],
)
def test_deleting_needs_the_scope_and_the_admin_role(
    client: Client, token: str, status: int, message: str | None
) -> None:
    version = client.sandbox.package("acme/web").tags["old"]

    reply = client.call("DELETE", f"{VERSIONS}/{version.id}", token)

    assert (reply.status_code, _message(reply)) == (status, message)


@pytest.mark.parametrize(
    ("token", "path", "status", "message"),
    [
        (ACTIONS, "/orgs/acme/packages?package_type=container", 400, "Invalid argument."),
        (CLASSIC, "/orgs/acme/packages", 400, "Invalid argument."),
        (ACTIONS, "/user", 403, "Resource not accessible by integration"),
        (
            ACTIONS,
            "/user/packages/container/web/versions",
            403,
            "Resource not accessible by integration",
        ),
        (ACTIONS, PACKAGE, 200, None),
        ("ghs_reader", f"{VERSIONS}?state=deleted", 403, "Resource not accessible by integration"),
        ("ghp_guest", f"{VERSIONS}?state=deleted", 404, "Package not found."),
        (CLASSIC, f"{VERSIONS}?state=deleted&per_page=1", 200, None),
        (CLASSIC, "/orgs/acme/packages/container/other", 404, "Package not found."),
        (CLASSIC, f"{VERSIONS}/1", 404, "Package version not found."),
    ],
)
def test_each_refusal_has_github_s_words(
    client: Client, token: str, path: str, status: int, message: str | None
) -> None:
    reply = client.call("GET", path, token)

    assert (reply.status_code, _message(reply)) == (status, message)


def test_only_a_classic_token_is_told_its_scopes(client: Client) -> None:
    classic = client.call("GET", VERSIONS, "ghp_reader")
    actions = client.call("GET", VERSIONS, ACTIONS)

    assert classic.headers["x-oauth-scopes"] == "read:packages"
    assert "x-oauth-scopes" not in actions.headers


def test_a_public_package_still_needs_some_token(serve: Serve) -> None:
    client = serve(small_package(public=True), accounts=ACCOUNTS)

    assert client.call("GET", VERSIONS, "").status_code == 401
    assert client.call("GET", VERSIONS, "ghp_stranger").status_code == 200


def test_an_account_never_shows_its_token() -> None:
    assert "ghp_reader" not in repr(ACCOUNTS)


def _message(reply: Any) -> Any:
    return None if reply.is_success else reply.json()["message"]
