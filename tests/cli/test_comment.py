"""`reconciler comment`: one comment on a pull request, found again, kept up to date."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path

import pytest

from reconciler.__main__ import run
from reconciler.model.difference import Difference
from reconciler.model.plan import Plan
from reconciler.sandbox.accounts import ACTIONS, CLASSIC, Account
from reconciler.sandbox.faults import Answer, Fault
from reconciler.sandbox.limits import UNLIMITED
from reconciler.sandbox.server import Sandbox
from reconciler.sandbox.settings import Settings
from tests.support.cli import Ended
from tests.support.plans import image, part, plan
from tests.support.workshop import Emptied

THREAD = "acme/web#7"
NOW = datetime(2026, 11, 2, 12, 0, tzinfo=UTC)
FIRST = plan(part([image("v1")], versions=3))
SECOND = plan(part([image("v1"), image("v2")], versions=4))


class Desk:
    """A folder with plans, and a GitHub that takes comments."""

    def __init__(self, sandbox: Sandbox, folder: Path, capture: pytest.CaptureFixture[str]) -> None:
        """Comment on pull request 7 of acme/web."""
        self.sandbox = sandbox
        self.folder = folder
        self._capture = capture

    def comment(self, shown: Plan, *arguments: str) -> Ended:
        """Save a plan, and comment with it."""
        path = self.folder / "plan.json"
        path.write_bytes(shown.to_bytes())
        code = run(["comment", str(path), "--pr", "7", *arguments])
        return Ended(code, *self._capture.readouterr())

    @property
    def bodies(self) -> list[str]:
        """The comments of the pull request."""
        return [one.body for one in self.sandbox.world.conversations.of(THREAD)]

    def said_by(self, author: str, body: str) -> None:
        """Let somebody comment."""
        self.sandbox.world.conversations.add(THREAD, author, body, NOW)

    def methods(self) -> list[str]:
        """Return the methods of all calls."""
        return [call.method for call in self.sandbox.requests]


OpenDesk = Callable[..., Desk]
"""Serves a GitHub to a token, with accounts that may be chosen."""


@pytest.fixture
def opened(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Iterator[OpenDesk]:
    """Serve a GitHub until the test ends."""
    with ExitStack() as stack:

        def start(token: str, *accounts: Account) -> Desk:
            chosen = Settings(limits=UNLIMITED, accounts=accounts or (ACTIONS, CLASSIC))
            sandbox = stack.enter_context(Sandbox(chosen).serve())
            monkeypatch.setenv("GITHUB_API_URL", sandbox.url)
            monkeypatch.setenv("GITHUB_TOKEN", token)
            monkeypatch.setenv("GITHUB_REPOSITORY", "acme/web")
            return Desk(sandbox, tmp_path, capsys)

        yield start


@pytest.fixture
def desk(opened: OpenDesk) -> Desk:
    """Serve a GitHub to the token of a workflow."""
    return opened("ghs_sandbox")


def test_the_first_plan_writes_a_comment_and_prints_where(desk: Desk) -> None:
    done = desk.comment(FIRST)

    assert done.code == 0
    assert done.stdout == "https://github.com/acme/web/pull/7#issuecomment-2000000001\n"
    assert done.stderr == "The comment was created.\n"
    (body,) = desk.bodies
    assert body.splitlines()[1] == (
        "### Retention plan: 1 to delete, 0 protected, 2 to keep, 0 incomplete"
    )


def test_a_second_plan_replaces_the_first_and_strikes_its_headline(desk: Desk) -> None:
    desk.comment(FIRST)

    done = desk.comment(SECOND)

    assert done.stderr == "The comment was updated.\n"
    lines = desk.bodies[0].splitlines()
    assert lines[1] == "### Retention plan: 2 to delete, 0 protected, 2 to keep, 0 incomplete"
    assert lines[3] == (
        "~~Retention plan: 1 to delete, 0 protected, 2 to keep, 0 incomplete~~"
        f" (superseded: `{FIRST.digest[7:19]}`)"
    )


def test_the_same_plan_again_writes_nothing(desk: Desk) -> None:
    desk.comment(FIRST)
    desk.sandbox.forget_requests()

    done = desk.comment(FIRST)

    assert done.stderr == "The comment was unchanged.\n"
    assert desk.methods() == ["GET"]


def test_the_comment_is_found_on_page_four(desk: Desk) -> None:
    for number in range(330):
        desk.said_by("octocat", f"remark {number}")
    desk.comment(FIRST)
    desk.sandbox.forget_requests()

    done = desk.comment(SECOND)

    assert done.stderr == "The comment was updated.\n"
    assert len(desk.bodies) == 331
    assert desk.methods() == ["GET", "GET", "GET", "GET", "PATCH"]


def test_a_marker_in_the_comment_of_another_is_not_ours(desk: Desk) -> None:
    desk.comment(FIRST)
    (copied,) = desk.bodies
    desk.sandbox.world.conversations.of(THREAD)[0].author = "mallory"

    done = desk.comment(SECOND)

    assert done.stderr == "The comment was created.\n"
    assert desk.bodies[0] == copied


def test_our_own_other_comments_are_left_alone(desk: Desk) -> None:
    desk.said_by("github-actions[bot]", "Coverage: 98 %\n<!-- reconciler:plan {} -->")

    done = desk.comment(FIRST)

    assert done.stderr == "The comment was created.\n"
    assert len(desk.bodies) == 2


def test_a_marker_that_somebody_edited_decides_nothing(desk: Desk) -> None:
    desk.said_by("github-actions[bot]", '<!-- reconciler:plan {"v":1,"plan":"@all"} -->\n')

    done = desk.comment(FIRST)

    assert done.stderr == "The comment was updated.\n"
    assert "@all" not in desk.bodies[0]
    assert "superseded" not in desk.bodies[0]


def test_a_comment_that_is_deleted_meanwhile_is_written_again(desk: Desk) -> None:
    desk.comment(FIRST)
    desk.sandbox.add_faults(
        Fault(method="PATCH", answer=Answer(status=404, body='{"message":"Not Found"}'))
    )

    done = desk.comment(SECOND)

    assert done.stderr == "The comment was created.\n"
    assert len(desk.bodies) == 2


def test_a_personal_token_looks_for_its_owners_comments(opened: OpenDesk) -> None:
    desk = opened("ghp_sandbox")

    desk.comment(FIRST)
    desk.comment(SECOND)

    assert len(desk.bodies) == 1
    assert "/user" in [call.target for call in desk.sandbox.requests]


def test_another_app_is_told_to_name_itself(opened: OpenDesk) -> None:
    desk = opened("ghs_other", Account.of("ghs_other", login="retention[bot]"))

    done = desk.comment(FIRST)
    named = desk.comment(SECOND, "--author", "retention[bot]")

    assert "add --author retention[bot]" in done.stderr
    assert named.stderr == "The comment was updated.\n"
    assert len(desk.bodies) == 1


def test_a_token_that_only_reads_says_what_to_grant(opened: OpenDesk) -> None:
    reader = Account.of("ghs_fork", login="github-actions[bot]", may_comment=False)

    done = opened("ghs_fork", reader).comment(FIRST)

    assert (done.code, done.stdout) == (77, "")
    assert "answered 403" in done.stderr
    assert "`permissions: pull-requests: write`" in done.stderr
    assert "from a fork only reads" in done.stderr
    assert "ghs_fork" not in done.stderr


def test_a_locked_conversation_says_so(desk: Desk) -> None:
    desk.sandbox.world.conversations.locked.add(THREAD)

    done = desk.comment(FIRST)

    assert done.code == 77
    assert "The conversation is locked" in done.stderr


def test_a_pull_request_that_does_not_exist_says_what_to_check(desk: Desk) -> None:
    desk.sandbox.add_faults(
        Fault(path="/issues/7/", answer=Answer(status=404, body='{"message":"Not Found"}'))
    )

    done = desk.comment(FIRST)

    assert done.code == 77
    assert "acme/web#7" in done.stderr
    assert "Check --repo and --pr" in done.stderr


@pytest.mark.parametrize("repository", ["acme", "acme/web/x", "../x", "acme/..", "a b/c", "@a/b"])
def test_what_is_no_repository_is_refused_before_anything_is_sent(
    desk: Desk, repository: str
) -> None:
    done = desk.comment(FIRST, "--repo", repository)

    assert done.code == 78
    assert "is no repository of GitHub" in done.stderr
    assert desk.methods() == []


@pytest.mark.parametrize("link", ["javascript:alert(1)", "https://x/>y", "https://x/ y", "x"])
def test_what_is_no_link_is_refused(desk: Desk, link: str) -> None:
    done = desk.comment(FIRST, "--link", link)

    assert (done.code, desk.bodies) == (64, [])


def test_a_link_leads_to_the_whole_plan(desk: Desk) -> None:
    desk.comment(FIRST, "--link", "https://github.com/acme/web/actions/runs/1")

    assert desk.bodies[0].endswith(
        "\n[The whole plan](<https://github.com/acme/web/actions/runs/1>)\n"
    )


def test_in_a_workflow_the_page_of_its_run_is_linked(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GITHUB_SERVER_URL", "https://github.example")
    monkeypatch.setenv("GITHUB_RUN_ID", "42")

    desk.comment(FIRST)

    assert desk.bodies[0].endswith("(<https://github.example/acme/web/actions/runs/42>)\n")


def test_a_plan_that_restores_is_not_for_a_pull_request(desk: Desk) -> None:
    done = desk.comment(plan(part(), undoes="20261102T120000Z-1a2b3c4d"))

    assert (done.code, desk.bodies) == (4, [])
    assert "this plan restores what a run deleted" in done.stderr


def test_a_difference_of_another_plan_is_refused(desk: Desk) -> None:
    path = desk.folder / "difference.json"
    path.write_bytes(Difference(against="main", plan=SECOND.digest).to_bytes())

    done = desk.comment(FIRST, "--against-json", str(path))

    assert done.code == 4
    assert "was made beside another plan" in done.stderr
    assert desk.bodies == []


def test_afterwards_the_comment_tells_what_became_of_the_plan(
    emptied: Emptied, tmp_path: Path
) -> None:
    web = emptied()
    github = {"GITHUB_API_URL": web.sandbox.url, "GITHUB_REPOSITORY": "acme/web"}
    (tmp_path / "plan.json").write_bytes(FIRST.to_bytes())
    wanted = ("comment", "plan.json", "--pr", "7", "--applied")

    done = web.reconciler(*wanted, web.run, more=github)
    unknown = web.reconciler(*wanted, "nobody", more=github)

    (comment,) = web.sandbox.world.conversations.of(THREAD)
    lines = comment.body.splitlines()
    assert done.code == 0
    assert lines[1] == f"### Applied by run `{web.run}`: 7 deleted"
    assert lines[3].startswith(f"Undo with `reconciler undo {web.run}` until 20")
    assert (unknown.code, unknown.stdout) == (78, "")
    assert "no run nobody" in unknown.stderr
