"""`reconciler usage`: what repositories take, and what a plan would free."""

from collections.abc import Mapping, Set
from datetime import timedelta
from pathlib import Path
from typing import Annotated

import typer

from reconciler.analysis.diagnose.diagnose import diagnose
from reconciler.analysis.usage import UsageInput, usage_totals
from reconciler.commands._console import (
    AllRows,
    ReportFormat,
    load_plan,
    print_report,
    running,
    view,
)
from reconciler.commands._options import StateDirectory, Verbose, refuse
from reconciler.commands._targets import MaxReads, YesReads, read_all, repositories_named
from reconciler.connect import open_registries
from reconciler.formats.usage import as_json, report
from reconciler.model.inventory import Inventory
from reconciler.model.names import Digest, Repository
from reconciler.model.plan import Plan
from reconciler.model.ports import State
from reconciler.session import noting, open_session, open_state, utc_now
from reconciler.settings import Settings

app = typer.Typer(add_completion=False)

Doomed = Mapping[Repository, Set[Digest]]


@app.command()
def usage(
    repositories: Annotated[
        list[str],
        typer.Argument(help="Repositories, or patterns of them.", metavar="REPOSITORY"),
    ],
    plan: Annotated[
        Path | None,
        typer.Option(help="Say what this saved plan would free.", metavar="PLAN"),
    ] = None,
    policy: Annotated[
        list[Path] | None,
        typer.Option(help="Say what a plan by these policies would free.", metavar="PATHS"),
    ] = None,
    max_reads: MaxReads = 1_000,
    yes: YesReads = False,
    output: ReportFormat = "text",
    state: StateDirectory = None,
    all_rows: AllRows = False,
    verbose: Verbose = False,
) -> None:
    """Add up what repositories take, each blob once: by tag, by cause, by image. Changes nothing.

    Reads every manifest, of which the cache keeps each for ever. Layers are not read.
    """
    with running(verbose=verbose):
        if plan:
            refuse({"--policy": policy}, "be given with --plan")
        saved = load_plan(plan) if plan else None
        with open_registries(Settings.load(), utc_now) as registries:
            wanted = repositories_named(registries, repositories)
            states = open_state(state)
            read = read_all(registries, wanted, states, limit=max_reads, yes=yes)
        note = noting(states, utc_now)
        for inventory in read:
            note(inventory)
        drawn = _planned(policy, state, wanted) if policy else saved
        doomed = _doomed(drawn) if drawn else None
        subjects = (_subject(one, states, doomed) for one in read)
        found = usage_totals(subjects)
        print_report(output, view(utc_now(), all_rows=all_rows), report(found), as_json(found))


def _subject(inventory: Inventory, states: State, doomed: Doomed | None) -> UsageInput:
    """Say of one repository what each version is there for, and what a plan deletes."""
    seen = states.of(inventory.repository).observations()
    groups = diagnose(inventory, seen, now=utc_now()).groups
    return UsageInput(
        inventory,
        {group.cause: {finding.version.digest for finding in group.findings} for group in groups},
        doomed.get(inventory.repository, frozenset()) if doomed is not None else None,
    )


def _planned(paths: list[Path], state: str | None, only: list[Repository]) -> Plan:
    with open_session(paths, state, only=only) as session:
        return session.plan(lasts=timedelta(hours=1))


def _doomed(plan: Plan) -> Doomed:
    return {
        part.repository: {change.digest for change in part.changes} for part in plan.repositories
    }
