"""Which pull request a run was for, as far as GitHub's answers can be trusted to tell it."""

from collections.abc import Callable
from typing import Any

import httpx
import pytest

from reconciler.errors import AccessError, ProtocolError
from reconciler.github.client import GitHubClient
from reconciler.github.pulls import Head, open_pull_request
from tests.support.time import VirtualTime

API = "https://api.github.example"
HEAD = Head("stranger", "fix&state=all", "1" * 40)


def found(answer: Callable[[httpx.Request], httpx.Response]) -> int | None:
    """Ask for the pull request of a run, of a GitHub whose every answer comes from a function."""
    transport = httpx.MockTransport(answer)
    client = GitHubClient.open(API, "ghs_secret", VirtualTime().watch(), transport=transport)
    return open_pull_request(client, "acme/web", HEAD)


def row(number: int, sha: str) -> dict[str, Any]:
    """Describe a pull request as GitHub does, as far as it matters."""
    return {"number": number, "head": {"sha": sha}}


def test_the_commit_decides_among_pull_requests_of_one_branch() -> None:
    rows = [row(5, "2" * 40), row(7, "1" * 40)]

    assert found(lambda _: httpx.Response(200, json=rows)) == 7
    assert found(lambda _: httpx.Response(200, json=rows[:1])) is None


def test_a_branch_with_a_hostile_name_stays_one_parameter() -> None:
    asked: list[httpx.QueryParams] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request.url.params)
        return httpx.Response(200, json=[])

    found(answer)

    assert dict(asked[0]) == {"state": "open", "head": "stranger:fix&state=all", "per_page": "100"}


def test_every_page_is_looked_at() -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.params.get("page") == "2":
            return httpx.Response(200, json=[row(7, "1" * 40)])
        following = f"{request.url.copy_set_param('page', '2')}"
        return httpx.Response(200, json=[], headers={"link": f'<{following}>; rel="next"'})

    assert found(answer) == 7


def test_what_is_no_list_of_pull_requests_is_an_error() -> None:
    with pytest.raises(ProtocolError, match="not a list of pull requests"):
        found(lambda _: httpx.Response(200, json={"number": 7}))


def test_a_token_without_the_right_is_told_what_it_needs() -> None:
    with pytest.raises(AccessError) as refused:
        found(lambda _: httpx.Response(403, json={"message": "Resource not accessible"}))

    assert "pull-requests: write" in refused.value.hint
