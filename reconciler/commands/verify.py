"""`reconciler verify`: is every tagged image whole."""

from pathlib import Path
from typing import Annotated

import typer

from reconciler.commands._console import AllRows, ReportFormat, finish, print_report, running, view
from reconciler.commands._options import StateDirectory, Verbose
from reconciler.commands._progress import Activity
from reconciler.commands._targets import repositories_named
from reconciler.connect import open_registries
from reconciler.engine.inspect import examine
from reconciler.errors import worst
from reconciler.formats.integrity import as_json, report
from reconciler.session import noting, open_state, utc_now
from reconciler.settings import Settings

app = typer.Typer(add_completion=False)


@app.command()
def verify(
    repositories: Annotated[
        list[str] | None,
        typer.Argument(help="Repositories, or patterns of them.", metavar="REPOSITORY"),
    ] = None,
    policy: Annotated[
        list[Path] | None,
        typer.Option(
            help="Look at the repositories that these policy files name.", metavar="PATHS"
        ),
    ] = None,
    blobs: Annotated[
        bool, typer.Option("--blobs", help="Ask for configurations and layers, too.")
    ] = False,
    output: ReportFormat = "text",
    state: StateDirectory = None,
    all_rows: AllRows = False,
    verbose: Verbose = False,
) -> None:
    """Look whether every tagged image is whole, and list what broken ones lack. Changes nothing.

    Each manifest below a tag is asked of the registry itself. What the state knows of something
    that is missing is told with it. Exits 2 when an image is broken.
    """
    with running(verbose=verbose):
        if not repositories and not policy:
            raise typer.BadParameter("name repositories, or policy files with --policy")
        with open_registries(Settings.load(), utc_now) as registries, Activity(registries.watch):
            states = open_state(state)
            note = noting(states, utc_now)
            found = [
                examine(
                    registries.reader(one.registry), one, states.of(one), blobs=blobs, note=note
                )
                for one in repositories_named(registries, repositories or (), policy or ())
            ]
        print_report(output, view(utc_now(), all_rows=all_rows), report(found), as_json(found))
        finish(worst(one.exit_code for one in found))
