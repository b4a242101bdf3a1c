"""`reconciler comment` where it cannot or will not write: what happened, and what to do."""

import pytest

from reconciler.model.comparison import Difference
from reconciler.sandbox.accounts import Account
from reconciler.sandbox.faults import Answer, Fault
from tests.support.desk import FIRST, SECOND, THREAD, Desk, OpenDesk
from tests.support.plans import part, restore_plan


def test_a_token_that_only_reads_says_what_to_grant(opened: OpenDesk) -> None:
    reader = Account.of("ghs_fork", login="github-actions[bot]", may_comment=False)

    done = opened("ghs_fork", reader).comment(FIRST)

    assert (done.code, done.stdout) == (77, "")
    assert "answered 403" in done.stderr
    assert "`permissions: pull-requests: write`" in done.stderr
    assert "from a fork can only read" in done.stderr
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
    assert "is not a GitHub repository" in done.stderr
    assert desk.methods() == []


@pytest.mark.parametrize("link", ["javascript:alert(1)", "https://x/>y", "https://x/ y", "x"])
def test_what_is_no_link_is_refused(desk: Desk, link: str) -> None:
    done = desk.comment(FIRST, "--link", link)

    assert (done.code, desk.bodies) == (64, [])


def test_a_plan_that_restores_is_not_for_a_pull_request(desk: Desk) -> None:
    done = desk.comment(restore_plan(part(), undoes="20261102T120000Z-1a2b3c4d"))

    assert (done.code, desk.bodies) == (4, [])
    assert "this plan restores what a run deleted" in done.stderr


def test_a_difference_of_another_plan_is_refused(desk: Desk) -> None:
    path = desk.folder / "difference.json"
    path.write_bytes(Difference(against="main", plan=SECOND.digest).to_bytes())

    done = desk.comment(FIRST, "--against-json", str(path))

    assert done.code == 4
    assert "was made for another plan" in done.stderr
    assert desk.bodies == []
