"""Runs the jobs of a workflow on this machine: steps with bash, our action from its own file.

Actions of others are stood in for: `actions/checkout` has the files there already, and so on.
What a step reads and writes is as on GitHub: variables, the event file, output and summary files.
"""

import os
import subprocess
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from reconciler.version import SOURCE
from tests.support.cli import SECONDS
from tests.support.workflows.expressions import Expressions, spelled
from tests.support.workflows.files import read_commands
from tests.support.workflows.machine import ACTION, Job, Machine, Step

OURS = ("./", f"{SOURCE}@")
"""How workflows name our action."""

_STATUS = ("always()", "failure()", "success()")
"""Functions whose mention lets a step be considered after a failure."""


def run_job(machine: Machine, workflow: Path, name: str) -> Job:
    """Run one job of a workflow, if its condition holds."""
    document = yaml.safe_load(workflow.read_text(encoding="utf-8"))
    written = document["jobs"][name]
    permissions = written.get("permissions", document.get("permissions", {}))
    granted = _readable(permissions) if machine.event.from_fork else permissions
    machine.job, machine.token = Job(), machine.token_for(granted)
    scope = _Scope(machine, machine.environment).with_variables(document.get("env", {}))
    if scope.expressions.holds(written.get("if", True)):
        scope.with_variables(written.get("env", {})).play(written["steps"])
    else:
        machine.job.outcome = "skipped"
    return machine.job


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
        functions: dict[str, Callable[..., Any]] = {
            "always": lambda: True,
            "success": lambda: not self.failed,
            "failure": lambda: self.failed,
            "cancelled": lambda: False,
            "format": lambda text, *values: text.format(*values),
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
        step = self._done(written, name) if self._wants(written, name) else Step(name, "skipped")
        self.machine.job.steps.append(step)
        if written.get("id"):
            self.steps[written["id"]] = {"outputs": step.outputs, "outcome": step.outcome}
        self.failed |= step.outcome == "failure" and not written.get("continue-on-error")

    def _wants(self, written: Mapping[str, Any], name: str) -> bool:
        """Whether a step is to run: after a failure only where its condition speaks of that."""
        condition = spelled(written.get("if", True))
        considered = not self.failed or any(word in condition for word in _STATUS)
        return name not in self.machine.done and considered and self.expressions.holds(condition)

    def _done(self, written: Mapping[str, Any], name: str) -> Step:
        return self._uses(written, name) if "uses" in written else self._runs(written, name)

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
