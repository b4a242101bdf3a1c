"""A machine that workflows run on: what started them, what steps find there, how they ended."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ACTION = Path(__file__).parents[3] / "action.yml"

_REPOSITORY = {"repository": {"full_name": "acme/web", "default_branch": "main"}}
"""What each event tells of the repository."""

StandIn = Callable[[Mapping[str, str]], Mapping[str, str]]
"""Plays an action of somebody else: inputs in, outputs out; LookupError is its failure."""


@dataclass(frozen=True)
class Event:
    """What started a workflow. Shape: `payload` as GitHub sends it."""

    name: str
    payload: Mapping[str, Any] = field(default_factory=dict)
    ref: str = "refs/heads/main"
    from_fork: bool = False
    """Whether the token can only read, whatever permissions say."""


@dataclass
class Step:
    """How one step ended. Shape: `used` is the action that a stand-in played."""

    name: str
    outcome: str
    log: str = ""
    summary: str = ""
    outputs: Mapping[str, str] = field(default_factory=dict)
    used: str = ""


@dataclass
class Job:
    """How a job ended, with all steps that were looked at, those of the action among them."""

    steps: list[Step] = field(default_factory=list)
    outcome: str = "success"

    def step(self, name: str) -> Step:
        """Return the step of a name."""
        return next(step for step in self.steps if step.name == name)

    @property
    def log(self) -> str:
        """All that the steps wrote."""
        return "".join(step.log for step in self.steps)


@dataclass
class Machine:
    """One machine with a workspace that the repository is checked out to."""

    workspace: Path
    temporary: Path
    event: Event
    token_for: Callable[[Mapping[str, str]], str]
    """Gives the token of a job by its permissions."""

    environment: Mapping[str, str] = field(default_factory=dict)
    stand_ins: Mapping[str, StandIn] = field(default_factory=dict)
    done: frozenset[str] = frozenset()
    """Names of steps whose work is done beforehand, and which are left out."""

    job: Job = field(default_factory=Job)
    token: str = ""

    @property
    def github(self) -> Mapping[str, Any]:
        """The names below `github.`."""
        return {
            "event_name": self.event.name,
            "event": {**_REPOSITORY, **self.event.payload},
            "ref": self.event.ref,
            "token": self.token,
            "run_id": "77",
            "run_attempt": "1",
            "job": "retention",
            "workflow": "retention",
            "repository": "acme/web",
            "repository_owner": "acme",
            "action_path": str(ACTION.parent),
        }

    @property
    def variables(self) -> Mapping[str, str]:
        """The variables that every step finds."""
        event_file = self.temporary / "event.json"
        event_file.write_text(json.dumps(self.event.payload))
        return {
            "CI": "true",
            "GITHUB_ACTIONS": "true",
            "GITHUB_ACTION_PATH": str(ACTION.parent),
            "GITHUB_EVENT_NAME": self.event.name,
            "GITHUB_EVENT_PATH": str(event_file),
            "GITHUB_REF": self.event.ref,
            "GITHUB_REPOSITORY": "acme/web",
            "GITHUB_REPOSITORY_OWNER": "acme",
            "GITHUB_RUN_ID": "77",
            "GITHUB_SERVER_URL": "https://github.com",
            "GITHUB_SHA": "c0ffee" + "0" * 34,
            "GITHUB_WORKSPACE": str(self.workspace),
            "RUNNER_TEMP": str(self.temporary),
        }
