"""`reconciler state`: where the journal lives: begin, look after, move and export it."""

from typing import Annotated

import typer

from reconciler.commands._console import finish, running, view
from reconciler.commands._options import StateDirectory
from reconciler.engine.state_admin import examine
from reconciler.engine.state_admin import migrate as copy
from reconciler.errors import worst
from reconciler.formats.state import as_line, render_conditions, render_copied
from reconciler.session import holder, open_state, place_of_state, utc_now

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    help="Begin the state at a place; look after it, move it, export its journals.",
)

Target = Annotated[
    str, typer.Option("--to", help="Where to copy it: a place like --state's.", metavar="PLACE")
]


@app.command()
def init(state: StateDirectory = None) -> None:
    """Prove that a state can be kept at a place, and make there what it needs.

    A store that does not keep the conditions of writes is refused: two runs could delete at once.
    """
    with running(verbose=False):
        open_state(state).check_writable()
        typer.echo(f"The state can be kept at {place_of_state(state)}.")


@app.command()
def doctor(state: StateDirectory = None) -> None:
    """Verify every journal and read all observations. Writes nothing into them.

    Ends with exit code 8 when something is broken.
    """
    with running(verbose=False):
        conditions = list(examine(open_state(state)))
        typer.echo(render_conditions(conditions, view(utc_now())), nl=False)
        finish(worst(condition.error.exit_code for condition in conditions if condition.error))


@app.command()
def migrate(to: Target, state: StateDirectory = None) -> None:
    """Copy the state to another place, and verify each chain on both sides.

    The copy has the same hashes. Nothing is removed: set --state or RECONCILER_STATE to the new
    place everywhere, and only then remove the old one. An interrupted copy goes on when run again.
    """
    with running(verbose=False):
        copied = list(copy(open_state(state), open_state(to), holder(utc_now())))
        typer.echo(render_copied(copied, view(utc_now())), nl=False)
        typer.echo(f"Set --state or RECONCILER_STATE to {place_of_state(to)} from now on.")


@app.command()
def export(state: StateDirectory = None) -> None:
    """Print every record of every journal as a line of JSON, with its repository."""
    with running(verbose=False):
        opened = open_state(state)
        for repository in opened.repositories():
            for record in opened.of(repository).records():
                typer.echo(as_line(repository, record))
