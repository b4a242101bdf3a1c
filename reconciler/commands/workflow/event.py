"""The pull request, or the run of another workflow, that a workflow runs for.

Source: GitHub Docs, "Webhook events and payloads", `pull_request` and `workflow_run`.
"""

from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from reconciler.errors import SettingsError

MAX_BYTES = 32 * 1024 * 1024
"""Largest event file read, in bytes. Source: GitHub caps payloads at 25 MB."""


class _EventPart(BaseModel):
    """A part of the event; what we do not ask for is passed over."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class _Owner(_EventPart):
    login: str = ""


class _Repository(_EventPart):
    full_name: str
    owner: _Owner = _Owner()


class _Side(_EventPart):
    sha: str = ""
    ref: str = ""
    repo: _Repository | None = None
    """None for a fork that was deleted since."""


class PullRequestEvent(_EventPart):
    """One pull request: its number, and the two sides of it."""

    number: int
    head: _Side
    base: _Side

    @property
    def is_from_fork(self) -> bool:
        """Whether it comes from another repository, whose workflows get a token that reads only."""
        return self.head.repo is None or self.head.repo != self.base.repo


class WorkflowRun(_EventPart):
    """The finished run of another workflow. Its pull requests are not told where it has a fork."""

    id: int
    head_branch: str = ""
    head_sha: str = ""
    head_repository: _Repository | None = None
    """None for a fork that was deleted since."""


class Event(_EventPart):
    """What started the workflow: neither of the two for a push or a schedule."""

    pull_request: PullRequestEvent | None = None
    workflow_run: WorkflowRun | None = None


def event_of(path: Path | None) -> Event:
    """Read the event file; outside of a workflow there is none.

    Raises: SettingsError, when it cannot be read.
    """
    if path is None:
        return Event()
    try:
        with path.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
        if len(content) > MAX_BYTES:
            raise SettingsError(f"{path}: larger than {MAX_BYTES} bytes, so it is no event")
        return Event.model_validate_json(content)
    except OSError as error:
        raise SettingsError(f"{path}: {error.strerror}") from error
    except ValidationError as error:
        raise SettingsError(f"{path}: this is no event of GitHub") from error
