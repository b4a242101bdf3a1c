"""The package as a library: what is loaded when, and what is refused before anything is asked."""

import subprocess
import sys
from pathlib import Path

import pytest

import reconciler
from reconciler.api import _interruptible_sleep
from reconciler.errors import PlanError, StoppedError
from reconciler.model.language import PolicyProblems
from reconciler.session import utc_now
from tests.support.plans import DAY, NOW, part, plan, restore_plan

HEAVY = ("httpx", "pydantic", "typer", "reconciler.api")


def test_importing_the_package_loads_nothing_heavy() -> None:
    program = f"import sys, reconciler; print([m for m in {HEAVY} if m in sys.modules])"

    shown = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )

    assert shown.stdout == "[]\n"


def test_a_name_that_the_package_does_not_have_is_no_attribute() -> None:
    with pytest.raises(AttributeError, match="no attribute 'prune'"):
        reconciler.prune  # noqa: B018 - looking it up is what is tried


def test_policies_are_loaded_from_text_or_path(tmp_path: Path) -> None:
    (tmp_path / "web.yaml").write_text(
        "version: 1\npolicies:\n  - name: web\n    repositories: [ghcr.io/acme/web]\n"
        "    rules:\n      - {name: all, match: {any: true}, keep: {all: true}}\n"
    )

    from_text = reconciler.load_policies([str(tmp_path)])
    from_path = reconciler.load_policies([tmp_path / "web.yaml"])

    assert [policy.name for policy in from_text.policies] == ["web"]
    assert from_text == from_path


def test_a_wrong_policy_is_told_with_its_line(tmp_path: Path) -> None:
    (tmp_path / "web.yaml").write_text("version: 1\npolicies:\n  - nmae: web\n")

    with pytest.raises(PolicyProblems) as refused:
        reconciler.load_policies([tmp_path])

    assert refused.value.problems[0].line == 3


def test_an_expired_plan_is_refused_before_policies_are_read(tmp_path: Path) -> None:
    expired = plan(expires_at=NOW)

    with pytest.raises(PlanError, match="the plan expired at 2026-11-02 12:00 UTC"):
        reconciler.apply(expired, [tmp_path / "none"])


def test_a_plan_that_restores_is_refused_before_policies_are_read(tmp_path: Path) -> None:
    now = utc_now()
    times = {"created_at": now, "evaluated_at": now, "expires_at": now + DAY}
    saved = restore_plan(part(), undoes="run-1").model_copy(update=times)

    with pytest.raises(PlanError) as refused:
        reconciler.apply(saved, [tmp_path / "none"])

    assert str(refused.value) == "the plan restores what run run-1 deleted; it deletes nothing"


def test_a_wait_ends_with_the_reason_to_stop() -> None:
    reasons = iter(["", "the time is up"])

    with pytest.raises(StoppedError, match="the time is up"):
        _interruptible_sleep(lambda: next(reasons))(60)
