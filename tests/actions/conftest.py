"""A repository whose workflows run on this machine, against a sandbox."""

import json
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from reconciler.sandbox.accounts import Account
from tests.support.workflows.pages import workflows
from tests.support.workflows.runner import Event, Job, Machine
from tests.support.workshop import Workshop, workshop

INSTALL = "Install Reconciler"
ACCOUNTS = {right: f"ghs_{right}" for right in ("none", "read", "write")}
"""The token of a job by its right on packages."""

PUSH = Event("push")


@dataclass
class Actions:
    """Runs workflows where the policies are, on what is there, and notes what stand-ins did."""

    web: Workshop
    folder: Path
    uploads: list[str] = field(default_factory=list)
    rights: str = "write"
    """What the token of a single step may do to packages."""

    def run(self, workflow: Path, job: str, event: Event, *, install: bool = False) -> Job:
        """Run one job on a machine of its own; our program is there unless it is to install it."""
        temporary = self.folder / f"machine-{len(list(self.folder.glob('machine-*')))}"
        temporary.mkdir()
        if not install:
            programs = temporary / "reconciler" / "bin"
            programs.mkdir(parents=True)
            (programs / "reconciler").symlink_to(Path(sys.executable).parent / "reconciler")
        machine = Machine(
            workspace=self.web.folder,
            temporary=temporary,
            event=event,
            token_for=ACCOUNTS.__getitem__,
            environment=self.web.reconciler.environment,
            stand_ins=self._stand_ins(),
            done=frozenset() if install else frozenset({INSTALL}),
        )
        return machine.run(workflow, job)

    def step(self, inputs: Mapping[str, str], event: Event = PUSH, *, install: bool = False) -> Job:
        """Run a job whose one step is our action, by default with the rights to delete."""
        document = {
            "jobs": {
                "one": {
                    "permissions": {"packages": self.rights},
                    "steps": [{"name": "one", "uses": "./", "with": inputs}],
                }
            }
        }
        path = self.folder / "one.yml"
        path.write_text(json.dumps(document))  # JSON is YAML, too
        return self.run(path, "one", event, install=install)

    def _stand_ins(self) -> Mapping[str, Callable[..., Mapping[str, str]]]:
        """Play the actions of others: nothing is checked out, cached or uploaded for real."""

        def upload(given: Mapping[str, str]) -> Mapping[str, str]:
            self.uploads.append(Path(given["path"]).read_text(encoding="utf-8"))
            return {}

        return {
            "actions/checkout": lambda _: {},
            "actions/setup-python": lambda _: {"python-path": sys.executable},
            "actions/cache": lambda _: {"cache-hit": "false"},
            "actions/upload-artifact": upload,
        }


@pytest.fixture
def actions(tmp_path: Path) -> Iterator[Actions]:
    """Serve a package of which 7 versions are to go, and give the machine to run workflows on."""
    accounts = [
        Account.of(ACCOUNTS["none"], roles={}),
        Account.of(ACCOUNTS["read"], roles={"*": "read"}),
        Account.of(ACCOUNTS["write"], roles={"*": "admin"}),
    ]
    (tmp_path / "repository").mkdir()
    with workshop(tmp_path / "repository", accounts=accounts) as web:
        yield Actions(web, tmp_path)


@pytest.fixture
def retention(tmp_path: Path) -> Path:
    """Give the workflow that the documentation shows first, with its state in the workspace."""
    path = workflows(tmp_path / "workflows")["retention.yml"]
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace("github://${{ github.repository }}/reconciler-state", ".state"))
    return path
