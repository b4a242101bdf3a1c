"""Write the comment that shows a plan, as the command `comment` and the action do."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import typer

from reconciler.commands._console import load_plan, view
from reconciler.errors import PlanError, SettingsError
from reconciler.formats.comment import AppliedRun, Posting, is_ours, render
from reconciler.github.client import GitHubClient
from reconciler.github.pulls import Conversation, post
from reconciler.model.comparison import Difference, read_difference
from reconciler.model.plan import DeletionPlan, RestorePlan
from reconciler.session import utc_now
from reconciler.settings import GITHUB_HOST, Settings
from reconciler.transport.watch import RunClock

_LINK = re.compile(r"https?://[A-Za-z0-9./:?&=%#_~+,-]{1,1000}")
"""URLs that cannot end the Markdown link `<URL>` they are written into."""

_REPOSITORY = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]{0,99}/[A-Za-z0-9._-]{1,100}")
"""Names that GitHub allows: they are put into the path of a request."""


def deletion_plan(path: Path) -> DeletionPlan:
    """Read a saved plan that deletes.

    Raises: PlanError, also for a plan that restores: no pull request makes one.
    """
    plan = load_plan(path)
    if isinstance(plan, RestorePlan):
        hint = "Save a plan with `plan --out`."
        raise PlanError(f"{path}: this plan restores what a run deleted", hint=hint)
    return plan


def _address(link: str) -> str:
    """Check that a URL cannot break out of a Markdown link; by default, return that of the run.

    Raises: typer.BadParameter, when it could.
    """
    if link and not _LINK.fullmatch(link):
        raise typer.BadParameter(f"{link!r} is not an http or https URL", param_hint="--link")
    # The page of the run is from the environment: one that is not a URL is left out.
    page = Settings.load().run_page
    return link or (page if _LINK.fullmatch(page) else "")


def saved_difference(path: Path | None, plan: DeletionPlan) -> Difference | None:
    """Read the saved difference between a plan and that of the base branch.

    Raises: PlanError, when it cannot be read, or was made for another plan.
    """
    if path is None:
        return None
    try:
        difference = read_difference(path.read_bytes())
    except OSError as error:
        hint = "Name a file saved with `plan --against REVISION --against-json FILE`."
        raise PlanError(f"{path}: {error.strerror}", hint=hint) from error
    # The difference of another plan would show a reviewer changes that this one does not make.
    if difference.plan != plan.digest:
        raise PlanError(f"{path} was made for another plan: {difference.plan}")
    return difference


@dataclass(frozen=True, slots=True)
class CommentTarget:
    """The pull request to comment on, and the account that writes.

    Shape: `repository` is `owner/name`, by default the one of the workflow; `author` is a login,
        by default that of the token.
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
    plan: DeletionPlan,
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
    settings = Settings.load()
    repository = target.repository or settings.workflow_repository
    # Clients resolve dots in a path, which would then be that of another resource.
    if not _REPOSITORY.fullmatch(repository) or repository.endswith(("/.", "/..")):
        raise SettingsError(
            f"{repository!r} is not a GitHub repository",
            hint="Name it with --repo OWNER/NAME, or set GITHUB_REPOSITORY.",
        )
    with github_client(settings) as client:
        conversation = Conversation(client, repository, target.number)
        author = target.author or conversation.author()
        posted = post(
            conversation,
            author,
            is_ours,
            lambda before: render(plan, display, Posting(before, address, applied)),
        )
    messages = [f"The comment was {posted.done}."]
    writer = posted.comment.author
    # Logins are compared in lower case, as GitHub does.
    if writer and writer != author.lower():
        messages.insert(
            0,
            f"This token writes as {writer}, but comments by {author} were searched:"
            f" add --author {writer}, or each run creates another comment.",
        )
    return Publication(posted.comment.html_url, tuple(messages))


@contextmanager
def github_client(settings: Settings) -> Iterator[GitHubClient]:
    """Open GitHub's API, with the token of the environment, which is sent to this API only."""
    token = settings.token_for(GITHUB_HOST)
    secret = token.get_secret_value() if token else ""
    client = GitHubClient.open(settings.github_api, secret, RunClock(utc_now))
    try:
        yield client
    finally:
        client.close()
