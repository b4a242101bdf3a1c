"""A package of a few images on a sandbox, with a policy, and the commands as users run them.

Tests of `reconciler` in a bare folder without a registry use `bare_folder` instead.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any, NamedTuple

from reconciler.model.names import Repository
from reconciler.sandbox.artifacts import image
from reconciler.sandbox.generate import Build, push_build
from reconciler.sandbox.package import StoredPackage
from reconciler.sandbox.server import Sandbox
from reconciler.sandbox.settings import UNLIMITED, SandboxSettings
from reconciler.session import utc_now
from tests.support.cli import SECONDS, CommandLine
from tests.support.sandbox_commands import environment, policy_file

PACKAGE = "acme/web"
LAST = ("undo", "--last", "--yes")
ALL_BACK = "Undo: 7 restored, 0 absent, 0 skipped, 0 failed, 0 unknown."
NOTHING = "Undo: 0 restored, 0 absent, 0 skipped, 0 failed, 0 unknown."
RESTORE = "/restore"
PREVIEWS = ("pr-7", "pr-8", "pr-9")
POLICY = {
    "protect": [{"name": "moving", "match": {"tags": ["latest"]}}],
    "rules": [
        {"name": "previews", "match": {"tags": ["pr-*"]}, "keep": {"within": "7d"}},
        {"name": "dangling", "match": {"untagged": True}, "keep": {"none": True}},
    ],
    "guards": {"max_delete_percent": 100},
}


class Pushed(NamedTuple):
    """What a package has: its tags and the digests they point to, and all its digests."""

    tags: dict[str, str]
    digests: set[str]


class CliHarness:
    """`latest` stays; three previews, the first a build for two platforms, are to go."""

    def __init__(self, sandbox: Sandbox, folder: Path) -> None:
        """Begin with nothing but the policy."""
        self.sandbox = sandbox
        self.folder = folder
        self.repository = Repository(f"{sandbox.host}/{PACKAGE}")
        self.reconciler = CommandLine(folder, environment(sandbox, folder))
        self.reconciler.write_policy(policy_file(sandbox.host, [PACKAGE], POLICY))
        self.pushed = Pushed(self.tags, self.digests)

    @property
    def tags(self) -> dict[str, str]:
        """Each tag of the package and the digest it points to."""
        return {tag: version.digest for tag, version in self._package.tags.items()}

    @property
    def digests(self) -> set[str]:
        """What the package has now."""
        return {version.digest for version in self._package.live}

    def calls(self, method: str, part: str = "") -> int:
        """Count the calls with a method whose path holds a part."""
        return sum(c.method == method and part in c.target for c in self.sandbox.requests)

    def await_calls(self, count: int, method: str, part: str = "") -> None:
        """Wait until there were so many such calls."""
        self.await_that(lambda: self.calls(method, part) >= count)

    def await_that(self, happened: Callable[[], bool]) -> None:
        """Look again and again until something has happened."""
        deadline = time.monotonic() + SECONDS
        while not happened():
            assert time.monotonic() < deadline, "it never happened"
            time.sleep(0.005)

    @property
    def run(self) -> str:
        """The run that the log names first."""
        return self.reconciler("log", "list").stdout.partition(" ")[0]

    @property
    def _package(self) -> StoredPackage:
        return self.sandbox.package(PACKAGE)


@contextmanager
def served_package(folder: Path, **settings: Any) -> Iterator[CliHarness]:
    """Serve the package until the block ends."""
    package = StoredPackage.of(PACKAGE, utc_now() - timedelta(days=60))
    month = utc_now() - timedelta(days=40)
    package.push(image("latest"), "latest", at=month)
    push_build(package, Build("c7", "1", month, PREVIEWS[:1]))
    for number, tag in enumerate(PREVIEWS[1:], start=1):
        package.push(image(tag), tag, at=month + timedelta(hours=number))
    chosen = SandboxSettings(**{"limits": UNLIMITED, **settings})
    with Sandbox(chosen, [package]).serve() as sandbox:
        yield CliHarness(sandbox, folder)


Emptied = Callable[..., CliHarness]
"""Serves a package, with settings of the sandbox, and applies its policy: `latest` is left."""
