"""`reconciler comment`: one comment on a pull request that shows the plan, kept up to date."""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from reconciler.commands._console import load_plan, running, view
from reconciler.commands._options import StateDirectory, Verbose, refuse
from reconciler.commands.log import journals
from reconciler.errors import PlanError, SettingsError
from reconciler.formats.comment import AppliedRun, Posting, applied_run, is_ours, render
from reconciler.github.issues import Conversation, Posted, post
from reconciler.model.comparison import Difference, read_difference
from reconciler.model.plan import Plan
from reconciler.session import utc_now
from reconciler.settings import GITHUB_HOST, Settings
from reconciler.transport.watch import RunClock

app = typer.Typer(add_completion=False)

_LINK = re.compile(r"https?://[A-Za-z0-9./:?&=%#_~+,-]{1,1000}")

SavedPlan = Annotated[Path, typer.Argument(help="A plan saved by `plan --out`.", metavar="PLAN")]
Number = Annotated[
    int, typer.Option("--pr", help="The number of the pull request.", min=1, metavar="N")
]
RepositoryName = Annotated[
    str,
    typer.Option("--repo", help="Where it is. Default: GITHUB_REPOSITORY", metavar="OWNER/NAME"),
]
AgainstJson = Annotated[
    Path | None,
    typer.Option(
        "--against-json",
        help="What the pull request itself changes, saved by `plan --against-json`.",
        metavar="FILE",
    ),
]
Link = Annotated[
    str,
    typer.Option(
        help="Where the whole plan can be read. Default: the page of the workflow's run.",
        metavar="URL",
    ),
]
AppliedBy = Annotated[
    str,
    typer.Option(
        "--applied", help="The run that carried the plan out, as the state knows it.", metavar="RUN"
    ),
]
Author = Annotated[
    str,
    typer.Option(
        help="The account that writes with this token, where it is another app's than Actions'.",
        metavar="LOGIN",
    ),
]

_REPOSITORY = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]{0,99}/[A-Za-z0-9._-]{1,100}")


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
    """Show a saved plan in one comment of a pull request, and keep that comment up to date.

    Needs GITHUB_TOKEN with `pull-requests: write`. Prints the address of the comment. Nothing is
    ever decided by what the comment says: `apply` reads the plan itself.
    """
    with running(verbose=verbose):
        if not applied:
            refuse({"--state": state}, "be of use without --applied")
        plan, where = _saved_plan(path), CommentTarget(number, repository, author)
        seen = view(utc_now(), against=_difference(against_json, plan))
        run, address = _run(applied, state), _address(link)
        posted = publish(where, lambda old: render(plan, seen, Posting(old, address, run)))
        typer.echo(posted.comment.html_url)
        typer.echo(f"The comment was {posted.done}.", err=True)


def _saved_plan(path: Path) -> Plan:
    """Read the plan to show.

    Raises: PlanError, also for a plan that restores, which is no pull request's business.
    """
    plan = load_plan(path)
    if plan.undoes:
        hint = "Save a plan that deletes with `plan --out`."
        raise PlanError(f"{path}: this plan restores what a run deleted", hint=hint)
    return plan


def _address(link: str) -> str:
    """Accept what a link can hold without being able to end it; by default, the workflow's run.

    Raises: typer.BadParameter, for anything else.
    """
    if link and not _LINK.fullmatch(link):
        raise typer.BadParameter(f"{link!r} is not an http or https URL", param_hint="--link")
    page = Settings.load().run_page
    return link or (page if _LINK.fullmatch(page) else "")


def _difference(path: Path | None, plan: Plan) -> Difference | None:
    """Read what a plan was compared with.

    Raises: PlanError, when it is none, or was made beside another plan: it would tell lies here.
    """
    if path is None:
        return None
    try:
        difference = read_difference(path.read_bytes())
    except OSError as error:
        hint = "Name a file made by `plan --against REVISION --against-json FILE`."
        raise PlanError(f"{path}: {error.strerror}", hint=hint) from error
    if difference.plan != plan.digest:
        raise PlanError(f"{path} was made beside another plan: {difference.plan}")
    return difference


def _run(run: str, state: str | None) -> AppliedRun | None:
    """Find a run in the state; None where no run is named.

    Raises: SettingsError, when the state has no such run.
    """
    if not run:
        return None
    found = applied_run(journals(state), run)
    if found is None:
        raise SettingsError(f"no run {run}", hint="`reconciler log list` names them all.")
    return found


@dataclass(frozen=True, slots=True)
class CommentTarget:
    """Which pull request, and who writes there.

    Shape: `repository` is `owner/name`, by default the one of the workflow; `author` is a login,
        empty for the account that the token is known to belong to.
    """

    number: int
    repository: str = ""
    author: str = ""


def publish(where: CommentTarget, write: Callable[[str], str]) -> Posted:
    """Create or update the comment; `write` is given the text that stood there, empty for none.

    Raises: SettingsError, AccessError, UnreachableError, ProtocolError.
    """
    with _conversation(where) as conversation:
        author = where.author or conversation.author()
        posted = post(conversation, author, is_ours, write)
    writer = posted.comment.author
    if writer and writer != author.lower():
        typer.echo(
            f"This token writes as {writer}, and comments of {author} were looked for:"
            f" add --author {writer}, or each run writes a comment of its own.",
            err=True,
        )
    return posted


@contextmanager
def _conversation(where: CommentTarget) -> Iterator[Conversation]:
    """Open the conversation with GitHub's token, which goes to its API alone."""
    settings = Settings.load()
    repository = where.repository or settings.workflow_repository
    if not _REPOSITORY.fullmatch(repository) or repository.endswith(("/.", "/..")):
        raise SettingsError(
            f"{repository!r} is no repository of GitHub",
            hint="Name it with --repo OWNER/NAME; in a workflow GITHUB_REPOSITORY does.",
        )
    token = settings.token_for(GITHUB_HOST)
    conversation = Conversation.open(
        settings.github_api,
        token.get_secret_value() if token else "",
        RunClock(utc_now),
        repository,
        where.number,
    )
    try:
        yield conversation
    finally:
        conversation.close()
