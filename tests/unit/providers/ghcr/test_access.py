"""An error of access says which call failed, with what kind of token, and what to do."""

import httpx
import pytest

from reconciler.errors import AccessError, ProtocolError, ReconcilerError, UnreachableError
from reconciler.github.client import TokenKind, failure
from reconciler.providers.ghcr.errors import Need

CALL = httpx.Request(
    "GET", "https://api.github.com/orgs/acme/packages/container/web/versions?page=3"
)


def answer(status: int, message: str = "no", **headers: str) -> httpx.Response:
    """Write a refusal; underscores in header names stand for dashes."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return httpx.Response(status, json={"message": message}, headers=named, request=CALL)


def hint_for(response: httpx.Response, kind: TokenKind, need: Need) -> str:
    """Return what a user is told to do."""
    error = failure(response, kind, need)
    assert isinstance(error, AccessError)
    return error.hint


@pytest.mark.parametrize(
    ("token", "kind"),
    [
        ("", TokenKind.NONE),
        ("ghs_abc", TokenKind.ACTIONS),
        ("ghs_123_eyJhbGciOi.J9.sig", TokenKind.ACTIONS),
        ("ghp_abc", TokenKind.CLASSIC),
        ("github_pat_abc", TokenKind.FINE_GRAINED),
        ("gho_abc", TokenKind.OTHER),
        ("0123456789abcdef0123456789abcdef01234567", TokenKind.OTHER),
    ],
)
def test_the_kind_of_a_token_is_known_by_its_prefix(token: str, kind: TokenKind) -> None:
    assert TokenKind.of(token) is kind


def test_the_message_names_call_status_words_and_kind_of_token() -> None:
    error = failure(answer(404, "Package not found."), TokenKind.CLASSIC, Need.READ)

    assert str(error) == (
        "GitHub refuses to read the package:"
        " GET https://api.github.com/orgs/acme/packages/container/web/versions answered 404"
        " 'Package not found.'; the request used a classic personal token (ghp_)"
    )


@pytest.mark.parametrize(
    ("status", "kind", "need", "hint"),
    [
        (
            401,
            TokenKind.NONE,
            Need.DELETE,
            (
                "Set GITHUB_TOKEN to a classic personal token with read:packages and"
                " delete:packages, or to the token of the workflow."
            ),
        ),
        (
            401,
            TokenKind.CLASSIC,
            Need.READ,
            (
                "GitHub does not know this token: it is expired, revoked or mistyped."
                " Use a classic personal token with read:packages."
            ),
        ),
        (
            403,
            TokenKind.FINE_GRAINED,
            Need.READ,
            (
                "GitHub Packages does not support fine-grained tokens:"
                " use a classic personal token with read:packages."
            ),
        ),
        (
            403,
            TokenKind.ACTIONS,
            Need.DELETE,
            (
                "Give the job `permissions: packages: write`. Give its repository the role Admin on"
                " the package: package settings, Manage Actions access. Check the name, too."
            ),
        ),
        (
            404,
            TokenKind.ACTIONS,
            Need.READ,
            (
                "Give the job `permissions: packages: read`. Give its repository the role Read on"
                " the package: package settings, Manage Actions access. Check the name, too."
            ),
        ),
        (
            400,
            TokenKind.ACTIONS,
            Need.LIST,
            (
                "Such a token cannot list packages: name them in the policy, without wildcards."
                " Or use a classic personal token with read:packages."
            ),
        ),
        (
            404,
            TokenKind.OTHER,
            Need.RESTORE,
            (
                "Its owner needs the role admin on the package."
                " Check the name: GitHub also answers 404 if the token may not see the package."
            ),
        ),
    ],
)
def test_the_hint_fits_the_kind_of_token_and_what_was_wanted(
    status: int, kind: TokenKind, need: Need, hint: str
) -> None:
    assert hint_for(answer(status), kind, need) == hint


@pytest.mark.parametrize(
    ("granted", "need", "missing"),
    [
        ("read:packages", Need.DELETE, "The token lacks delete:packages. "),
        ("", Need.DELETE, "The token lacks read:packages and delete:packages. "),
        ("write:packages, delete:packages", Need.DELETE, ""),
        ("repo, read:packages", Need.RESTORE, "The token lacks write:packages. "),
    ],
)
def test_scopes_that_github_lists_are_compared_with_those_needed(
    granted: str, need: Need, missing: str
) -> None:
    hint = hint_for(answer(403, x_oauth_scopes=granted), TokenKind.CLASSIC, need)

    assert hint == f"{missing}Its owner needs the role admin on the package."


def test_single_sign_on_is_named_without_the_link_that_carries_a_request() -> None:
    sso = "required; url=https://github.com/orgs/acme/sso?authorization_request=A1B2C3"

    error = failure(answer(403, x_github_sso=sso), TokenKind.CLASSIC, Need.READ)

    assert "Configure SSO" in error.hint
    assert "A1B2C3" not in error.hint + str(error)


def test_a_limit_that_never_passed_is_no_missing_right() -> None:
    error = failure(
        answer(403, "You have exceeded a secondary rate limit."), TokenKind.CLASSIC, Need.READ
    )

    assert isinstance(error, UnreachableError)


@pytest.mark.parametrize("status", [204, 301, 409, 410, 422])
def test_any_other_status_is_outside_what_github_documents(status: int) -> None:
    error: ReconcilerError = failure(answer(status), TokenKind.CLASSIC, Need.READ)

    assert isinstance(error, ProtocolError)


def test_words_of_the_server_cannot_steer_a_terminal_or_fill_it() -> None:
    error = failure(answer(404, "\x1b[2Jgone" + "x" * 5000), TokenKind.CLASSIC, Need.READ)

    assert "\x1b" not in str(error)
    assert len(str(error)) < 700
