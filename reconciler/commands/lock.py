"""`reconciler lock`: show who holds locks, and break the locks of a run that hangs."""

from typing import Annotated, Literal

import typer

from reconciler.commands._console import running, view
from reconciler.commands._options import StateDirectory

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    help="Show who holds locks; break the lock of a run that hangs.",
)

LockFormat = Annotated[Literal["text", "json"], typer.Option("--format", help="The output format.")]
Run = Annotated[
    str,
    typer.Option("--id", help="The id of the run that hangs, as in `lock status`.", metavar="RUN"),
]


@app.command()
def status(state: StateDirectory = None, output: LockFormat = "text") -> None:
    """Show who holds the lock of each repository, since when and on which machine."""
    from reconciler.engine.state_admin import locks
    from reconciler.formats.state import as_json, render
    from reconciler.session import open_state, utc_now

    with running(verbose=False):
        holders = locks(open_state(state))
        text = as_json(holders) if output == "json" else render(holders, view(utc_now()))
        typer.echo(text, nl=False)


@app.command("break")
def break_(run: Run, state: StateDirectory = None) -> None:
    """Break the locks of a run that hangs. If it resumes, it deletes nothing more.

    In a directory or a database a lock ends with its process, so this is only needed for a
    process that still runs, and stopping that process is safer. With other backends the lock of
    a run that died expires after some minutes; this frees it at once.
    """
    from reconciler.engine.run import holder
    from reconciler.engine.state_admin import break_locks
    from reconciler.formats.state import FREE, render_broken
    from reconciler.session import open_state, utc_now

    with running(verbose=False):
        breaker = holder(utc_now())
        broken = break_locks(run, open_state(state), breaker)
        # A free lock is no error: the run may have ended since `lock status` listed it.
        if broken:
            typer.echo(render_broken(broken, view(utc_now()), machine=breaker.where), nl=False)
        else:
            typer.echo(FREE)
