"""`reconciler test`: run the unit tests of policies."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from reconciler.commands._console import finish, running, save, view
from reconciler.commands._next import suggest
from reconciler.commands._options import policy_paths
from reconciler.errors import ExitCode, PolicyError

if TYPE_CHECKING:
    from reconciler.core.policy_tests import PolicyTestRun

app = typer.Typer(add_completion=False)

TrialFormat = Literal["text", "json"]


@app.command("test")
def run_tests(
    paths: Annotated[
        list[Path] | None,
        typer.Argument(
            help="Test files (*.test.yaml) or folders of them. Default: policies/",
            metavar="PATHS",
        ),
    ] = None,
    junit: Annotated[
        Path | None, typer.Option(help="Also write the results as JUnit XML.", metavar="FILE")
    ] = None,
    output: Annotated[
        TrialFormat, typer.Option("--format", help="The output format of the results.")
    ] = "text",
) -> None:
    """Run the unit tests of policies. Contacts nothing. Exits with 1 when a check fails."""
    from reconciler.formats import policy_tests as formats
    from reconciler.session import utc_now

    with running(verbose=False):
        trials = run_policy_tests(policy_paths(paths))
        display = view(utc_now())
        if junit:
            save(junit, [formats.render_junit(trials, display)])
        as_json = output == "json"
        text = formats.as_json(trials) if as_json else formats.render(trials, display)
        typer.echo(text, nl=False)
        passed = not any(trial.failures for trial in trials)
        if passed and not paths and not as_json:
            suggest("plan", "--out", "plan.json", why="shows what would be deleted")
        # Test runners exit with 1 when a test fails; no other command ends with 1 on purpose.
        finish(ExitCode.OK if passed else ExitCode.INTERNAL)


def run_policy_tests(paths: list[Path]) -> "list[PolicyTestRun]":
    """Run the tests that are named, and all below the folders that are.

    Raises: PolicyError, when a test or a policy cannot be read, or a test lacks times.
    """
    from reconciler.core.policy_tests import PolicyTestRun, run_policy_test
    from reconciler.policyfile import load_tests

    trials = []
    for written in load_tests(paths):
        try:
            checks = run_policy_test(written.policy, written.test)
        # The error is about a rule; the path of the test shows which times are missing.
        except PolicyError as error:
            raise PolicyError(f"{written.path}: {error}", hint=error.hint) from error
        trials.append(PolicyTestRun(written.path, written.policy.name, checks, written.lines))
    return trials
