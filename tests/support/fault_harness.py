"""A package on a sandbox under commands that die, race or wait, and what they leave behind.

It is apart from `cli_harness`: its commands run in processes that can be killed at a boundary.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from reconciler.model.names import Repository
from reconciler.sandbox.package import Owner, StoredPackage
from reconciler.sandbox.server import Sandbox
from reconciler.sandbox.settings import UNLIMITED, Limits, SandboxSettings
from reconciler.session import utc_now
from reconciler.state.local import LocalState
from tests.support import oracle
from tests.support.documents import Document
from tests.support.killable_cli import KillableCommandLine
from tests.support.pushes import read_pushes
from tests.support.sandbox_commands import environment, policy_file

POLICY: Mapping[str, Any] = {
    "rules": [
        {"name": "releases", "match": {"tags": ["v*", "latest"]}, "keep": {"all": True}},
        {"name": "previews", "match": {"tags": ["pr-*"]}, "keep": {"none": True}},
        {"name": "dangling", "match": {"untagged": True}, "keep": {"none": True}},
    ],
    "guards": {"max_delete": 1000, "max_delete_percent": 100},
}
"""Keeps releases and `latest`, and nothing else."""

MIXED = """
    40d  shared        image linux/arm64
    40d  web-amd64     image
    40d  web-proof     attestation web-amd64
    40d  web           index web-amd64 shared web-proof   @ latest
    40d  web-sig       signature web
    40d  web-sbom      referrer web
    40d  web-list      fallback web web-sbom
    39d  old-amd64     image
    39d  old-proof     attestation old-amd64
    39d  old           index old-amd64 shared old-proof   @ pr-1
    39d  old-sig       signature old
    39d  old-sbom      referrer old
    39d  old-list      fallback old old-sbom
    38d  popular       image                              @ pr-2
    38d  popular-sig   signature popular
    37d  staged-amd64  image                              @ pr-3-amd64
    37d  staged        index staged-amd64                 @ pr-3
    36d  single        image                              @ pr-4
    35d  dangling      image
    34d  release       image                              @ v1
"""
"""One of everything: two indexes that share a platform, attestations, signatures and referrers
with their fallback tags, an image that GitHub retains, a tagged child, single images."""

POPULAR = "pr-2"
"""What was downloaded too often for GitHub to delete it."""

DOOMED = (
    *("old", "old-amd64", "old-proof", "old-sig", "old-sbom", "old-list"),
    *("staged", "staged-amd64", "single", "dangling"),
)
"""What goes in the end; `popular` and its signature are planned, and stay."""


def package_of(
    table: str, now: datetime, name: str = "web"
) -> tuple[StoredPackage, Mapping[str, str]]:
    """Push a table; return the public package and the digests by their names."""
    package = StoredPackage(Owner("acme"), name, now - timedelta(days=1000), "public")
    known: dict[str, Document] = {}
    for push in read_pushes(table, known):
        package.push(push.content, *push.tags, at=now - (push.age or timedelta()))
    return package, {name: document.digest for name, document in known.items()}


def mixed_package(now: datetime) -> StoredPackage:
    """Push one of everything; the same `now` gives the same numbers and times."""
    package, _ = package_of(MIXED, now)
    popular = package.find(POPULAR)
    assert popular, "it was pushed"
    popular.downloads = 6000
    return package


@dataclass
class FaultHarness:
    """One package, and one folder with its policy, its plan and its state."""

    sandbox: Sandbox
    package: StoredPackage
    reconciler: KillableCommandLine
    companions: dict[str, set[str]] = field(init=False)
    """The signatures and attestations there were in the beginning."""

    def __post_init__(self) -> None:
        """Write the policy and look at what there is."""
        self.companions = oracle.companions(self.package)
        policies = self.folder / "policies"
        policies.mkdir()
        text = policy_file(self.sandbox.host, [self.package.path], POLICY)
        (policies / "policy.yaml").write_text(text)

    @classmethod
    def at(cls, sandbox: Sandbox, package: StoredPackage, folder: Path) -> "FaultHarness":
        """Serve a package, and begin in a folder."""
        sandbox.world.adopt(package)
        sandbox.forget_requests()
        variables = {"HOME": str(folder), **environment(sandbox, folder)}
        return cls(sandbox, package, KillableCommandLine(folder, variables))

    @property
    def folder(self) -> Path:
        """Where the commands run."""
        return self.reconciler.folder

    @property
    def repository(self) -> Repository:
        """The package, as policies name it."""
        return Repository(f"{self.sandbox.host}/{self.package.path}")

    @property
    def state(self) -> LocalState:
        """The state that the commands leave."""
        return LocalState(self.folder / ".reconciler")

    @property
    def journal(self) -> Path:
        """The file of the journal."""
        return self.folder / ".reconciler" / self.repository / "_" / "journal.jsonl"

    @property
    def records(self) -> Sequence[Mapping[str, Any]]:
        """The whole lines of the journal, as anybody can read them."""
        content = self.journal.read_bytes() if self.journal.exists() else b""
        return [json.loads(line) for line in content.splitlines(keepends=True) if b"\n" in line]

    @property
    def planned(self) -> Mapping[str, int]:
        """The digests that the saved plan names, each with the number of its version."""
        plan = json.loads((self.folder / "plan.json").read_bytes())
        changes = [change for part in plan["repositories"] for change in part["changes"]]
        return {change["digest"]: int(change["version_id"]) for change in changes}

    @property
    def standing(self) -> Mapping[str, tuple[str, ...]]:
        """The digests that are there, each with its tags."""
        return {version.digest: version.tags for version in self.package.live}

    @property
    def deletions(self) -> Sequence[tuple[int, int]]:
        """The deletions that were asked for, by number of the version, each with its answer."""
        return [
            (int(seen.target.rpartition("/")[2]), seen.status)
            for seen in self.sandbox.requests
            if seen.method == "DELETE"
        ]

    @property
    def deleted(self) -> frozenset[str]:
        """The digests that are gone since the beginning."""
        return frozenset(v.digest for v in self.package.versions.values() if v.deleted_at)

    @property
    def bereaved(self) -> Mapping[str, set[str]]:
        """What is there and has lost companions, and which ones."""
        return oracle.bereaved(self.companions, self.package)

    @property
    def broken_tags(self) -> Sequence[str]:
        """The tags that cannot be pulled completely."""
        return oracle.broken_tags(self.package)


def digests(records: Iterable[Mapping[str, Any]], type: str) -> Iterator[str]:  # noqa: A002 - as records call it
    """Yield the digests that the records of one type speak of."""
    for record in records:
        if record["type"] == type:
            yield digest_of(record)


def digest_of(record: Mapping[str, Any]) -> str:
    """Return the digest that a record speaks of."""
    return str(record["body"]["key"]).partition("@")[2]


@contextmanager
def sandbox(limits: Limits = UNLIMITED, latency: float = 0.0) -> Iterator[Sandbox]:
    """Serve a sandbox that has no packages yet."""
    with Sandbox(SandboxSettings(limits=limits, latency=latency)).serve() as serving:
        yield serving


def now() -> datetime:
    """Return this moment in whole seconds."""
    return utc_now().replace(microsecond=0)
