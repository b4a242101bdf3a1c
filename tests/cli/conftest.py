"""A package on a sandbox that `apply` has emptied, for commands that take it back."""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from reconciler.sandbox.accounts import ACTIONS, CLASSIC, Account
from reconciler.sandbox.server import Sandbox
from reconciler.sandbox.settings import UNLIMITED, SandboxSettings
from tests.support.cli_harness import CliHarness, Emptied, served_package
from tests.support.desk import Desk, OpenDesk


@pytest.fixture(autouse=True)
def at_a_desk(monkeypatch: pytest.MonkeyPatch) -> None:
    """Run commands as a person does: in CI none says what to do next."""
    for name in ("CI", "GITHUB_ACTIONS"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def emptied(tmp_path: Path) -> Iterator[Emptied]:
    """Serve a package and apply its policy: only `latest` is left."""
    with ExitStack() as stack:

        def start(**settings: Any) -> CliHarness:
            web = stack.enter_context(served_package(tmp_path, **settings))
            assert web.reconciler("apply", "--yes").code == 0
            assert set(web.tags) == {"latest"}
            return web

        yield start


@pytest.fixture
def opened(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Iterator[OpenDesk]:
    """Serve a GitHub until the test ends."""
    with ExitStack() as stack:

        def start(token: str, *accounts: Account) -> Desk:
            chosen = SandboxSettings(limits=UNLIMITED, accounts=accounts or (ACTIONS, CLASSIC))
            sandbox = stack.enter_context(Sandbox(chosen).serve())
            monkeypatch.setenv("GITHUB_API_URL", sandbox.url)
            monkeypatch.setenv("GITHUB_TOKEN", token)
            monkeypatch.setenv("GITHUB_REPOSITORY", "acme/web")
            return Desk(sandbox, tmp_path, capsys)

        yield start


@pytest.fixture
def desk(opened: OpenDesk) -> Desk:
    """Serve a GitHub to the token of a workflow."""
    return opened("ghs_sandbox")
