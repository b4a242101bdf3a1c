"""How close deletions come to the rate that GitHub allows, in a tenth of its time."""

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from reconciler.model.names import Repository
from reconciler.model.ports import DeletionResult
from reconciler.providers.ghcr import GhcrRegistry
from reconciler.providers.ghcr_connection import GhcrConnection, GitHubHost
from reconciler.sandbox.artifacts import image
from reconciler.sandbox.limits import Limits
from reconciler.sandbox.package import Package
from reconciler.sandbox.server import Sandbox
from reconciler.sandbox.settings import Settings
from reconciler.transport.cache import ManifestCache
from reconciler.transport.watch import Watch

pytestmark = pytest.mark.bench

FACTOR = 10
DELETIONS = 600
NOW = datetime(2026, 9, 1, 12, tzinfo=UTC)


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    """Serve a package of lone images under GitHub's limits, in a tenth of their time."""
    package = Package.of("acme/web", NOW - timedelta(days=30))
    for number in range(DELETIONS + 1):
        package.push(image(f"lone {number}"), at=NOW - timedelta(days=20))
    with Sandbox(Settings(limits=Limits().scaled(FACTOR)), [package]).serve() as serving:
        yield serving


@pytest.mark.parametrize(
    ("looks", "points"), [(0, 5), (1, 6)], ids=["deletes", "looks and deletes"]
)
def test_deletions_use_nine_tenths_of_what_is_allowed(
    sandbox: Sandbox, looks: int, points: int
) -> None:
    watch = Watch(lambda: datetime.now(UTC))
    host = GitHubHost(sandbox.url, sandbox.url, minute=60 / FACTOR)
    connection = GhcrConnection.open(host, "ghp_sandbox", ManifestCache(None), watch)
    registry, repository = GhcrRegistry(connection), Repository(f"{sandbox.host}/acme/web")
    versions = registry.listing(repository).versions[:DELETIONS]
    began = time.perf_counter()

    for version in versions:
        registry.pace(1)
        for _ in range(looks):
            registry.version(repository, version)
        assert registry.delete(repository, version).result is DeletionResult.DELETED

    minutes = (time.perf_counter() - began) * FACTOR / 60
    connection.close()
    refused = sum(seen.status == 403 for seen in sandbox.requests)
    print(f"{DELETIONS / minutes:.0f} deletions a minute, {refused} refused")  # noqa: T201
    assert DELETIONS * points / minutes >= 0.9 * 900
    assert refused == 0
