"""`reconciler diagnose`: why are these versions here, and what makes more of them."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from reconciler.analysis.diagnose.diagnose import Diagnosis, DiagnosisResult
from reconciler.analysis.diagnose.suggestion import suggestion
from reconciler.commands._console import AllRows, ReportFormat, finish, print_report, running, view
from reconciler.commands._options import StateDirectory, Verbose
from reconciler.commands._progress import Activity
from reconciler.commands._targets import MaxReads, YesReads, permit, repositories_named
from reconciler.connect import Registries, open_registries
from reconciler.engine.inspect import Examination
from reconciler.engine.read_all import Ahead
from reconciler.errors import worst
from reconciler.formats.diagnosis import report
from reconciler.formats.diagnosis_json import as_json
from reconciler.model.policy import Policy
from reconciler.policyfile import load_policies, load_text
from reconciler.session import noting, open_state, utc_now
from reconciler.settings import Settings
from reconciler.workflows.changes import advise
from reconciler.workflows.parse import WorkflowFiles, read_workflows, workflow_files

app = typer.Typer(add_completion=False)

MANY_READS = 10_000
"""So many manifests are read unasked."""


@app.command()
def diagnose(
    repositories: Annotated[
        list[str],
        typer.Argument(help="Repositories, or patterns of them.", metavar="REPOSITORY"),
    ],
    policy: Annotated[
        list[Path] | None,
        typer.Option(
            help="Policy files to forecast with. Default: the policy that is suggested.",
            metavar="PATHS",
        ),
    ] = None,
    workflow: Annotated[
        list[Path] | None,
        typer.Option(
            help="Workflow files to give advice on. Default: those in .github/workflows/",
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
    """Say why each version is there, whether anything needs it, and what to change in the build.

    Needs no policy. Reads every manifest once; the cache keeps it. Deletes nothing. Workflow files
    are read for the steps that make these versions; they are not run.
    """
    with running(verbose=verbose), open_registries(Settings.load(), utc_now) as registries:
        states = open_state(state)
        examination = Examination(states, utc_now, _policies(policy), noting(states, utc_now))
        found = _examined(examination, registries, repositories, max_reads, yes=yes)
        found = _counselled(found, read_workflows(workflow or workflow_files()))
        print_report(output, view(utc_now(), all_rows=all_rows), report(found), as_json(found))
        finish(worst(one.exit_code for one in found))


def _examined(
    examination: Examination,
    registries: Registries,
    texts: list[str],
    limit: int,
    *,
    yes: bool,
) -> list[DiagnosisResult]:
    """Look at each repository once it is known how much there is to read of all of them."""
    with Activity(registries.watch):
        wanted = repositories_named(registries, texts)
        listed = [examination.list(registries.reader(one.registry), one) for one in wanted]
    permit([one for one in listed if isinstance(one, Ahead)], limit, yes=yes)
    with Activity(registries.watch):
        return [
            examination.read(registries.reader(one.repository.registry), one)
            if isinstance(one, Ahead)
            else one
            for one in listed
        ]


def _counselled(found: list[DiagnosisResult], workflows: WorkflowFiles) -> list[DiagnosisResult]:
    """Add what workflows have to do with what was found, where there are any."""
    if not workflows.workflows and not workflows.unread:
        return found
    return [
        replace(one, workflow_advice=advise(workflows, one.repository, one.diagnosis.groups))
        if one.diagnosis
        else one
        for one in found
    ]


def _policies(paths: list[Path] | None) -> Callable[[Diagnosis], Policy | None]:
    """Return what tells the policy to forecast with: of the files given, else the suggested one.

    Raises: PolicyError, for files that cannot be read.
    """
    if paths:
        given = load_policies(paths)
        return lambda found: given.policy_for(found.inventory.repository)
    return _suggested


def _suggested(found: Diagnosis) -> Policy | None:
    text = suggestion(found.inventory, (group.cause for group in found.groups))
    return load_text("suggested", text.encode()).policies[0] if text else None
