"""Comments of pull requests: their shapes, their pages, their refusals."""

from githubkit_schemas.latest.models import BasicError, IssueComment
from pydantic import TypeAdapter

from reconciler.sandbox.accounts import Account
from tests.unit.sandbox.conftest import ACTIONS, Serve

PATH = "/repos/acme/web/issues/7/comments"


def test_every_answer_has_the_shape_that_github_describes(serve: Serve) -> None:
    client = serve()

    created = client.call("POST", PATH, token=ACTIONS, json={"body": "hello"})
    edited = client.call(
        "PATCH",
        f"/repos/acme/web/issues/comments/{created.json()['id']}",
        json={"body": "hello again"},
    )
    listed = client.call("GET", PATH).json()
    missing = client.call("PATCH", "/repos/acme/web/issues/comments/1", json={"body": "x"})

    assert (created.status_code, edited.status_code, missing.status_code) == (201, 200, 404)
    first = TypeAdapter(IssueComment).validate_python(created.json())
    assert first.user
    assert (first.user.login, first.user.type) == ("github-actions[bot]", "Bot")
    (row,) = TypeAdapter(list[IssueComment]).validate_python(listed)
    assert (row.body, row.user and row.user.login) == ("hello again", "github-actions[bot]")
    assert TypeAdapter(BasicError).validate_python(missing.json()).message == "Not Found"


def test_comments_are_listed_in_pages_the_oldest_first(serve: Serve) -> None:
    client = serve()
    for number in range(5):
        client.call("POST", PATH, json={"body": str(number)})

    first = client.call("GET", f"{PATH}?per_page=2")
    second = client.call("GET", first.links["next"]["url"])

    assert [row["body"] for row in first.json()] == ["0", "1"]
    assert [row["body"] for row in second.json()] == ["2", "3"]
    assert first.links["last"]["url"].endswith("page=3")


def test_conversations_are_apart(serve: Serve) -> None:
    client = serve()
    created = client.call("POST", PATH, json={"body": "hello"}).json()

    others = client.call("GET", "/repos/acme/web/issues/8/comments").json()
    foreign = client.call(
        "PATCH", f"/repos/acme/api/issues/comments/{created['id']}", json={"body": "x"}
    )

    assert others == []
    assert foreign.status_code == 404
    assert client.call("GET", "/repos/ACME/Web/issues/7/comments").json() != []


def test_writing_needs_a_token_with_the_right(serve: Serve) -> None:
    reader = Account.of("ghs_reader", login="github-actions[bot]", may_comment=False)
    client = serve(accounts=(reader,))

    nobody = client.call("POST", PATH, token="", json={"body": "x"})
    refused = client.call("POST", PATH, token="ghs_reader", json={"body": "x"})

    assert (nobody.status_code, refused.status_code) == (401, 403)
    assert refused.json()["message"] == "Resource not accessible by integration"
    assert client.call("GET", PATH, token="ghs_reader").json() == []


def test_a_locked_conversation_takes_no_comment(serve: Serve) -> None:
    client = serve()
    client.sandbox.world.conversations.locked.add("acme/web#7")

    refused = client.call("POST", PATH, json={"body": "x"})

    assert refused.status_code == 403
    assert refused.json()["message"] == "Unable to create comment because issue is locked."


def test_a_comment_is_neither_empty_nor_longer_than_github_takes(serve: Serve) -> None:
    client = serve()

    answers = [client.call("POST", PATH, json={"body": "é" * size}) for size in (0, 65_536, 65_537)]
    broken = client.call("POST", PATH, content=b"[")

    assert [answer.status_code for answer in answers] == [422, 201, 422]
    assert "maximum is 65536 characters" in answers[2].json()["message"]
    assert broken.status_code == 400
