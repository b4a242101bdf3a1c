"""The steps `check` and `diagnose`: the commands of these names, whose output is the summary."""

from reconciler.commands.workflow.inputs import Inputs
from reconciler.commands.workflow.report import Report, said
from reconciler.commands.workflow.running import Ran, ran
from reconciler.errors import ExitCode

FOUND = "Somebody has to act: the page of this run says what was found, and what to do."


def look(inputs: Inputs) -> Report:
    """Run the command and report what it printed."""
    looked = ran(inputs.command, ["--format", "markdown", "--", *inputs.paths])
    return Report(
        code=looked.code,
        outputs={"changes": "true" if looked.code is ExitCode.CHANGES else "false"},
        text=looked.printed + looked.complaints,
        summary=looked.printed,
        notes=[said("error", text) for text in _told(looked)],
    )


def _told(looked: Ran) -> list[str]:
    """Say why the step fails, if it does."""
    if looked.code is ExitCode.CHANGES:
        return [FOUND]
    return [looked.error] if looked.error else []
