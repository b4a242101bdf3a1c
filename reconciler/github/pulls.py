"""Find the open pull request that a finished workflow run belongs to.

The `workflow_run` event names no pull request of a fork, and an artifact of that run is untrusted
text, so the API is asked. Source: GitHub, "REST API endpoints for pull requests", list pull
requests.
"""

from dataclasses import dataclass
from urllib.parse import urlencode

import httpx
from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError

from reconciler.errors import ProtocolError
from reconciler.github.client import GitHubClient
from reconciler.github.issues import PullRequestAccess
from reconciler.transport.replies import json_of, place


@dataclass(frozen=True, slots=True)
class Head:
    """What a run was for: the branch, its owner, and its commit."""

    owner: str
    branch: str
    sha: str


class _Side(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")

    sha: str


class _Row(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")

    number: int
    head: _Side


_ROWS = TypeAdapter(list[_Row])


def open_pull_request(client: GitHubClient, repository: str, head: Head) -> int | None:
    """Return the number of the open pull request whose last commit is that of `head`.

    None if it was closed or has newer commits: the results of the run are out of date then.

    Raises: AccessError, UnreachableError, ProtocolError.
    """
    purpose = PullRequestAccess(f"read the pull requests of {repository}")
    query = urlencode({"state": "open", "head": f"{head.owner}:{head.branch}", "per_page": 100})
    # Forks may have several open pull requests of one branch, each to another base.
    for response in client.pages(f"/repos/{repository}/pulls?{query}", purpose):
        for row in _rows(response):
            if row.head.sha == head.sha:
                return row.number
    return None


def _rows(response: httpx.Response) -> list[_Row]:
    try:
        return _ROWS.validate_python(json_of(response))
    except ValidationError as error:
        raise ProtocolError(f"{place(response)}: not a list of pull requests") from error
