"""`reconciler log`: what runs did, and whether the journal is whole."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Literal

import typer

from reconciler.commands.options import StateDirectory
from reconciler.commands.output import view
from reconciler.commands.running import running
from reconciler.errors import JournalError, SettingsError
from reconciler.formats.log import records_as_json, render_records, render_runs, runs_as_json
from reconciler.formats.runs import located, summaries
from reconciler.model.journal import Record
from reconciler.model.names import Repository
from reconciler.session import open_state, utc_now

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    help="List runs, show what they did, verify the journal.",
)

LogFormat = Annotated[Literal["text", "json"], typer.Option("--format", help="How to print it.")]


@app.command("list")
def list_runs(state: StateDirectory = None, output: LogFormat = "text") -> None:
    """List every run that changed anything, the latest first."""
    with running(verbose=False):
        runs = summaries(_journals(state))
        text = runs_as_json(runs) if output == "json" else render_runs(runs, view(utc_now()))
        typer.echo(text, nl=False)


@app.command()
def show(
    run: Annotated[str, typer.Argument(help="The id of a run, as `log list` prints it.")],
    state: StateDirectory = None,
    output: LogFormat = "text",
) -> None:
    """Show what one run did, record by record."""
    with running(verbose=False):
        found = located(_journals(state), run)
        if not found:
            raise SettingsError(f"no run {run}", hint="`reconciler log list` names them all.")
        text = (
            records_as_json(found) if output == "json" else render_records(found, view(utc_now()))
        )
        typer.echo(text, nl=False)


@app.command()
def verify(
    head: Annotated[
        str, typer.Option(help="Also demand that a record has this hash, as `apply` printed it.")
    ] = "",
    state: StateDirectory = None,
) -> None:
    """Check that no record was altered or lost since it was written."""
    with running(verbose=False):
        journals = _journals(state)
        for repository, records in journals.items():
            last = records[-1].hash if records else "empty"
            typer.echo(f"{repository}: {len(records)} records, head {last}")
        if head and not any(head == record.hash for part in journals.values() for record in part):
            raise JournalError(f"no journal has the record {head}: the log was cut off or replaced")


def _journals(state: Path | None) -> Mapping[Repository, Sequence[Record]]:
    """Read and verify the journals of all repositories."""
    opened = open_state(state)
    return {repository: opened.of(repository).records() for repository in opened.repositories()}
