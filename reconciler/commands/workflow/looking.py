"""The steps `check` and `diagnose`: the commands of these names, whose output is the summary."""

from reconciler.commands.workflow.inputs import Inputs
from reconciler.commands.workflow.report import StepReport, general_note
from reconciler.commands.workflow.running import Ran, ran
from reconciler.errors import ExitCode

ACTION_NEEDED = "Somebody has to act: the page of this run says what was found, and what to do."


def look(inputs: Inputs) -> StepReport:
    """Run the command and report what it printed."""
    looked = ran(inputs.command, ["--format", "markdown", "--", *inputs.paths])
    return StepReport(
        code=looked.code,
        outputs={"changes": "true" if looked.code is ExitCode.CHANGES else "false"},
        text=looked.printed + looked.complaints,
        summary=looked.printed,
        notes=[general_note("error", text) for text in _failure(looked)],
    )


def _failure(looked: Ran) -> list[str]:
    """Say why the step fails, if it does."""
    if looked.code is ExitCode.CHANGES:
        return [ACTION_NEEDED]
    return [looked.error] if looked.error else []
