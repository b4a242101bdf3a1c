"""The runner of a workflow: the files it reads results from, and the event that started it.

Source: GitHub Docs, "Workflow commands for GitHub Actions" and "Variables reference".
"""

import secrets
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Self

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from reconciler.errors import SettingsError
from reconciler.formats.budget import fitting

MAX_SUMMARY_BYTES = 1_000_000
"""Largest summary of a step, in bytes. Source: GitHub drops one of more than 1 MiB whole."""


class Runner(BaseSettings):
    """Where results of a step go. Outside of a workflow they go nowhere."""

    model_config = SettingsConfigDict(env_ignore_empty=True, frozen=True)

    output: Path | None = Field(None, validation_alias="GITHUB_OUTPUT")
    summary: Path | None = Field(None, validation_alias="GITHUB_STEP_SUMMARY")
    temporary: Path = Field(
        default_factory=lambda: Path(tempfile.mkdtemp(prefix="reconciler-")),
        validation_alias="RUNNER_TEMP",
    )
    """A folder of this job; outside of a workflow, one that nobody else can write to."""
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
        """Where a plan is saved when nobody says where."""
        return self.temporary / "plan.json"

    def page_of(self, run: int | str) -> str:
        """Return the address of the page of a run in this repository."""
        return f"{self.server}/{self.repository}/actions/runs/{run}"

    def set_outputs(self, outputs: Mapping[str, str]) -> None:
        """Hand results to later steps; no value can end early or pass for another output."""
        blocks = (_block(name, text) for name, text in outputs.items())
        _append(self.output, "".join(blocks))

    def summarise(self, markdown: str) -> None:
        """Add to the page of the run, at most what GitHub accepts."""
        lines = markdown.splitlines(keepends=True)
        kept = fitting(lines, MAX_SUMMARY_BYTES, lambda count: f"\n... and {count:,} more lines\n")
        _append(self.summary, "".join(kept))


def _block(name: str, text: str) -> str:
    end = f"end-{secrets.token_hex(16)}"
    return f"{name}<<{end}\n{text}\n{end}\n"


def _append(path: Path | None, text: str) -> None:
    if path is None:
        return
    try:
        with path.open("a", encoding="utf-8", errors="backslashreplace") as file:
            file.write(text)
    except OSError as error:
        raise SettingsError(f"{path}: {error.strerror}") from error
