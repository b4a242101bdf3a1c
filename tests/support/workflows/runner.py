"""Runs the jobs of a workflow on this machine: steps with bash, our action from its own file.

Actions of others are stood in for: `actions/checkout` has the files there already, and so on.
What a step reads and writes is as on GitHub: variables, the event file, output and summary files.
"""

import json
import os
import subprocess
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from tests.support.cli import SECONDS
from tests.support.workflows.expressions import Expressions, spelled
from tests.support.workflows.files import read_commands

ACTION = Path(__file__).parents[3] / "action.yml"
OURS = ("./", "OWNER/reconciler@")
"""How workflows name our action."""

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

    def run(self, workflow: Path, name: str) -> Job:
        """Run one job of a workflow, if its condition holds."""
        document = yaml.safe_load(workflow.read_text(encoding="utf-8"))
        written = document["jobs"][name]
        self.job = Job()
        permissions = written.get("permissions", document.get("permissions", {}))
        self.token = self.token_for(_readable(permissions) if self.event.from_fork else permissions)
        scope = _Scope(self, self.environment).with_variables(document.get("env", {}))
        if not scope.expressions.holds(written.get("if", True)):
            self.job.outcome = "skipped"
            return self.job
        scope = scope.with_variables(written.get("env", {}))
        scope.play(written["steps"])
        return self.job

    @property
    def github(self) -> Mapping[str, Any]:
        """The names below `github.`."""
        return {
            "event_name": self.event.name,
            "event": self.event.payload,
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


@dataclass
class _Scope:
    """The steps of a job, or of an action: what they can name, and what became of them."""

    machine: Machine
    variables: Mapping[str, Any]
    inputs: Mapping[str, str] = field(default_factory=dict)
    steps: dict[str, Any] = field(default_factory=dict)
    failed: bool = False

    @property
    def expressions(self) -> Expressions:
        names = {
            "github": self.machine.github,
            "runner": {"temp": str(self.machine.temporary), "os": "Linux"},
            "env": self.variables,
            "inputs": self.inputs,
            "steps": self.steps,
            "secrets": {},
        }
        functions = {
            "always": lambda: True,
            "success": lambda: not self.failed,
            "failure": lambda: self.failed,
            "cancelled": lambda: False,
        }
        return Expressions(names, functions)

    def with_variables(self, more: Mapping[str, Any]) -> "_Scope":
        """Return the same scope with variables filled in."""
        filled = {name: self.expressions.text(text) for name, text in more.items()}
        return _Scope(self.machine, {**self.variables, **filled}, self.inputs)

    def play(self, steps: Sequence[Mapping[str, Any]]) -> None:
        """Run the steps in order; after a failure only those that ask for it."""
        for written in steps:
            self._play(written)
        if self.failed:
            self.machine.job.outcome = "failure"

    def _play(self, written: Mapping[str, Any]) -> None:
        name = written.get("name") or written.get("uses") or written["run"].strip()
        condition = spelled(written.get("if", True))
        asks = any(word in condition for word in ("always()", "failure()", "success()"))
        left_out = name in self.machine.done or (self.failed and not asks)
        if left_out or not self.expressions.holds(condition):
            step = Step(name, "skipped")
        else:
            step = self._uses(written, name) if "uses" in written else self._runs(written, name)
        self.machine.job.steps.append(step)
        if written.get("id"):
            self.steps[written["id"]] = {"outputs": step.outputs, "outcome": step.outcome}
        self.failed |= step.outcome == "failure" and not written.get("continue-on-error")

    def _uses(self, written: Mapping[str, Any], name: str) -> Step:
        action = written["uses"]
        given = {key: self.expressions.text(text) for key, text in written.get("with", {}).items()}
        if action.startswith(OURS):
            return self._ours(written, name, given)
        known = action.partition("@")[0]
        try:
            outputs = self.machine.stand_ins[known](given)
        except LookupError:
            return Step(name, "failure", used=action)
        return Step(name, "success", outputs=outputs, used=action)

    def _ours(self, written: Mapping[str, Any], name: str, given: Mapping[str, str]) -> Step:
        """Run the action from its file, as GitHub does with a composite one."""
        action = yaml.safe_load(ACTION.read_text(encoding="utf-8"))
        unknown = given.keys() - action["inputs"].keys()
        assert not unknown, f"the action has no inputs {unknown}"
        defaults = {
            key: self.expressions.text(told.get("default", ""))
            for key, told in action["inputs"].items()
        }
        outer = self.with_variables(written.get("env", {}))
        inner = _Scope(self.machine, outer.variables, {**defaults, **given})
        inner.play(action["runs"]["steps"])
        outputs = {
            key: inner.expressions.text(told["value"]) for key, told in action["outputs"].items()
        }
        return Step(name, "failure" if inner.failed else "success", outputs=outputs)

    def _runs(self, written: Mapping[str, Any], name: str) -> Step:
        """Run a script in the shell that GitHub runs it in."""
        number = len(self.machine.job.steps)
        output, summary, script = (
            self.machine.temporary / f"{number}-{kind}" for kind in ("output", "summary", "script")
        )
        output.touch()
        summary.touch()
        script.write_text(self.expressions.text(written["run"]))
        scope = self.with_variables(written.get("env", {}))
        done = subprocess.run(
            ["bash", "--noprofile", "--norc", "-eo", "pipefail", str(script)],
            cwd=self.machine.workspace,
            env={
                **_inherited(),
                **{key: spelled(text) for key, text in scope.variables.items()},
                **self.machine.variables,
                "GITHUB_OUTPUT": str(output),
                "GITHUB_STEP_SUMMARY": str(summary),
            },
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=False,
        )
        return Step(
            name,
            "failure" if done.returncode else "success",
            log=done.stdout + done.stderr,
            summary=summary.read_text(encoding="utf-8"),
            outputs=read_commands(output.read_text(encoding="utf-8")),
        )


def _readable(permissions: Mapping[str, str]) -> Mapping[str, str]:
    """Return what a fork gets of permissions: what can be written may only be read."""
    return {name: "read" for name, right in permissions.items() if right != "none"}


def _inherited() -> Mapping[str, str]:
    """Return what of our own environment a step needs: programs, a home, how pip is set up."""
    wanted = ("PATH", "HOME", "SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE")
    return {
        name: text for name, text in os.environ.items() if name in wanted or name.startswith("PIP_")
    }
