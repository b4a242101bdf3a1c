"""`reconciler state`: initialize, check, migrate and export the state."""

from typing import Annotated

import typer

from reconciler.commands._console import finish, running, view
from reconciler.commands._options import StateDirectory
from reconciler.errors import worst

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    help="Initialize, check, migrate and export the state.",
)

Target = Annotated[
    str,
    typer.Option(
        "--to", help="Where to copy the state to, written as for --state.", metavar="PLACE"
    ),
]


@app.command()
def init(state: StateDirectory = None) -> None:
    """Check that the state backend works, and create what it needs.

    A store without conditional writes is rejected: it could not keep two runs apart.
    """
    from reconciler.session import open_state, place_of_state

    with running(verbose=False):
        open_state(state).check_writable()
        typer.echo(f"The state can be stored at {place_of_state(state)}.")


@app.command()
def doctor(state: StateDirectory = None) -> None:
    """Verify every journal and read all observations, without changing them.

    Exits with 8 when something is broken.
    """
    from reconciler.engine.state_admin import examine
    from reconciler.formats.state import render_conditions
    from reconciler.session import open_state, utc_now

    with running(verbose=False):
        # Broken journals are results here, so that all of them are listed, and not only the first.
        conditions = list(examine(open_state(state)))
        typer.echo(render_conditions(conditions, view(utc_now())), nl=False)
        finish(worst(condition.error.exit_code for condition in conditions if condition.error))


@app.command()
def migrate(to: Target, state: StateDirectory = None) -> None:
    """Copy the state to another place, and verify the journals on both sides.

    The copy has the same hashes. The old state is kept: set --state or RECONCILER_STATE to the
    new place everywhere, then remove the old one. Run it again to continue an interrupted copy.
    """
    from reconciler.engine.run import holder
    from reconciler.engine.state_admin import migrate as copy
    from reconciler.formats.state import render_copied
    from reconciler.session import open_state, place_of_state, utc_now

    with running(verbose=False):
        # Copied completely before anything is printed: a partial list would look like success.
        copied = list(copy(open_state(state), open_state(to), holder(utc_now())))
        typer.echo(render_copied(copied, view(utc_now())), nl=False)
        typer.echo(f"Set --state or RECONCILER_STATE to {place_of_state(to)} from now on.")


@app.command()
def export(state: StateDirectory = None) -> None:
    """Print every record of every journal as one line of JSON, with its repository."""
    from reconciler.formats.state import as_line
    from reconciler.session import open_state

    with running(verbose=False):
        opened = open_state(state)
        for repository in opened.repositories():
            for record in opened.of(repository).records():
                typer.echo(as_line(repository, record))
