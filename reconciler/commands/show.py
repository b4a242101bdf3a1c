"""`reconciler show`: print a saved plan."""

from pathlib import Path
from typing import Annotated

import typer

from reconciler.commands._console import AllRows, PlanFormat, load_plan, print_plan, running, view
from reconciler.session import utc_now

app = typer.Typer(add_completion=False)


@app.command()
def show(
    path: Annotated[Path, typer.Argument(help="A plan saved with --out.", metavar="PLAN")],
    output: PlanFormat = "text",
    all_rows: AllRows = False,
) -> None:
    """Show a saved plan, even an expired one. Contacts nothing."""
    with running(verbose=False):
        print_plan(load_plan(path), output, view(utc_now(), all_rows=all_rows))
