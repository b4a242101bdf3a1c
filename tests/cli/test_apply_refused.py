"""What `apply` refuses before anything is read: options and plan files."""

import json
from datetime import timedelta
from pathlib import Path

import pytest

from reconciler.__main__ import run
from reconciler.errors import ExitCode
from reconciler.session import utc_now
from tests.support.cli_harness import served_package
from tests.support.plans import plan


def test_a_digest_cannot_be_expected_of_a_plan_that_was_not_saved(
    capsys: pytest.CaptureFixture[str],
) -> None:
    code = run(["apply", "--expect-digest", "sha256:" + "0" * 64, "--yes"])

    told = capsys.readouterr()
    assert code == ExitCode.USAGE
    assert told.out == ""
    assert "--expect-digest requires a saved plan" in told.err


def test_a_plan_file_with_a_raised_limit_is_applied_only_with_the_words_it_is_refused_with(
    tmp_path: Path,
) -> None:
    with served_package(tmp_path) as web:
        policy = tmp_path / "policies" / "policy.yaml"
        policy.write_text(policy.read_text().replace("max_delete_percent: 100", "max_delete: 2"))
        allow = [
            *("--allow", f"max_delete:{web.repository}=9"),
            *("--allow", f"max_delete_percent:{web.repository}=100"),
        ]
        planned = web.reconciler("plan", *allow, "--out", "plan.json")
        digest = json.loads((tmp_path / "plan.json").read_bytes())["digest"]
        refused = web.reconciler("apply", "plan.json", "--yes")
        before = web.tags
        approved = web.reconciler("apply", "plan.json", "--expect-digest", digest, "--yes")

    assert (planned.code, refused.code, approved.code) == (0, ExitCode.PLAN_REJECTED, 0)
    assert " ".join(allow) in " ".join(refused.stderr.split())
    assert before == web.pushed.tags
    assert "7 deleted" in approved.last_line


def test_a_saved_plan_is_applied_under_the_policies_that_it_was_drawn_from(tmp_path: Path) -> None:
    with served_package(tmp_path) as web:
        (tmp_path / "policies").rename(tmp_path / "retention")
        web.reconciler("plan", "retention", "--out", "plan.json")
        (tmp_path / "retention").rename(tmp_path / "elsewhere")
        gone = web.reconciler("apply", "plan.json", "--yes")
        (tmp_path / "elsewhere").rename(tmp_path / "retention")
        file = tmp_path / "retention" / "policy.yaml"
        file.write_text(file.read_text() + "# reviewed again\n")
        applied = web.reconciler("apply", "plan.json", "--yes")

    assert gone.code == ExitCode.PLAN_REJECTED
    assert "made from retention, which does not exist here" in gone.stderr
    assert "--policies" in gone.stderr
    assert applied.code == 0
    assert "Changed since the plan was made: retention/policy.yaml." in applied.stderr
    assert "7 deleted" in applied.last_line


def test_other_policies_than_those_of_the_plan_are_named_and_refused_where_they_govern_nothing(
    tmp_path: Path,
) -> None:
    with served_package(tmp_path) as web:
        web.reconciler("plan", "--out", "plan.json")
        other = (tmp_path / "policies" / "policy.yaml").read_text().replace("acme/web", "acme/api")
        (tmp_path / "other.yaml").write_text(other)
        refused = web.reconciler("apply", "plan.json", "--policies", "other.yaml", "--yes")
        tags = web.tags

    assert refused.code == ExitCode.PLAN_REJECTED
    assert "no policy found here names" in refused.stderr
    assert "--policies" in refused.stderr
    assert tags == web.pushed.tags


@pytest.mark.parametrize("path", ["/etc/policies", "../policies", "teams/../../policies"])
def test_a_plan_file_leads_to_no_policies_outside_of_the_current_folder(
    path: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    now = utc_now()
    times = {"created_at": now, "evaluated_at": now, "expires_at": now + timedelta(days=1)}
    saved = plan().model_copy(update={**times, "policy_paths": (path,), "repositories": ()})
    Path("plan.json").write_bytes(saved.to_bytes())

    code = run(["apply", "plan.json", "--yes"])

    told = " ".join(capsys.readouterr().err.split())
    assert code == ExitCode.PLAN_REJECTED
    assert "not below the current folder" in told
    assert f"--policies {path}" in told
