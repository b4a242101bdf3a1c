"""`reconciler show`: print a saved plan."""

from pathlib import Path
from typing import Annotated

import typer

from reconciler.commands._console import load_plan, print_plan, reported_errors, view
from reconciler.commands._options import AllRows, PlanFormat

app = typer.Typer(add_completion=False)


@app.command()
def show(
    path: Annotated[Path, typer.Argument(help="A plan saved with --out.", metavar="PLAN")],
    output: PlanFormat = "text",
    all_rows: AllRows = False,
) -> None:
    """Show a saved plan, even an expired one. Contacts nothing."""
    from reconciler.clock import utc_now

    with reported_errors():
        print_plan(load_plan(path), output, view(utc_now(), all_rows=all_rows))
