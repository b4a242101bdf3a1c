"""`plan --first` and `--only`: the first clean-up in words, and one repository of many."""

import json
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from reconciler.errors import ExitCode
from tests.support.cli_harness import POLICY, CliHarness, served_package
from tests.support.sandbox_commands import policy_file

STRICT = {**POLICY, "guards": {"max_delete": 1, "max_delete_percent": 10}}


@pytest.fixture
def web(tmp_path: Path) -> Iterator[CliHarness]:
    """Serve a package under a policy whose guards stop every plan for it."""
    with served_package(tmp_path) as harness:
        harness.reconciler.write_policy(policy_file(harness.sandbox.host, ["acme/web"], STRICT))
        yield harness


def guards(web: CliHarness) -> dict[str, Any]:
    """Return the guards of the saved plan by name."""
    (part,) = json.loads((web.folder / "plan.json").read_text())["repositories"]
    return {guard["name"]: guard for guard in part["guards"]}


def test_the_first_plan_is_what_the_printed_allow_would_give(web: CliHarness) -> None:
    stopped = web.reconciler("plan")
    first = web.reconciler("plan", "--first", "--out", "plan.json")
    limits = {name: guard["limit"] for name, guard in guards(web).items()}
    options = [
        f"--allow={name}:{web.repository}={limits[name]}"
        for name in ("max_delete", "max_delete_percent")
    ]
    allowed = web.reconciler("plan", *options, "--out", "allowed.json")

    assert (stopped.code, first.code, allowed.code) == (ExitCode.SAFETY_STOP, 0, 0)
    one, other = (json.loads((web.folder / name).read_text()) for name in FILES)
    assert one["repositories"] == other["repositories"]
    assert f"Raised limit: max_delete is {limits['max_delete']} for this plan" in first.stdout


FILES = ("plan.json", "allowed.json")


def test_the_plan_alone_still_raises_nothing(web: CliHarness) -> None:
    web.reconciler("plan", "--first", "--out", "plan.json")
    digest = json.loads((web.folder / "plan.json").read_text())["digest"]

    alone = web.reconciler("apply", "plan.json", "--yes")
    assert alone.code == ExitCode.PLAN_REJECTED
    assert "a plan file alone cannot raise limits" in alone.stderr
    assert web.tags == web.pushed.tags

    approved = web.reconciler("apply", "plan.json", "--yes", "--expect-digest", digest)

    assert approved.code == 0
    assert set(web.tags) == {"latest"}


def test_every_command_that_is_suggested_works_as_it_is_typed(web: CliHarness) -> None:
    stopped = web.reconciler("plan")
    allowed, first = map(typed, stopped.stderr.splitlines()[-2:])
    assert web.reconciler(*first).code == 0
    saved = web.reconciler(*allowed)
    assert saved.code == 0
    apply = typed(saved.stderr.splitlines()[-1])

    assert web.reconciler(*apply, "--yes").code == 0
    assert set(web.tags) == {"latest"}


def test_a_suggested_plan_keeps_the_options_that_were_given(web: CliHarness) -> None:
    stopped = web.reconciler("plan")
    words = typed(stopped.stderr.splitlines()[-2])
    limits = [word for word in words if word.startswith("max_delete")]
    assert len(limits) == 2

    # One of two limits is raised: to raise the other alone would be stopped by this one again.
    halfway = web.reconciler("plan", "--allow", limits[0], "--retry-retained")
    saved = web.reconciler(*typed(halfway.stderr.splitlines()[-2]))

    assert halfway.code == ExitCode.SAFETY_STOP
    assert saved.code == 0
    # Without it, what the registry refused once would be kept.
    assert "--retry-retained" in typed(saved.stderr.splitlines()[-1])


def typed(hint: str) -> list[str]:
    """Return the arguments of a suggested command, as a shell reads them."""
    return shlex.split(hint.partition("reconciler ")[2].partition("  (")[0])


def test_a_plan_that_is_not_saved_says_how_to_save_it(web: CliHarness) -> None:
    web.reconciler.write_policy(policy_file(web.sandbox.host, ["acme/web"], POLICY))
    planned = web.reconciler("plan", "policies")

    saved = web.reconciler(*typed(planned.stderr.splitlines()[-1]))

    assert saved.stderr.splitlines()[-1] == (
        "Next: reconciler apply plan.json  (asks before it deletes)"
    )
    assert web.reconciler("plan", "--quiet").stderr == ""


def test_it_is_saved_or_refused(web: CliHarness) -> None:
    ended = web.reconciler("plan", "--first")

    assert ended.code == ExitCode.USAGE
    assert "--first requires --out" in ended.stderr


def test_after_a_run_it_allows_nothing(web: CliHarness) -> None:
    web.reconciler.write_policy(policy_file(web.sandbox.host, ["acme/web"], POLICY))
    assert web.reconciler("apply", "--yes", "--max-deletes", "1").code in (0, ExitCode.PARTIAL)
    web.reconciler.write_policy(policy_file(web.sandbox.host, ["acme/web"], STRICT))

    ended = web.reconciler("plan", "--first", "--out", "plan.json")

    assert ended.code == ExitCode.SAFETY_STOP
    assert not any(guard.get("asked") for guard in guards(web).values())


def test_only_plans_and_applies_what_a_pattern_matches(web: CliHarness) -> None:
    web.reconciler.write_policy(policy_file(web.sandbox.host, ["acme/web", "acme/gone"], POLICY))

    both = web.reconciler("plan", "--out", "both.json")
    one = web.reconciler("plan", "--only", f"{web.sandbox.host}/acme/w*", "--out", "plan.json")
    typo = web.reconciler("plan", "--only", f"{web.sandbox.host}/acme/wbe")
    applied = web.reconciler("apply", "--yes", "--only", str(web.repository))

    assert both.code == ExitCode.ACCESS
    assert one.code == 0
    named = json.loads((web.folder / "plan.json").read_text())["repositories"]
    assert [part["repository"] for part in named] == [web.repository]
    assert typo.code == ExitCode.USAGE
    assert f"did you mean {web.repository}?" in typo.stderr
    assert applied.code == 0
    assert set(web.tags) == {"latest"}
