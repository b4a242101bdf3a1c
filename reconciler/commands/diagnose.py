"""`reconciler diagnose`: explain why versions exist, and which builds create more."""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from reconciler.commands._console import finish, print_report, running, view
from reconciler.commands._next import options, suggest
from reconciler.commands._options import (
    AllRows,
    MaxReads,
    ReportFormat,
    Repositories,
    StateDirectory,
    Verbose,
    YesReads,
)
from reconciler.errors import worst

if TYPE_CHECKING:
    from reconciler.analysis.diagnose.diagnose import Diagnosis, DiagnosisResult
    from reconciler.model.policy import Policy
    from reconciler.policyfile import PolicySet
    from reconciler.workflows.parse import WorkflowFiles

app = typer.Typer(add_completion=False)

MANY_READS = 10_000
"""Manifests that are read without asking, unless --max-reads gives another limit."""


@app.command()
def diagnose(
    repositories: Repositories = None,
    policy: Annotated[
        list[Path] | None,
        typer.Option(
            help="Policy files for the forecast. Default: the suggested policy.",
            metavar="PATHS",
        ),
    ] = None,
    workflow: Annotated[
        list[Path] | None,
        typer.Option(
            help="Workflow files to advise on. Default: those in .github/workflows/",
            metavar="FILE",
        ),
    ] = None,
    max_reads: MaxReads = MANY_READS,
    yes: YesReads = False,
    output: ReportFormat = "text",
    state: StateDirectory = None,
    all_rows: AllRows = False,
    verbose: Verbose = False,
) -> None:
    """Explain why each version exists, whether anything needs it, and which builds create more.

    Needs no policy and deletes nothing. Reads every manifest once and caches it. Workflow files
    are searched for the steps that create these versions; they are not run.
    """
    from reconciler.formats.diagnosis import report
    from reconciler.formats.diagnosis_json import as_json
    from reconciler.project import find_project
    from reconciler.session import utc_now
    from reconciler.workflows.parse import read_workflows, workflow_files

    with running(verbose=verbose):
        workflows = read_workflows(workflow or workflow_files())
        results = diagnose_all(
            repositories or (), policy, workflows, state=state, max_reads=max_reads, yes=yes
        )
        printed = view(utc_now(), all_rows=all_rows)
        print_report(output, printed, report(results), as_json(results))
        place = options({"--state": state})
        # Whoever asks for a document gives it to a program.
        if output != "text":
            pass
        elif find_project(Path.cwd()).has_policies:
            suggest("plan", *place, why="what your policies would delete")
        else:
            named = repositories or [result.repository for result in results]
            suggest("init", *named, why="writes a first policy, its test and a workflow")
        finish(worst(result.exit_code for result in results))


def diagnose_all(
    patterns: Sequence[str],
    policies: list[Path] | None,
    workflows: "WorkflowFiles",
    *,
    state: str | None = None,
    max_reads: int = MANY_READS,
    yes: bool = False,
) -> list["DiagnosisResult"]:
    """Diagnose every repository that a pattern matches, and advise on the workflows given.

    Raises: typer.BadParameter, when a pattern is malformed or matches nothing; UsageError, when
        more than `max_reads` must be read and there is no terminal to ask on; typer.Exit, when it
        is refused; PolicyError, SettingsError.
    """
    from reconciler.commands._progress import Activity
    from reconciler.commands._targets import permit, repositories_named
    from reconciler.connect import open_registries
    from reconciler.engine.inspect import Examination
    from reconciler.engine.read_all import Ahead
    from reconciler.policyfile import load_policies
    from reconciler.session import noting, open_state, utc_now
    from reconciler.settings import Settings
    from reconciler.workflows.changes import advise

    with open_registries(Settings.load(), utc_now) as registries:
        states = open_state(state)
        given = load_policies(policies) if policies else None
        forecast = partial(_policy_for, given)
        examination = Examination(states, utc_now, forecast, noting(states, utc_now))
        # Every listing comes first, so that one question covers the reads of all repositories.
        with Activity(registries.watch):
            listed = registries.each(
                lambda repository: examination.list(
                    registries.reader(repository.registry), repository
                ),
                repositories_named(registries, patterns),
            )
        permit([ahead for ahead in listed if isinstance(ahead, Ahead)], max_reads, yes=yes)
        with Activity(registries.watch):
            results = registries.each(
                lambda ahead: (
                    examination.read(registries.reader(ahead.repository.registry), ahead)
                    if isinstance(ahead, Ahead)
                    else ahead
                ),
                listed,
            )
    # Unread files count: the advice reports them instead of ignoring them.
    if workflows.workflows or workflows.unread:
        for place, result in enumerate(results):
            if result.diagnosis:
                advice = advise(workflows, result.repository, result.diagnosis.groups)
                results[place] = replace(result, workflow_advice=advice)
    return results


def _policy_for(given: "PolicySet | None", diagnosis: "Diagnosis") -> "Policy | None":
    """Choose the policy to forecast with: one of those given, else the suggested one."""
    from reconciler.analysis.diagnose.remedies import suggestion
    from reconciler.policyfile import load_text

    if given:
        return given.policy_for(diagnosis.inventory.repository)
    text = suggestion(diagnosis.inventory, (group.cause for group in diagnosis.groups))
    return load_text("suggested", text.encode()).policies[0] if text else None
