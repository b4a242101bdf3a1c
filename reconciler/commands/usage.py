"""`reconciler usage`: show how much storage repositories use, and what a plan would free."""

from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from reconciler.commands._console import load_plan, print_report, running, view
from reconciler.commands._options import (
    AllRows,
    MaxReads,
    ReportFormat,
    Repositories,
    StateDirectory,
    Verbose,
    YesReads,
    refuse,
)

if TYPE_CHECKING:
    from reconciler.analysis.usage import UsageInput
    from reconciler.model.inventory import Inventory
    from reconciler.model.plan import Plan
    from reconciler.model.ports import State

app = typer.Typer(add_completion=False)


@app.command()
def usage(
    repositories: Repositories = None,
    plan: Annotated[
        Path | None,
        typer.Option(help="Also show what this saved plan would free.", metavar="PLAN"),
    ] = None,
    policy: Annotated[
        list[Path] | None,
        typer.Option(help="Also show what a plan by these policies would free.", metavar="PATHS"),
    ] = None,
    max_reads: MaxReads = 1_000,
    yes: YesReads = False,
    output: ReportFormat = "text",
    state: StateDirectory = None,
    all_rows: AllRows = False,
    verbose: Verbose = False,
) -> None:
    """Show how much storage repositories use, by tag, by cause and by image. Changes nothing.

    Each blob is counted once. Reads every manifest once and caches it; layers are not read.
    """
    from reconciler.analysis.usage import usage_totals
    from reconciler.commands._targets import read_all, repositories_named
    from reconciler.connect import open_registries
    from reconciler.formats.usage import as_json, report
    from reconciler.session import noting, open_session, open_state, utc_now
    from reconciler.settings import Settings

    with running(verbose=verbose):
        if plan:
            refuse({"--policy": policy}, "cannot be combined with --plan")
        chosen = load_plan(plan) if plan else None
        with open_registries(Settings.load(), utc_now) as registries:
            wanted = repositories_named(registries, repositories or ())
            states = open_state(state)
            read = read_all(registries, wanted, states, limit=max_reads, yes=yes)
        # Where a registry reports no push times, rules use the time of the first reading instead.
        note = noting(states, utc_now)
        for inventory in read:
            note(inventory)
        # The manifests that were read are in the cache now, so planning repeats only the listing.
        if policy:
            with open_session(policy, state, only=wanted) as session:
                chosen = session.plan(lasts=timedelta(hours=1))
        totals = usage_totals(_usage_input(inventory, states, chosen) for inventory in read)
        display = view(utc_now(), all_rows=all_rows)
        print_report(output, display, report(totals), as_json(totals))


def _usage_input(inventory: "Inventory", states: "State", plan: "Plan | None") -> "UsageInput":
    """Describe one repository: the cause of each version, and what a plan deletes."""
    from reconciler.analysis.diagnose.diagnose import diagnose
    from reconciler.session import utc_now

    observations = states.of(inventory.repository).observations()
    parts = plan.repositories if plan else ()
    own = [part for part in parts if part.repository == inventory.repository]
    deleted = frozenset(change.digest for part in own for change in part.changes)
    # Without a plan nothing is forecast, which is not the same as a plan that frees nothing.
    diagnosis = diagnose(inventory, observations, now=utc_now())
    return diagnosis.usage_input(deleted if plan else None)
