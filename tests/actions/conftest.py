"""A repository whose workflows run on this machine, against a sandbox."""

import json
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import product
from pathlib import Path

import pytest

from reconciler.sandbox.accounts import Account
from tests.support.cli_harness import CliHarness, served_package
from tests.support.workflows.machine import Event, Job, Machine
from tests.support.workflows.pages import workflows
from tests.support.workflows.runner import run_job

INSTALL = "Install Reconciler"
PUSH = Event("push")


def token_for(permissions: Mapping[str, str]) -> str:
    """Name the token of a job with some permissions."""
    packages = permissions.get("packages", "none")
    talks, keeps = (permissions.get(name) == "write" for name in ("pull-requests", "contents"))
    return f"ghs_{packages}_{'talks' if talks else 'silent'}_{'keeps' if keeps else 'reads'}"


def accounts() -> Iterator[Account]:
    """Make the tokens that GitHub would make for our jobs."""
    roles = {"none": {}, "read": {"*": "read"}, "write": {"*": "admin"}}
    for packages, talks, keeps in product(roles, ("read", "write"), ("read", "write")):
        yield Account.of(
            token_for({"packages": packages, "pull-requests": talks, "contents": keeps}),
            login="github-actions[bot]",
            roles=roles[packages],
            may_comment=talks == "write",
            contents=keeps == "write",
        )


def put_program(temporary: Path) -> None:
    """Put our program where the install step would put it."""
    programs = temporary / "reconciler" / "bin"
    programs.mkdir(parents=True)
    (programs / "reconciler").symlink_to(Path(sys.executable).parent / "reconciler")


@dataclass
class Actions:
    """Runs workflows where the policies are, on what is there, and notes what stand-ins did."""

    web: CliHarness
    folder: Path
    uploads: list[str] = field(default_factory=list)
    permissions: Mapping[str, str] = field(default_factory=lambda: {"packages": "write"})
    """What the job of a single step may do."""

    def run(self, workflow: Path, job: str, event: Event, *, install: bool = False) -> Job:
        """Run one job on a machine of its own; our program is there unless it is to install it."""
        temporary = self.folder / f"machine-{len(list(self.folder.glob('machine-*')))}"
        temporary.mkdir()
        if not install:
            put_program(temporary)
        machine = Machine(
            workspace=self.web.folder,
            temporary=temporary,
            event=event,
            token_for=token_for,
            environment={**self.web.reconciler.environment, "GITHUB_API_URL": self.web.sandbox.url},
            stand_ins=self._stand_ins(),
            done=frozenset() if install else frozenset({INSTALL}),
        )
        return run_job(machine, workflow, job)

    def step(self, inputs: Mapping[str, str], event: Event = PUSH, *, install: bool = False) -> Job:
        """Run a job whose one step is our action, by default with the rights to delete."""
        document = {
            "jobs": {
                "one": {
                    "permissions": self.permissions,
                    "steps": [{"name": "one", "uses": "./", "with": inputs}],
                }
            }
        }
        path = self.folder / "one.yml"
        path.write_text(json.dumps(document))  # JSON is YAML, too
        return self.run(path, "one", event, install=install)

    @property
    def comments(self) -> list[str]:
        """The comments on pull request 7."""
        return [one.body for one in self.web.sandbox.world.conversations.of("acme/web#7")]

    def _stand_ins(self) -> Mapping[str, Callable[..., Mapping[str, str]]]:
        """Play the actions of others: nothing is checked out, cached or uploaded for real."""

        def upload(given: Mapping[str, str]) -> Mapping[str, str]:
            self.uploads.append(Path(given["path"]).read_text(encoding="utf-8"))
            return {}

        def download(given: Mapping[str, str]) -> Mapping[str, str]:
            folder = Path(given["path"])
            folder.mkdir()
            (folder / "plan.json").write_text(self.uploads[-1])
            return {}

        return {
            "actions/checkout": lambda _: {},
            "actions/download-artifact": download,
            "actions/setup-python": lambda _: {"python-path": sys.executable},
            "actions/cache": lambda _: {"cache-hit": "false"},
            "actions/upload-artifact": upload,
        }


@pytest.fixture
def actions(tmp_path: Path) -> Iterator[Actions]:
    """Serve a package of which 7 versions are to go, and give the machine to run workflows on."""
    (tmp_path / "repository").mkdir()
    with served_package(tmp_path / "repository", accounts=tuple(accounts())) as web:
        yield Actions(web, tmp_path)


@pytest.fixture
def retention(tmp_path: Path) -> Path:
    """Give the workflow that the documentation shows first."""
    return workflows(tmp_path / "workflows")["retention.yml"]
