"""`reconciler log`: show what runs did, explain deletions, and verify the journal."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from reconciler.commands._console import running, view
from reconciler.commands._options import AllRows, StateDirectory, mention
from reconciler.errors import JournalError, SettingsError

if TYPE_CHECKING:
    from reconciler.model.journal import Record
    from reconciler.model.names import Repository

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    help="List runs, show what they did, explain deletions, verify the journal.",
)

LogFormat = Annotated[Literal["text", "json"], typer.Option("--format", help="The output format.")]


@app.command("list")
def list_runs(state: StateDirectory = None, output: LogFormat = "text") -> None:
    """List every run that changed anything, newest first."""
    from reconciler.formats.log import render_runs, runs_as_json, summaries
    from reconciler.session import utc_now

    with running(verbose=False):
        # Every command of this group verifies the hash chains before it shows anything.
        runs = summaries(journals(state))
        text = runs_as_json(runs) if output == "json" else render_runs(runs, view(utc_now()))
        typer.echo(text, nl=False)


@app.command()
def show(
    run: Annotated[str, typer.Argument(help="The id of a run, as in `log list`.", metavar="RUN")],
    state: StateDirectory = None,
    output: LogFormat = "text",
) -> None:
    """Show what one run did, record by record."""
    from reconciler.formats.log import located, records_as_json, render_records
    from reconciler.session import utc_now

    with running(verbose=False):
        records = located(journals(state), run)
        if not records:
            raise SettingsError(f"no run {run}", hint="`reconciler log list` lists all runs.")
        text = (
            records_as_json(records)
            if output == "json"
            else render_records(records, view(utc_now()))
        )
        typer.echo(text, nl=False)


@app.command()
def why(
    name: Annotated[
        str,
        typer.Argument(
            help="A tag, or a digest or its first digits; with or without the repository.",
            metavar="REF",
        ),
    ],
    state: StateDirectory = None,
    output: LogFormat = "text",
    all_rows: AllRows = False,
) -> None:
    """Explain a deletion: who deleted the version, when, by which rule, and how to restore it."""
    from reconciler.core.history import attempts_on
    from reconciler.formats.log import deletions_as_json, render_deletions
    from reconciler.session import utc_now

    with running(verbose=False):
        attempts = attempts_on(journals(state), mention(name, "REF"))
        display = view(utc_now(), all_rows=all_rows)
        text = (
            deletions_as_json(attempts)
            if output == "json"
            else render_deletions(attempts, name, display)
        )
        typer.echo(text, nl=False)


@app.command()
def verify(
    head: Annotated[
        str,
        typer.Option(
            help="Also require a record with this hash, as printed by `apply`.", metavar="HASH"
        ),
    ] = "",
    state: StateDirectory = None,
) -> None:
    """Check that no record was altered or removed."""
    with running(verbose=False):
        # Reading a journal verifies its hash chain, but a chain that lost its end is still valid:
        # only a hash that was recorded elsewhere shows that.
        verified = journals(state)
        for repository, records in verified.items():
            last = records[-1].hash if records else "empty"
            typer.echo(f"{repository}: {len(records)} records, head {last}")
        if head and not any(head == record.hash for part in verified.values() for record in part):
            raise JournalError(
                f"no journal has the record {head}: the log was truncated or replaced"
            )


def journals(state: str | None) -> Mapping["Repository", Sequence["Record"]]:
    """Read and verify the journals of all repositories."""
    from reconciler.session import open_state

    opened = open_state(state)
    return {repository: opened.of(repository).records() for repository in opened.repositories()}
