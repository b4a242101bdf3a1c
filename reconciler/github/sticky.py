"""One comment for all runs: found again, brought up to date, written only where there is none."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal

from reconciler.github.conversation import Conversation, IssueComment


@dataclass(frozen=True, slots=True)
class Posted:
    """The comment as it is now, and what was done to it."""

    comment: IssueComment
    done: Literal["created", "updated", "unchanged"]


def post(
    conversation: Conversation,
    author: str,
    is_ours: Callable[[str], bool],
    write: Callable[[str], str],
) -> Posted:
    """Bring the comment of an author up to date; `write` is given the old text, empty for none.

    Anybody can copy a marker into a comment of their own, so the author must be right, too; and
    whoever may write in the repository can edit the text, so nothing is decided by what it says.

    Raises: AccessError, UnreachableError, ProtocolError.
    """
    for comment in _own(conversation, author, is_ours):
        body = write(comment.body)
        if body == comment.body.replace("\r\n", "\n"):
            return Posted(comment, "unchanged")
        if updated := conversation.update(comment, body):
            return Posted(updated, "updated")
    return Posted(conversation.create(write("")), "created")


def _own(
    conversation: Conversation, author: str, is_ours: Callable[[str], bool]
) -> Iterator[IssueComment]:
    for comment in conversation.comments():
        if comment.author == author.lower() and is_ours(comment.body):
            yield comment
