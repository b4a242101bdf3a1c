"""What `apply` refuses before anything is read: options and plan files."""

import json
from pathlib import Path

import pytest

from reconciler.__main__ import run
from reconciler.errors import ExitCode
from tests.support.workshop import workshop


def test_a_digest_cannot_be_expected_of_a_plan_that_was_not_saved(
    capsys: pytest.CaptureFixture[str],
) -> None:
    code = run(["apply", "--expect-digest", "sha256:" + "0" * 64, "--yes"])

    told = capsys.readouterr()
    assert code == ExitCode.USAGE
    assert told.out == ""
    assert "--expect-digest cannot be checked without a saved plan" in told.err


def test_a_plan_file_with_a_raised_limit_is_applied_only_with_the_words_it_is_refused_with(
    tmp_path: Path,
) -> None:
    with workshop(tmp_path) as web:
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
