"""`reconciler snapshot`: a copy that plans and applies like the registry it was taken from."""

import json
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest

from reconciler.model.snapshot import Snapshot
from reconciler.sandbox.accounts import CLASSIC
from reconciler.sandbox.faults import Answer, Fault
from reconciler.sandbox.generate import builds, lifelike
from reconciler.sandbox.package import StoredPackage
from reconciler.sandbox.server import Sandbox
from reconciler.sandbox.settings import UNLIMITED, SandboxSettings
from reconciler.sandbox.snapshots import packages_of
from reconciler.session import utc_now
from tests.support.cli import CommandLine
from tests.support.sandbox_commands import environment, policy_file

PATHS = ("acme/web", "acme/tools/lint")
POLICY = {
    "protect": [{"name": "moving", "match": {"tags": ["latest", "edge", "main"]}}],
    "rules": [
        {"name": "releases", "match": {"semver": ">=0"}, "keep": {"all": True}},
        {"name": "previews", "match": {"tags": ["pr-*"]}, "keep": {"within": "7d"}},
        {"name": "commits", "match": {"tags": ["sha-*"]}, "keep": {"last": 20}},
        {"name": "dangling", "match": {"untagged": True}, "keep": {"within": "7d"}},
    ],
    "guards": {"max_delete": 500, "max_delete_percent": 100},
}


class Rehearsal:
    """A sandbox, and the commands in a folder of their own beside it."""

    def __init__(self, sandbox: Sandbox, folder: Path) -> None:
        """Write the policy for the packages of this sandbox."""
        self.sandbox = sandbox
        self.folder = folder
        self.reconciler = CommandLine(folder, environment(sandbox, folder))
        self.reconciler.write_policy(policy_file(sandbox.host, PATHS, POLICY))

    def changes(self) -> list[list[dict[str, Any]]]:
        """Plan, and return what would go from each package, without the host's name."""
        planned = json.loads(self.reconciler("plan", "--format", "json").stdout)
        return [
            [
                {key: change[key] for key in ("digest", "version_id", "observed")}
                for change in changes
            ]
            for changes in (part["changes"] for part in planned["repositories"])
        ]


@contextmanager
def rehearsal(folder: Path, packages: list[StoredPackage]) -> Iterator[Rehearsal]:
    """Serve packages until the block ends."""
    folder.mkdir()
    with Sandbox(SandboxSettings(limits=UNLIMITED), packages).serve() as sandbox:
        yield Rehearsal(sandbox, folder)


@pytest.fixture
def origin(tmp_path: Path) -> Iterator[Rehearsal]:
    """Serve two packages of a few builds, which share no index."""
    one_platform = builds(20, now=utc_now(), path=PATHS[1], platforms=("linux/amd64",))
    packages = [builds(60, now=utc_now(), path=PATHS[0], tagged_every=3), one_platform]
    with rehearsal(tmp_path / "origin", packages) as served:
        yield served


@pytest.fixture
def year(tmp_path: Path) -> Iterator[Rehearsal]:
    """Serve a package such as a year leaves behind, and one of a few builds."""
    packages = [lifelike(utc_now(), path=PATHS[0]), builds(30, now=utc_now(), path=PATHS[1])]
    with rehearsal(tmp_path / "origin", packages) as served:
        yield served


def taken(origin: Rehearsal, *options: str) -> Snapshot:
    """Take a snapshot of everything, as a user does."""
    host = origin.sandbox.host
    names = [f"{host}/acme/*", f"{host}/acme/tools/*"]
    ended = origin.reconciler("snapshot", *names, "-o", "copy.json", *options)
    assert (ended.code, ended.stdout) == (0, "")
    return Snapshot.model_validate_json((origin.folder / "copy.json").read_bytes())


def test_a_copy_gives_the_same_plan_and_can_be_emptied_without_harm(
    year: Rehearsal, tmp_path: Path
) -> None:
    planned, before = year.changes(), year.sandbox.state()

    with ExitStack() as stack:
        packages = packages_of(taken(year))
        copy = stack.enter_context(rehearsal(tmp_path / "copy", packages))
        copied, applied = copy.changes(), copy.reconciler("apply", "--yes")
        again = copy.changes()

    assert [len(changes) > 25 for changes in planned] == [True, True]
    assert copied == planned
    assert applied.code == 0
    assert again == [[], []]
    after = year.sandbox.state()
    assert _without_downloads(after) == _without_downloads(before)


def test_it_says_what_it_takes_and_a_second_one_takes_the_pages_only(origin: Rehearsal) -> None:
    name = f"{origin.sandbox.host}/acme/web"
    versions = len(origin.sandbox.package("acme/web").live)
    pages = -(-versions // 100)

    first = origin.reconciler("snapshot", name, "-o", "copy.json")
    sent = len(origin.sandbox.requests)
    second = origin.reconciler("snapshot", name, "-o", "copy.json")

    told = f"{versions:,} manifests and 0 configurations copied, 0 manifests missing;"
    # Repositories share the search for the owner and the token: neither counts.
    assert f"{name}: {told} {sent - 2:,} requests" in first.stderr
    assert f"{name}: {told} {pages + 3:,} requests" in second.stderr
    assert len(origin.sandbox.requests) == sent + pages + 4


def test_configurations_come_along_on_request(origin: Rehearsal) -> None:
    snapshot = taken(origin, "--configs")

    configs = {
        json.loads(content.body)["config"]["digest"]
        for package in snapshot.packages
        for content in package.manifests.values()
        if b'"application/vnd.oci.image.config.v1+json"' in content.body
    }
    assert {digest for package in snapshot.packages for digest in package.blobs} == configs


def test_no_token_is_in_a_copy(origin: Rehearsal) -> None:
    taken(origin)

    text = (origin.folder / "copy.json").read_text()
    assert CLASSIC.token.get_secret_value() not in text
    assert "ghp_" not in text


def test_a_version_that_the_registry_has_lost_is_as_broken_in_the_copy(
    origin: Rehearsal, tmp_path: Path
) -> None:
    lost = origin.sandbox.package("acme/web").tags["main"]
    lost.body = None

    with ExitStack() as stack:
        packages = packages_of(taken(origin))
        copy = stack.enter_context(rehearsal(tmp_path / "copy", packages))
        here, there = origin.reconciler("plan"), copy.reconciler("plan")

    assert (here.code, there.code) == (6, 6)
    assert lost.digest in here.stdout
    assert lost.digest in there.stdout


def test_a_listing_with_a_hole_in_it_means_no_copy(origin: Rehearsal) -> None:
    hole = Answer(status=200, body="[]", headers={"content-type": "application/json"})
    origin.sandbox.add_faults(Fault(path="&page=2", times=None, answer=hole))

    ended = origin.reconciler("snapshot", f"{origin.sandbox.host}/acme/web", "-o", "copy.json")

    assert ended.code == 6
    assert not (origin.folder / "copy.json").exists()


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("https://ghcr.io/acme/web", "Did you mean ghcr.io/acme/web?"),
        ("{host}/acme/nothing-*", "matches no repository"),
    ],
)
def test_a_name_that_stands_for_nothing_is_refused(
    origin: Rehearsal, name: str, words: str
) -> None:
    ended = origin.reconciler("snapshot", name.format(host=origin.sandbox.host), "-o", "copy.json")

    assert ended.code == 64
    assert words in ended.stderr


def _without_downloads(state: dict[str, Any]) -> list[Any]:
    """Leave out what reading changes on GitHub, too: the counts of downloads."""
    return [
        {**package, "versions": [{**v, "downloads": 0} for v in package["versions"]]}
        for package in state["packages"]
    ]
