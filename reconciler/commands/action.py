"""`reconciler action`: a step of a GitHub workflow, told by variables, telling by files."""

import typer

from reconciler.commands.running import finish, running
from reconciler.commands.workflow.applying import apply
from reconciler.commands.workflow.commenting import comment_on
from reconciler.commands.workflow.console import Console, workflow_console
from reconciler.commands.workflow.inputs import Inputs
from reconciler.commands.workflow.looking import look
from reconciler.commands.workflow.planning import plan
from reconciler.commands.workflow.report import StepReport, of_error
from reconciler.commands.workflow.runner import Runner
from reconciler.errors import ReconcilerError

app = typer.Typer(add_completion=False)


@app.command()
def action() -> None:
    """Run as a step of a GitHub workflow; `action.yml` calls it.

    Reads its inputs from INPUT_... variables, and writes outputs, a summary and annotations where
    the runner looks for them. Ends with the exit codes of the commands.
    """
    with workflow_console() as console, running(verbose=False):
        runner = Runner.load()
        report = _report(runner)
        _write(report, runner, console)
        finish(report.code)


def _report(runner: Runner) -> StepReport:
    """Do what the inputs ask for; an error of ours is a report, too."""
    try:
        inputs = Inputs.load()
        match inputs.command:
            case "plan":
                return plan(inputs, runner)
            case "apply":
                return apply(inputs, runner)
            case "comment":
                return comment_on(inputs, runner)
            case _:
                return look(inputs)
    except ReconcilerError as error:
        return of_error(error)


def _write(report: StepReport, runner: Runner, console: Console) -> None:
    """Write outputs and summary, then annotations, then the text for whoever reads the log."""
    runner.set_outputs(report.all_outputs)
    runner.summarise(report.summary)
    console.command("".join(report.annotations()))
    typer.echo(report.text)
