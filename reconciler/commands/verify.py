"""`reconciler verify`: check that every tagged image can be pulled completely."""

from pathlib import Path
from typing import Annotated

import typer

from reconciler.commands._console import finish, print_report, running, view
from reconciler.commands._options import (
    AllRows,
    ReportFormat,
    Repositories,
    StateDirectory,
    Verbose,
)
from reconciler.errors import worst

app = typer.Typer(add_completion=False)


@app.command()
def verify(
    repositories: Repositories = None,
    policy: Annotated[
        list[Path] | None,
        typer.Option(help="Verify the repositories that these policy files name.", metavar="PATHS"),
    ] = None,
    blobs: Annotated[
        bool, typer.Option("--blobs", help="Also check that configurations and layers exist.")
    ] = False,
    output: ReportFormat = "text",
    state: StateDirectory = None,
    all_rows: AllRows = False,
    verbose: Verbose = False,
) -> None:
    """Check that every tagged image can be pulled completely. Changes nothing.

    Asks the registry for each manifest that a tag refers to, not the cache. Lists what broken
    images lack, with what the state records about it. Exits with 2 when an image is broken.
    """
    from reconciler.commands._progress import Activity
    from reconciler.commands._targets import repositories_named
    from reconciler.connect import open_registries
    from reconciler.engine.inspect import examine
    from reconciler.formats.integrity import as_json, report
    from reconciler.session import noting, open_state, utc_now
    from reconciler.settings import Settings

    with running(verbose=verbose):
        with open_registries(Settings.load(), utc_now) as registries, Activity(registries.watch):
            states = open_state(state)
            note = noting(states, utc_now)
            results = registries.each(
                lambda repository: examine(
                    registries.reader(repository.registry),
                    repository,
                    states.of(repository),
                    blobs=blobs,
                    save_digests=note,
                ),
                repositories_named(registries, repositories or (), policy or ()),
            )
        display = view(utc_now(), all_rows=all_rows)
        print_report(output, display, report(results), as_json(results))
        finish(worst(result.exit_code for result in results))
