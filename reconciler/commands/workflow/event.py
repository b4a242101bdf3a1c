"""The pull request that a workflow runs for, as the event file tells it.

Source: GitHub Docs, "Webhook events and payloads", `pull_request`.
"""

from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from reconciler.errors import SettingsError

MAX_BYTES = 32 * 1024 * 1024
"""Largest event file read, in bytes. Source: GitHub caps payloads at 25 MB."""


class _Told(BaseModel):
    """A part of the event; what we do not ask for is passed over."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class _Repository(_Told):
    full_name: str


class _Side(_Told):
    sha: str = ""
    ref: str = ""
    repo: _Repository | None = None
    """None for a fork that was deleted since."""


class PullRequest(_Told):
    """One pull request: its number, and the two sides of it."""

    number: int
    head: _Side
    base: _Side

    @property
    def is_from_fork(self) -> bool:
        """Whether it comes from another repository, whose workflows get a token that reads only."""
        return self.head.repo is None or self.head.repo != self.base.repo


class _Event(_Told):
    pull_request: PullRequest | None = None


def pull_request_of(path: Path | None) -> PullRequest | None:
    """Return the pull request that an event is about, if it is about one.

    Raises: SettingsError, when the event file cannot be read.
    """
    if path is None:
        return None
    try:
        with path.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
        if len(content) > MAX_BYTES:
            raise SettingsError(f"{path}: larger than {MAX_BYTES} bytes, so it is no event")
        return _Event.model_validate_json(content).pull_request
    except OSError as error:
        raise SettingsError(f"{path}: {error.strerror}") from error
    except ValidationError as error:
        raise SettingsError(f"{path}: this is no event of GitHub: {error}") from None
