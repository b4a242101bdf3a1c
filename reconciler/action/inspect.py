"""The steps that only report: `check` and `diagnose`."""

import typer

from reconciler.action.inputs import Inputs
from reconciler.action.step import StepReport, failed, general_note
from reconciler.analysis.health import Thresholds
from reconciler.commands._console import view
from reconciler.commands._options import policy_paths
from reconciler.commands.check import check_health
from reconciler.commands.diagnose import diagnose_all
from reconciler.errors import ExitCode, ReconcilerError, worst
from reconciler.formats import diagnosis, health
from reconciler.formats.report_text import render_markdown
from reconciler.session import utc_now
from reconciler.workflows.parse import read_workflows, workflow_files

ACTION_NEEDED = "There are findings: the summary of this run lists them, and what to do."


def inspect(inputs: Inputs) -> StepReport:
    """Check the state and the registry, or diagnose repositories, and report it as Markdown."""
    nothing = {"changes": "false"}
    # An input of white space only gets no default, and leaves no path.
    if inputs.command == "diagnose" and not inputs.paths:
        return failed(typer.BadParameter("name a repository", param_hint="paths"), nothing)
    try:
        if inputs.command == "diagnose":
            results = diagnose_all(inputs.paths, None, read_workflows(workflow_files()))
            markdown = render_markdown(diagnosis.report(results), view(utc_now()))
            code = worst(result.exit_code for result in results)
        else:
            health_results = check_health(policy_paths(inputs.files), None, Thresholds())
            markdown = health.as_markdown(health_results, view(utc_now()))
            code = worst(result.exit_code for result in health_results)
    # The output `changes` is set even then, so that later steps can compare it.
    except (ReconcilerError, typer.BadParameter) as error:
        return failed(error, nothing)
    has_findings = code is ExitCode.CHANGES
    return StepReport(
        code=code,
        outputs={"changes": "true" if has_findings else "false"},
        text=markdown,
        summary=markdown,
        notes=[general_note("error", ACTION_NEEDED)] if has_findings else [],
    )
