"""Pull requests, as far as their list tells of them."""

from collections import defaultdict
from dataclasses import dataclass
from typing import Any

from starlette.responses import Response

from reconciler.sandbox.accounts import Account
from reconciler.sandbox.call import Call, github_refusal, json_response
from reconciler.sandbox.paging import PageRequest


@dataclass(frozen=True, slots=True)
class StoredPullRequest:
    """One pull request and the commit it ends with. Shape: `head` is `owner:branch`."""

    number: int
    head: str
    sha: str
    state: str = "open"


class PullCalls:
    """Lists the pull requests of repositories. Shape: `known` is keyed by `owner/name`."""

    def __init__(self) -> None:
        """Begin without any."""
        self.known: defaultdict[str, list[StoredPullRequest]] = defaultdict(list)

    def answer(self, call: Call, account: Account | None) -> Response | None:
        """Answer a call, or None for one that is not about pull requests.

        Raises: RefusedError, without a token.

        Source: GitHub's OpenAPI description, `pulls/list`.
        """
        match (call.method, *call.segments):
            case ("GET", "repos", owner, name, "pulls"):
                if account is None:
                    raise github_refusal(401, "Requires authentication")
                return self._list(call, self.known[f"{owner}/{name}".lower()])
            case _:
                return None

    def _list(self, call: Call, requests: list[StoredPullRequest]) -> Response:
        state, head = call.query.get("state", "open"), call.query.get("head", "")
        rows = [
            _row(one) for one in requests if state in (one.state, "all") and head in (one.head, "")
        ]
        page = PageRequest.of(call)
        link = page.link(call, "/".join(call.segments), len(rows))
        return json_response(rows[page.slice], headers=link)


def _row(request: StoredPullRequest) -> dict[str, Any]:
    owner, _, branch = request.head.partition(":")
    head = {"label": request.head, "ref": branch, "sha": request.sha, "user": {"login": owner}}
    return {"number": request.number, "state": request.state, "head": head}
