"""Options and arguments that several commands share, and how they are read.

Modules of commands import at their top only what `--help` and completion need, and what a command
works with when it runs: otherwise each `--help` would take as long as a command.
"""

from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from reconciler.errors import InvalidNameError

if TYPE_CHECKING:
    from reconciler.core.planner import RaisedLimits
    from reconciler.model.names import Mention

Format = Literal["text", "json", "markdown", "html"]
PlanFormat = Annotated[Format, typer.Option("--format", help="The output format of the plan.")]
ReportFormat = Annotated[Format, typer.Option("--format", help="The output format of the report.")]
AllRows = Annotated[bool, typer.Option("--all", help="Print every row.")]
PolicyPaths = Annotated[
    list[Path] | None,
    typer.Argument(help="Policy files or folders of them. Default: policies/", metavar="PATHS"),
]
Repositories = Annotated[
    list[str] | None,
    typer.Argument(
        help="Repositories, or patterns of them. Default: the packages of this clone of"
        " github.com.",
        metavar="REPOSITORY",
    ),
]
StateDirectory = Annotated[
    str | None,
    typer.Option(
        "--state",
        help="Where the state is stored: a directory, or s3://, gs://, az://, github://, "
        "postgresql://. Default: as in reconciler.toml, else .reconciler/",
        metavar="PLACE",
    ),
]
Allow = Annotated[
    list[str] | None,
    typer.Option(
        "--allow",
        help="Raise a guard of one repository for this plan only: GUARD:REPOSITORY=LIMIT.",
        metavar="GUARD:REPO=N",
    ),
]
Only = Annotated[
    list[str] | None,
    typer.Option(
        "--only",
        help="Only this repository, or those that match a pattern; may be repeated.",
        metavar="REPOSITORY",
    ),
]
RetryRetained = Annotated[
    bool,
    typer.Option("--retry-retained", help="Try again to delete what the registry refused before."),
]
Verbose = Annotated[bool, typer.Option("--verbose", "-v", help="Log each request to stderr.")]
MaxReads = Annotated[
    int,
    typer.Option(
        "--max-reads", min=0, help="Ask before reading more manifests than this.", metavar="N"
    ),
]
YesReads = Annotated[
    bool, typer.Option("--yes", help="Read any number of manifests without asking.")
]


def policy_paths(paths: list[Path] | None) -> list[Path]:
    """Return the paths given, or those of the project of the current folder."""
    from reconciler.project import find_project

    return paths or list(find_project(Path.cwd()).policies)


def allowances(texts: list[str] | None) -> "RaisedLimits":
    """Read `GUARD:REPOSITORY=LIMIT` arguments.

    Raises: typer.BadParameter, quoting what cannot be read.
    """
    from reconciler.model.names import Repository

    allowed: dict[tuple[str, Repository], int] = {}
    for text in texts or ():
        # The repository may have a port, and so a colon; the limit is after the last `=`.
        guard, _, rest = text.partition(":")
        repository, _, limit = rest.rpartition("=")
        if guard not in ("max_delete", "max_delete_percent", "never_empty") or not limit.isdigit():
            raise typer.BadParameter(
                f"{text!r} is not GUARD:REPOSITORY=LIMIT", param_hint="--allow"
            )
        allowed[guard, Repository(repository)] = int(limit)
    return allowed


def refuse(given: Mapping[str, object], reason: str) -> None:
    """Refuse options that would have no effect: an ignored limit is worse than none.

    Raises: typer.BadParameter, naming those that were given.
    """
    if named := [option for option, value in given.items() if value]:
        raise typer.BadParameter(f"{', '.join(named)} {reason}")


def mention(text: str, where: str) -> "Mention":
    """Read a tag, a digest or its first digits, a repository, or a full reference.

    Raises: typer.BadParameter, when it can be none of them.
    """
    from reconciler.model.names import Mention

    try:
        return Mention.parse(text)
    except InvalidNameError as error:
        raise typer.BadParameter(str(error), param_hint=where) from error


def duration(text: str, option: str) -> timedelta:
    """Read a duration such as 90s, 50m, 6h or 3d.

    Raises: typer.BadParameter, for anything else.
    """
    units = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
    number, unit = text[:-1], text[-1:]
    # Six digits keep the result within a timedelta, which ends at 999,999,999 days.
    if not (number.isascii() and number.isdigit() and len(number) <= 6 and unit in units):
        raise typer.BadParameter(
            f"{text!r} is not a duration such as 50m or 72h", param_hint=option
        )
    return timedelta(**{units[unit]: int(number)})
