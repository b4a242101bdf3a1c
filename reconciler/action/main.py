"""`reconciler action`: the entry point of the GitHub Action.

Reads `INPUT_*` variables, runs one step, and writes outputs, summary and annotations.
"""

from typing import TYPE_CHECKING

import typer

from reconciler.commands._console import finish, running
from reconciler.errors import ReconcilerError

if TYPE_CHECKING:
    from reconciler.action.runner import Console, Runner
    from reconciler.action.step import StepReport

app = typer.Typer(add_completion=False)


@app.command()
def action() -> None:
    """Run as a step of a GitHub workflow; `action.yml` calls it.

    Reads inputs from INPUT_* variables, and writes outputs, summary and annotations to the files
    of the runner. Exits with the codes of the commands.
    """
    from reconciler.action.runner import Runner, workflow_console

    # The console comes first: nothing may be printed while the runner still executes commands.
    with workflow_console() as console, running(verbose=False):
        runner = Runner.load()
        report = _report(runner)
        _write(report, runner, console)
        finish(report.code)


def _report(runner: "Runner") -> "StepReport":
    """Run the step that the inputs choose; an error of ours becomes a report."""
    from reconciler.action.apply import apply
    from reconciler.action.comment import comment_on
    from reconciler.action.inputs import Inputs
    from reconciler.action.inspect import inspect, validate
    from reconciler.action.plan import plan
    from reconciler.action.step import of_error

    try:
        inputs = Inputs.load()
        match inputs.command:
            case "plan":
                return plan(inputs, runner)
            case "apply":
                return apply(inputs, runner)
            case "comment" if inputs.plan:
                return comment_on(inputs.plan, runner)
            case "validate":
                return validate(inputs)
            case _:
                return inspect(inputs)
    except ReconcilerError as error:
        return of_error(error)


def _write(report: "StepReport", runner: "Runner", console: "Console") -> None:
    """Write outputs and summary, then annotations, then the text for the log."""
    runner.set_outputs(report.all_outputs)
    runner.summarise(report.summary)
    console.command("".join(report.annotations()))
    typer.echo(report.text)
