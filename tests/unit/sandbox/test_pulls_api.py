"""The list of pull requests, as GitHub filters it."""

from reconciler.sandbox.world import StoredPullRequest
from tests.unit.sandbox.conftest import Serve


def test_pull_requests_are_found_by_branch_and_state(serve: Serve) -> None:
    client = serve()
    client.sandbox.world.pulls.known["acme/web"] += [
        StoredPullRequest(6, "stranger:main", "1" * 40, state="closed"),
        StoredPullRequest(7, "stranger:main", "2" * 40),
        StoredPullRequest(8, "other:main", "3" * 40),
    ]

    by_branch = client.call("GET", "/repos/acme/web/pulls?head=stranger%3Amain")
    closed = client.call("GET", "/repos/acme/web/pulls?state=closed")
    every = client.call("GET", "/repos/ACME/Web/pulls?state=all&per_page=2")

    assert [(row["number"], row["head"]["sha"]) for row in by_branch.json()] == [(7, "2" * 40)]
    assert [row["number"] for row in closed.json()] == [6]
    assert [row["number"] for row in every.json()] == [6, 7]
    assert "page=2" in every.links["next"]["url"]
