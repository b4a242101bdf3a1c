"""`reconciler log`: what runs did, and whether the journal is whole."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Literal

import typer

from reconciler.commands._console import AllRows, running, view
from reconciler.commands._options import StateDirectory, mention
from reconciler.core.history import attempts_on
from reconciler.errors import JournalError, SettingsError
from reconciler.formats.log import (
    located,
    records_as_json,
    render_records,
    render_runs,
    runs_as_json,
    summaries,
)
from reconciler.formats.why import as_json, render
from reconciler.model.journal import Record
from reconciler.model.names import Repository
from reconciler.session import open_state, utc_now

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    help="List runs, show what they did, tell why something went, verify the journal.",
)

LogFormat = Annotated[Literal["text", "json"], typer.Option("--format", help="How to print it.")]


@app.command("list")
def list_runs(state: StateDirectory = None, output: LogFormat = "text") -> None:
    """List every run that changed anything, the latest first."""
    with running(verbose=False):
        runs = summaries(journals(state))
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
        found = located(journals(state), run)
        if not found:
            raise SettingsError(f"no run {run}", hint="`reconciler log list` names them all.")
        text = (
            records_as_json(found) if output == "json" else render_records(found, view(utc_now()))
        )
        typer.echo(text, nl=False)


@app.command()
def why(
    name: Annotated[
        str,
        typer.Argument(
            help="A tag, a digest or its first digits; with or without the repository.",
            metavar="REF",
        ),
    ],
    state: StateDirectory = None,
    output: LogFormat = "text",
    all_rows: AllRows = False,
) -> None:
    """Say why a version is gone: who deleted it, when, by which rule, and the way back."""
    with running(verbose=False):
        found = attempts_on(journals(state), mention(name, "REF"))
        seen = view(utc_now(), all_rows=all_rows)
        typer.echo(as_json(found) if output == "json" else render(found, name, seen), nl=False)


@app.command()
def verify(
    head: Annotated[
        str, typer.Option(help="Also demand that a record has this hash, as `apply` printed it.")
    ] = "",
    state: StateDirectory = None,
) -> None:
    """Check that no record was altered or lost since it was written."""
    with running(verbose=False):
        found = journals(state)
        for repository, records in found.items():
            last = records[-1].hash if records else "empty"
            typer.echo(f"{repository}: {len(records)} records, head {last}")
        if head and not any(head == record.hash for part in found.values() for record in part):
            raise JournalError(f"no journal has the record {head}: the log was cut off or replaced")


def journals(state: str | None) -> Mapping[Repository, Sequence[Record]]:
    """Read and verify the journals of all repositories."""
    opened = open_state(state)
    return {repository: opened.of(repository).records() for repository in opened.repositories()}
