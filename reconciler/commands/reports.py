"""How commands print a report of figures and tables."""

from typing import Annotated

import typer

from reconciler.commands.output import Format
from reconciler.formats.reports.catalogue import FORMATS
from reconciler.formats.reports.report import Report
from reconciler.formats.view import View

ReportFormat = Annotated[Format, typer.Option("--format", help="How to print the report.")]


def print_report(output: Format, seen: View, report: Report, as_json: str) -> None:
    """Print a report on stdout; `as_json` is what programs get instead."""
    typer.echo(as_json if output == "json" else FORMATS[output](report, seen), nl=False)
