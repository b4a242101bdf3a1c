"""Put a plan into the one comment of a pull request; the command and the action both do."""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import typer

from reconciler.errors import SettingsError
from reconciler.formats.comment import is_ours
from reconciler.github.conversation import Conversation
from reconciler.github.sticky import Posted, post
from reconciler.session import utc_now
from reconciler.settings import GITHUB_HOST, Settings
from reconciler.transport.watch import RunClock

_REPOSITORY = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]{0,99}/[A-Za-z0-9._-]{1,100}")


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
