"""`reconciler comment`: create or update the comment on a pull request that shows a plan."""

from pathlib import Path
from typing import Annotated

import typer

from reconciler.commands._console import running
from reconciler.commands._options import StateDirectory, Verbose, refuse
from reconciler.commands.log import journals
from reconciler.errors import SettingsError

app = typer.Typer(add_completion=False)

SavedPlan = Annotated[Path, typer.Argument(help="A plan saved with `plan --out`.", metavar="PLAN")]
Number = Annotated[
    int, typer.Option("--pr", help="The number of the pull request.", min=1, metavar="N")
]
RepositoryName = Annotated[
    str,
    typer.Option(
        "--repo",
        help="The repository of the pull request. Default: GITHUB_REPOSITORY",
        metavar="OWNER/NAME",
    ),
]
AgainstJson = Annotated[
    Path | None,
    typer.Option(
        "--against-json",
        help="The difference that the pull request makes, saved with `plan --against-json`.",
        metavar="FILE",
    ),
]
Link = Annotated[
    str,
    typer.Option(
        help="The URL of the complete plan. Default: the page of the workflow run.",
        metavar="URL",
    ),
]
AppliedBy = Annotated[
    str,
    typer.Option(
        "--applied",
        help="The id of the run that applied the plan, as in `reconciler log list`.",
        metavar="RUN",
    ),
]
Author = Annotated[
    str,
    typer.Option(
        help="The account of the token, if it belongs to another app than GitHub Actions.",
        metavar="LOGIN",
    ),
]


@app.command()
def comment(
    path: SavedPlan,
    number: Number,
    repository: RepositoryName = "",
    against_json: AgainstJson = None,
    link: Link = "",
    applied: AppliedBy = "",
    author: Author = "",
    state: StateDirectory = None,
    verbose: Verbose = False,
) -> None:
    """Show a saved plan in one comment on a pull request; a later run updates that comment.

    Needs GITHUB_TOKEN with `pull-requests: write`. Prints the URL of the comment. The comment is
    only for people: `apply` reads the plan itself.
    """
    from reconciler.commands._publish import (
        CommentTarget,
        deletion_plan,
        publish,
        saved_difference,
    )
    from reconciler.formats.comment import applied_run

    with running(verbose=verbose):
        if not applied:
            refuse({"--state": state}, "requires --applied")
        plan = deletion_plan(path)
        difference = saved_difference(against_json, plan)
        # Every journal is verified here: the comment must not report a run that was forged.
        run = applied_run(journals(state), applied) if applied else None
        if applied and run is None:
            raise SettingsError(f"no run {applied}", hint="`reconciler log list` lists all runs.")
        target = CommentTarget(number, repository, author)
        publication = publish(target, plan, difference, link=link, applied=run)
        typer.echo(publication.address)
        for message in publication.messages:
            typer.echo(message, err=True)
