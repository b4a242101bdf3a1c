"""The workflow runner: the files it reads results from, the event, and the log of the step.

Nearly every line of the log has untrusted text: tags, annotations, answers of servers, policies of
a pull request. None of it may become a command. So commands are stopped before anything is done;
and as the runner reads two streams, each at its own pace, every command is also broken up in both.
Only our own annotations are written as commands.

Source: GitHub Docs, "Workflow commands for GitHub Actions", "Variables reference" and "Webhook
events and payloads", `pull_request` and `workflow_run`; actions/runner, ActionCommand.cs: `::`
after white space at the start of a line, `##[` anywhere in one.
"""

import io
import secrets
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Self, TextIO

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from reconciler.errors import SettingsError
from reconciler.formats.phrases import fitting
from reconciler.model.base import inert

MAX_SUMMARY_BYTES = 1_000_000
"""Largest summary of a step, in bytes. Source: GitHub drops one of more than 1 MiB whole."""

MAX_BYTES = 32 * 1024 * 1024
"""Largest event file read, in bytes. Source: GitHub caps payloads at 25 MB."""


class Runner(BaseSettings):
    """Where results of a step are written. Outside of a workflow they are dropped."""

    model_config = SettingsConfigDict(env_ignore_empty=True, frozen=True)

    output: Path | None = Field(None, validation_alias="GITHUB_OUTPUT")
    summary: Path | None = Field(None, validation_alias="GITHUB_STEP_SUMMARY")
    temporary: Path = Field(
        default_factory=lambda: Path(tempfile.mkdtemp(prefix="reconciler-")),
        validation_alias="RUNNER_TEMP",
    )
    """A folder of this job; outside of a workflow, a new one that only this user can write to."""
    server: str = Field("https://github.com", validation_alias="GITHUB_SERVER_URL")
    repository: str = Field("", validation_alias="GITHUB_REPOSITORY")
    run_id: str = Field("", validation_alias="GITHUB_RUN_ID")
    event_file: Path | None = Field(None, validation_alias="GITHUB_EVENT_PATH")

    @classmethod
    def load(cls) -> Self:
        """Read the variables that the runner sets."""
        return cls()

    @property
    def plan_file(self) -> Path:
        """Where a plan is saved by default."""
        return self.temporary / "plan.json"

    def page_of(self, run: int | str) -> str:
        """Return the URL of a run in this repository."""
        return f"{self.server}/{self.repository}/actions/runs/{run}"

    def set_outputs(self, outputs: Mapping[str, str]) -> None:
        """Write outputs for later steps; no value can end its block or start another output."""
        for name, text in outputs.items():
            # A random delimiter: no text can contain the line that ends its block.
            end = f"end-{secrets.token_hex(16)}"
            _append(self.output, f"{name}<<{end}\n{text}\n{end}\n")

    def summarise(self, markdown: str) -> None:
        """Append to the summary of the step, at most as much as GitHub accepts."""
        lines = markdown.splitlines(keepends=True)
        kept = fitting(lines, MAX_SUMMARY_BYTES, lambda count: f"\n... and {count:,} more lines\n")
        _append(self.summary, "".join(kept))


def _append(path: Path | None, text: str) -> None:
    if path is None:
        return
    try:
        # Names of files can have bytes that are no text; they must not fail the step.
        with path.open("a", encoding="utf-8", errors="backslashreplace") as file:
            file.write(text)
    except OSError as error:
        raise SettingsError(f"{path}: {error.strerror}") from error


class _EventPart(BaseModel):
    """A part of the event; unknown keys are ignored."""

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
    """None for a fork that was deleted."""


class PullRequestEvent(_EventPart):
    """One pull request: its number, head and base."""

    number: int
    head: _Side
    base: _Side

    @property
    def is_from_fork(self) -> bool:
        """Whether the head is in another repository: then workflows get a read-only token."""
        return self.head.repo is None or self.head.repo != self.base.repo


class WorkflowRun(_EventPart):
    """The finished run of another workflow. For forks GitHub does not list its pull requests."""

    id: int
    head_branch: str = ""
    head_sha: str = ""
    head_repository: _Repository | None = None
    """None for a fork that was deleted."""


class Event(_EventPart):
    """What started the workflow. Shape: neither of the two for a push or a schedule."""

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
            # One byte more than allowed is enough to see that the file is too large.
            content = file.read(MAX_BYTES + 1)
        if len(content) > MAX_BYTES:
            raise SettingsError(f"{path}: larger than {MAX_BYTES} bytes, so it is not an event")
        return Event.model_validate_json(content)
    except OSError as error:
        raise SettingsError(f"{path}: {error.strerror}") from error
    except ValidationError as error:
        raise SettingsError(f"{path}: not a GitHub event") from error


class InertStream(io.TextIOBase):
    """A stream that writes complete lines to another stream, with workflow commands broken up."""

    def __init__(self, target: TextIO) -> None:
        """Write to `target`."""
        super().__init__()
        self._target = target
        self._rest = ""

    def writable(self) -> bool:
        """Whether the stream can be written to: always."""
        return True

    def write(self, text: str) -> int:
        """Write complete lines, and buffer the rest: a command may be written in parts."""
        # The last element has no line break yet: it is the start of a line, or empty.
        *lines, self._rest = (self._rest + text).split("\n")
        self._target.write("".join(f"{inert(line)}\n" for line in lines))
        return len(text)

    def flush(self) -> None:
        """Flush the complete lines."""
        self._target.flush()

    def finish(self) -> None:
        """Write the buffered text as the last line."""
        if self._rest:
            self.write("\n")
        self.flush()


class Console:
    """The log of a step. Shape: commands are stopped except during `command`."""

    def __init__(self, target: TextIO) -> None:
        """Stop commands."""
        self._target = target
        self._token = ""
        self._stop()

    def command(self, lines: str) -> None:
        """Write workflow commands, which the caller has escaped."""
        self._target.write(f"::{self._token}::\n")
        self._target.write(lines)
        self._stop()

    def _stop(self) -> None:
        # Commands resume only with this token, which no other text can contain.
        self._token = secrets.token_hex(16)
        self._target.write(f"::stop-commands::{self._token}\n")
        self._target.flush()


@contextmanager
def workflow_console() -> Iterator[Console]:
    """Guard stdout and stderr of this process during a `with` block.

    Commands stay stopped afterwards: nothing that follows in this step is written by us.
    """
    console = Console(sys.stdout)
    output, errors = InertStream(sys.stdout), InertStream(sys.stderr)
    try:
        with redirect_stdout(output), redirect_stderr(errors):
            yield console
    finally:
        output.finish()
        errors.finish()
