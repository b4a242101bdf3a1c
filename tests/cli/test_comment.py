"""`reconciler comment`: one comment on a pull request, found again, kept up to date."""

from pathlib import Path

import pytest

from reconciler.sandbox.accounts import Account
from reconciler.sandbox.faults import Answer, Fault
from tests.support.cli_harness import Emptied
from tests.support.desk import FIRST, SECOND, THREAD, Desk, OpenDesk


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


def test_a_link_leads_to_the_whole_plan(desk: Desk) -> None:
    desk.comment(FIRST, "--link", "https://github.com/acme/web/actions/runs/1")

    assert desk.bodies[0].endswith(
        "\n[The full plan](<https://github.com/acme/web/actions/runs/1>)\n"
    )


def test_in_a_workflow_the_page_of_its_run_is_linked(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GITHUB_SERVER_URL", "https://github.example")
    monkeypatch.setenv("GITHUB_RUN_ID", "42")

    desk.comment(FIRST)

    assert desk.bodies[0].endswith("(<https://github.example/acme/web/actions/runs/42>)\n")


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
