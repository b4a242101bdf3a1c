"""`reconciler lock`: who holds locks, and breaking one whose run hangs."""

from typing import Annotated, Literal

import typer

from reconciler.commands._console import running, view
from reconciler.commands._options import StateDirectory
from reconciler.engine.state_admin import break_locks, locks
from reconciler.formats.state import FREE, as_json, render, render_broken
from reconciler.session import holder, open_state, utc_now

app = typer.Typer(
    add_completion=False, no_args_is_help=True, help="Say who holds locks; break one."
)

LockFormat = Annotated[Literal["text", "json"], typer.Option("--format", help="How to print it.")]
Run = Annotated[str, typer.Option("--id", help="The run that hangs, as `lock status` names it.")]


@app.command()
def status(state: StateDirectory = None, output: LockFormat = "text") -> None:
    """Say of each repository who holds its lock, since when and where."""
    with running(verbose=False):
        held = locks(open_state(state))
        text = as_json(held) if output == "json" else render(held, view(utc_now()))
        typer.echo(text, nl=False)


@app.command("break")
def break_(run: Run, state: StateDirectory = None) -> None:
    """Take the locks away from a run that hangs; it deletes nothing more, should it wake up.

    In a directory or a database a lock goes with its process, however that ends: there this is
    only for one that still lives, and it is safer to stop the process. Elsewhere the lock of a run
    that died is free after some minutes; this frees it at once.
    """
    with running(verbose=False):
        breaker = holder(utc_now())
        broken = break_locks(run, open_state(state), breaker)
        if broken:
            typer.echo(render_broken(broken, view(utc_now()), machine=breaker.where), nl=False)
        else:
            typer.echo(FREE)
