"""The steps that only report: `check` and `diagnose`."""

import typer

from reconciler.action.inputs import Inputs
from reconciler.action.step import Note, StepReport, failed, general_note
from reconciler.analysis.health import Thresholds
from reconciler.commands._console import view
from reconciler.commands._options import policy_paths
from reconciler.commands.check import check_health
from reconciler.commands.diagnose import diagnose_all
from reconciler.commands.test import run_policy_tests
from reconciler.errors import ExitCode, ReconcilerError, worst
from reconciler.formats import diagnosis, health
from reconciler.formats.policy_tests import render
from reconciler.formats.report_text import render_markdown
from reconciler.policyfile import load_policies, remarks_on
from reconciler.session import utc_now
from reconciler.workflows.parse import read_workflows, workflow_files

TESTS_FAILED = "Tests of policies failed: the log of this step lists what they expected."
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


def validate(inputs: Inputs) -> StepReport:
    """Check policy files and run the tests beside them; contact nothing.

    Raises: PolicyError, when one cannot be read.
    """
    policies = load_policies(policy_paths(inputs.files))
    folders = [path for path in inputs.files if path.is_dir() and any(path.rglob("*.test.y*ml"))]
    trials = run_policy_tests(folders) if folders else []
    text = render(trials, view(utc_now())) if trials else "There are no tests of policies.\n"
    valid = f"{len(policies.policies)} policies in {len(policies.sources)} files are valid."
    failed_tests = any(trial.failures for trial in trials)
    notes = [Note("warning", remark) for remark in remarks_on(policies)]
    if failed_tests:
        notes.insert(0, general_note("error", TESTS_FAILED))
    return StepReport(
        code=ExitCode.INTERNAL if failed_tests else ExitCode.OK,
        outputs={"changes": "false"},
        text=f"{valid}\n{text}",
        notes=notes,
    )
