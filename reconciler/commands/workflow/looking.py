"""The steps `check` and `diagnose`: the commands of these names, whose output is the summary."""

from reconciler.commands.workflow.inputs import Inputs
from reconciler.commands.workflow.report import Report, said
from reconciler.commands.workflow.running import ran
from reconciler.errors import ExitCode


def look(inputs: Inputs) -> Report:
    """Run the command and report what it printed."""
    looked = ran(inputs.command, ["--format", "markdown", "--", *inputs.paths])
    return Report(
        code=looked.code,
        outputs={"changes": "true" if looked.code is ExitCode.CHANGES else "false"},
        text=looked.printed + looked.complaints,
        summary=looked.printed,
        notes=[said("error", looked.error)] if looked.error else (),
    )
