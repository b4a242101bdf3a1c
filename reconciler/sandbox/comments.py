"""Comments of issues and pull requests, in any repository: a stand-in has none of its own."""

from dataclasses import dataclass
from datetime import datetime


@dataclass
class StoredComment:
    """One comment, which anybody with the right may edit."""

    id: int
    author: str
    body: str
    created_at: datetime
    updated_at: datetime


class Conversations:
    """The comments of each issue, in the order of their ids, the oldest first.

    Shape: an issue is named `owner/name#number`, in lower case.
    """

    def __init__(self) -> None:
        """Begin without a comment."""
        self.locked: set[str] = set()
        """Issues that take no further comment."""

        self._by_issue: dict[str, list[StoredComment]] = {}
        self._next = 2_000_000_001

    def of(self, issue: str) -> list[StoredComment]:
        """Return the comments of an issue; any issue exists."""
        return self._by_issue.setdefault(issue.lower(), [])

    def add(self, issue: str, author: str, body: str, at: datetime) -> StoredComment:
        """Write a comment."""
        comment = StoredComment(self._next, author, body, at, at)
        self._next += 1
        self.of(issue).append(comment)
        return comment

    def delete(self, comment: StoredComment) -> None:
        """Delete a comment."""
        for comments in self._by_issue.values():
            if comment in comments:
                comments.remove(comment)

    def find(self, repository: str, number: int) -> tuple[str, StoredComment] | None:
        """Return a comment of a repository by its id, with the issue it belongs to."""
        for issue, comments in self._by_issue.items():
            for comment in comments:
                if comment.id == number and issue.partition("#")[0] == repository.lower():
                    return issue, comment
        return None
