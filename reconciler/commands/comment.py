"""`reconciler comment`: one comment on a pull request that shows the plan, kept up to date."""

import re
from collections.abc import Iterator
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
from reconciler.github.client import GitHubClient
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
        plan = deletion_plan(path)
        publication = publish(
            CommentTarget(number, repository, author),
            plan,
            _difference(against_json, plan),
            link=link,
            applied=_run(applied, state),
        )
        typer.echo(publication.address)
        for message in publication.messages:
            typer.echo(message, err=True)


def deletion_plan(path: Path) -> Plan:
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


@dataclass(frozen=True, slots=True)
class Publication:
    """Where a comment is, and what to report of how it was written."""

    address: str
    messages: tuple[str, ...]


def publish(
    target: CommentTarget,
    plan: Plan,
    difference: Difference | None,
    *,
    link: str,
    applied: AppliedRun | None = None,
) -> Publication:
    """Create or update the comment that shows a plan, and what the pull request changes in it.

    Shape: `link` is where the whole plan can be read, by default the page of the workflow's run.

    Raises: typer.BadParameter, when `link` is no URL; SettingsError, AccessError,
        UnreachableError, ProtocolError.
    """
    display, address = view(utc_now(), against=difference), _address(link)
    with _conversation(target) as conversation:
        author = target.author or conversation.author()
        posted = post(
            conversation,
            author,
            is_ours,
            lambda before: render(plan, display, Posting(before, address, applied)),
        )
    return Publication(
        posted.comment.html_url, (*_other_author(posted, author), f"The comment was {posted.done}.")
    )


def _other_author(posted: Posted, author: str) -> Iterator[str]:
    """Yield a warning where the token writes as an account whose comments were not looked for."""
    writer = posted.comment.author
    if writer and writer != author.lower():
        yield (
            f"This token writes as {writer}, but comments by {author} were searched:"
            f" add --author {writer}, or each run creates another comment."
        )


@contextmanager
def _conversation(target: CommentTarget) -> Iterator[Conversation]:
    """Open the conversation with GitHub's token, which goes to its API alone."""
    settings = Settings.load()
    repository = target.repository or settings.workflow_repository
    if not _REPOSITORY.fullmatch(repository) or repository.endswith(("/.", "/..")):
        raise SettingsError(
            f"{repository!r} is no repository of GitHub",
            hint="Name it with --repo OWNER/NAME; in a workflow GITHUB_REPOSITORY does.",
        )
    token = settings.token_for(GITHUB_HOST)
    secret = token.get_secret_value() if token else ""
    client = GitHubClient.open(settings.github_api, secret, RunClock(utc_now))
    try:
        yield Conversation(client, repository, target.number)
    finally:
        client.close()
