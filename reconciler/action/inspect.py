"""The steps that only report: `check` and `diagnose`."""

import typer

from reconciler.action.inputs import Inputs
from reconciler.action.step import StepReport, failed, general_note
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
    try:
        code, markdown = _diagnose(inputs) if inputs.command == "diagnose" else _check(inputs)
    # The output `changes` is set even then, so that later steps can compare it.
    except (ReconcilerError, typer.BadParameter) as error:
        return failed(error, outputs={"changes": "false"})
    has_findings = code is ExitCode.CHANGES
    return StepReport(
        code=code,
        outputs={"changes": "true" if has_findings else "false"},
        text=markdown,
        summary=markdown,
        notes=[general_note("error", ACTION_NEEDED)] if has_findings else [],
    )


def _check(inputs: Inputs) -> tuple[ExitCode, str]:
    results = check_health(policy_paths(inputs.files), None)
    markdown = health.as_markdown(results, view(utc_now()))
    return worst(result.exit_code for result in results), markdown


def _diagnose(inputs: Inputs) -> tuple[ExitCode, str]:
    if not inputs.paths:
        raise typer.BadParameter("name a repository", param_hint="paths")
    results = diagnose_all(inputs.paths, None, read_workflows(workflow_files()))
    markdown = render_markdown(diagnosis.report(results), view(utc_now()))
    return worst(result.exit_code for result in results), markdown
