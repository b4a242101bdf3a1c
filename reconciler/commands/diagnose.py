"""`reconciler diagnose`: why are these versions here, and what makes more of them."""

from collections.abc import Callable, Sequence
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
from reconciler.connect import open_registries
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
    with running(verbose=verbose):
        workflows = read_workflows(workflow or workflow_files())
        results = diagnose_all(
            repositories, policy, workflows, state=state, max_reads=max_reads, yes=yes
        )
        printed = view(utc_now(), all_rows=all_rows)
        print_report(output, printed, report(results), as_json(results))
        finish(worst(result.exit_code for result in results))


def diagnose_all(
    patterns: Sequence[str],
    policies: list[Path] | None,
    workflows: WorkflowFiles,
    *,
    state: str | None = None,
    max_reads: int = MANY_READS,
    yes: bool = False,
) -> list[DiagnosisResult]:
    """Diagnose every repository that a pattern matches, and advise on the workflows given.

    Raises: typer.BadParameter, when a pattern is malformed or matches nothing; UsageError, when
        there is more to read than `max_reads` and nobody can be asked; typer.Exit, when the
        answer is no; PolicyError, SettingsError.
    """
    with open_registries(Settings.load(), utc_now) as registries:
        states = open_state(state)
        examination = Examination(states, utc_now, _policies(policies), noting(states, utc_now))
        # Every listing comes first, so that one question covers the reads of all repositories.
        with Activity(registries.watch):
            listed = [
                examination.list(registries.reader(repository.registry), repository)
                for repository in repositories_named(registries, patterns)
            ]
        permit([ahead for ahead in listed if isinstance(ahead, Ahead)], max_reads, yes=yes)
        with Activity(registries.watch):
            results = [
                examination.read(registries.reader(ahead.repository.registry), ahead)
                if isinstance(ahead, Ahead)
                else ahead
                for ahead in listed
            ]
    return _counselled(results, workflows)


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
