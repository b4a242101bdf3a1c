"""A GitHub that takes comments, and `reconciler comment` in front of it."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from reconciler.__main__ import run
from reconciler.model.plan import Plan
from reconciler.sandbox.server import Sandbox
from tests.support.cli import Ended
from tests.support.plans import image, part, plan

THREAD = "acme/web#7"
NOW = datetime(2026, 11, 2, 12, 0, tzinfo=UTC)
FIRST = plan(part([image("v1")], versions=3))
SECOND = plan(part([image("v1"), image("v2")], versions=4))


class Desk:
    """A folder with plans, and a GitHub that takes comments."""

    def __init__(self, sandbox: Sandbox, folder: Path, capture: pytest.CaptureFixture[str]) -> None:
        """Comment on pull request 7 of acme/web."""
        self.sandbox = sandbox
        self.folder = folder
        self._capture = capture

    def comment(self, shown: Plan, *arguments: str) -> Ended:
        """Save a plan, and comment with it."""
        path = self.folder / "plan.json"
        path.write_bytes(shown.to_bytes())
        code = run(["comment", str(path), "--pr", "7", *arguments])
        return Ended(code, *self._capture.readouterr())

    @property
    def bodies(self) -> list[str]:
        """The comments of the pull request."""
        return [one.body for one in self.sandbox.world.conversations.of(THREAD)]

    def said_by(self, author: str, body: str) -> None:
        """Let somebody comment."""
        self.sandbox.world.conversations.add(THREAD, author, body, NOW)

    def methods(self) -> list[str]:
        """Return the methods of all calls."""
        return [call.method for call in self.sandbox.requests]


OpenDesk = Callable[..., Desk]
"""Serves a GitHub to a token, with accounts that may be chosen."""
