"""`reconciler test`: do the policies what their tests say."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from reconciler.commands._console import finish, running, save, view
from reconciler.commands._options import policy_paths
from reconciler.core.policy_tests import PolicyTestRun, run_policy_test
from reconciler.errors import ExitCode, PolicyError
from reconciler.formats import policy_tests as junit_format
from reconciler.formats import policy_tests as trials_format
from reconciler.policyfile import WrittenTest, load_tests
from reconciler.session import utc_now

app = typer.Typer(add_completion=False)

TrialFormat = Literal["text", "json"]


@app.command("test")
def run_tests(
    paths: Annotated[
        list[Path] | None,
        typer.Argument(
            help="Tests (*.test.yaml) or folders of them. Default: policies/",
            metavar="[PATHS]...",
        ),
    ] = None,
    junit: Annotated[
        Path | None, typer.Option(help="Also write JUnit XML, for CI.", metavar="FILE")
    ] = None,
    output: Annotated[
        TrialFormat, typer.Option("--format", help="How to print the results.")
    ] = "text",
) -> None:
    """Run the tests of policies. Contacts nothing. Exits 1 when a check fails."""
    with running(verbose=False):
        trials = [_tried(written) for written in load_tests(policy_paths(paths))]
        seen = view(utc_now())
        if junit:
            save(junit, junit_format.render_junit(trials, seen))
        as_json = output == "json"
        text = trials_format.as_json(trials) if as_json else trials_format.render(trials, seen)
        typer.echo(text, nl=False)
        # The code that test runners share; nothing else of ours ends with it on purpose.
        finish(ExitCode.INTERNAL if any(trial.failures for trial in trials) else ExitCode.OK)


def _tried(written: WrittenTest) -> PolicyTestRun:
    """Run one test.

    Raises: PolicyError, naming the test, when a rule needs a time that it does not give.
    """
    try:
        checks = run_policy_test(written.policy, written.test)
    except PolicyError as error:
        raise PolicyError(f"{written.path}: {error}", hint=error.hint) from error
    return PolicyTestRun(written.path, written.policy.name, checks, written.lines)
