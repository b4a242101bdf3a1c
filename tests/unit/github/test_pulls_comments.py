"""GitHub's comments: every answer is accounted for, and the token stays where it belongs."""

from collections.abc import Callable
from typing import Any

import httpx
import pytest

from reconciler.errors import AccessError, ProtocolError, ReconcilerError, UnreachableError
from reconciler.github.client import GitHubClient
from reconciler.github.pulls import Conversation, IssueComment, post
from tests.support.time import VirtualTime

API = "https://api.github.example"
TOKEN = "ghp_secret"
ROW = {"id": 1, "body": "old", "html_url": "https://github.example/1", "user": {"login": "Octocat"}}

Handler = Callable[[httpx.Request], httpx.Response]


def conversation(handler: Handler, token: str = TOKEN) -> Conversation:
    """Open pull request 7 of acme/web, whose every answer comes from a function."""
    transport = httpx.MockTransport(handler)
    client = GitHubClient.open(API, token, VirtualTime().watch(), transport=transport)
    return Conversation(client, "acme/web", 7)


def answering(status: int, document: Any, **headers: str) -> Handler:
    """Answer everything in one way."""
    return lambda _: httpx.Response(status, json=document, headers=headers)


def failure(status: int, message: str, token: str = TOKEN) -> ReconcilerError:
    """Return the error for an answer to a new comment."""
    talk = conversation(answering(status, {"message": message}), token)
    with pytest.raises(ReconcilerError) as caught:
        talk.create("x")
    return caught.value


@pytest.mark.parametrize(
    ("token", "cure"),
    [
        ("ghs_x", "`permissions: pull-requests: write`"),
        ("ghp_x", "the scope `repo`"),
        ("github_pat_x", "`Pull requests: read and write`"),
        ("x", "the right to write comments"),
    ],
)
def test_a_missing_right_is_told_by_the_kind_of_token(token: str, cure: str) -> None:
    error = failure(403, "Resource not accessible by integration", token)

    assert isinstance(error, AccessError)
    assert f"POST {API}/repos/acme/web/issues/7/comments answered 403" in str(error)
    assert cure in error.hint


@pytest.mark.parametrize(
    ("status", "message", "cure"),
    [
        (401, "Bad credentials", "expired, revoked or mistyped"),
        (403, "Unable to create comment because issue is locked.", "unlock it"),
        (404, "Not Found", "Check --repo and --pr"),
        (410, "This issue was deleted", "Check --repo and --pr"),
    ],
)
def test_each_refusal_has_its_cure(status: int, message: str, cure: str) -> None:
    error = failure(status, message)

    assert isinstance(error, AccessError)
    assert cure in error.hint


def test_a_limit_that_does_not_pass_is_no_missing_right() -> None:
    error = failure(403, "You have exceeded a secondary rate limit")

    assert isinstance(error, UnreachableError)
    assert "after all waiting" in str(error)


@pytest.mark.parametrize("status", [400, 422, 500])
def test_any_other_answer_is_none_that_is_understood(status: int) -> None:
    assert isinstance(failure(status, "Validation Failed"), ProtocolError)


@pytest.mark.parametrize("document", [[], {}, {"id": "x"}, {"id": 1, "user": 3}, "comment", None])
def test_an_answer_that_is_no_comment_is_refused(document: Any) -> None:
    with pytest.raises(ProtocolError):
        conversation(answering(201, document)).create("x")


@pytest.mark.parametrize("document", [{}, [3], [{"body": 1}], "x"])
def test_a_page_that_holds_no_comments_is_refused(document: Any) -> None:
    with pytest.raises(ProtocolError):
        list(conversation(answering(200, document)).comments())


def test_a_page_elsewhere_is_not_followed() -> None:
    link = '<https://evil.example/next>; rel="next"'

    with pytest.raises(ProtocolError, match="links to another server"):
        list(conversation(answering(200, [ROW], link=link)).comments())


def test_the_token_is_in_no_message_and_goes_to_the_api_alone() -> None:
    seen: list[tuple[str, str]] = []

    def handler(request: httpx.Request) -> httpx.Response:
        seen.append((request.url.host, request.headers.get("authorization", "")))
        if request.url.host == "evil.example":
            return httpx.Response(200, json=[])
        return httpx.Response(302, headers={"location": "https://evil.example/comments"})

    list(conversation(handler).comments())

    assert seen == [("api.github.example", "Bearer ghp_secret"), ("evil.example", "")]
    assert "ghp_secret" not in str(failure(403, "no")) + failure(403, "no").hint


def test_an_account_that_is_gone_wrote_nothing_of_ours() -> None:
    def handler(request: httpx.Request) -> httpx.Response:
        if request.method == "GET":
            return httpx.Response(200, json=[{**ROW, "user": None}])
        return httpx.Response(201, json=ROW)

    posted = post(conversation(handler), "octocat", lambda _: True, lambda _: "new")

    assert posted.done == "created"


def test_logins_are_the_same_in_either_case() -> None:
    assert IssueComment.model_validate(ROW).author == "octocat"
