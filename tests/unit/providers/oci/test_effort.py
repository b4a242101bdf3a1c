"""What a plan says of the requests to a plain registry, and how many an apply sends."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from threading import Lock

import httpx
import pytest

from reconciler.connect import Connection, Registries
from reconciler.formats.view import Cost
from reconciler.policyfile import load_text
from reconciler.providers.oci.registry import OciRegistry
from reconciler.providers.oci.rounds import Rounds
from reconciler.session import Session
from reconciler.settings import RegistrySettings, Settings
from reconciler.state.local import LocalState
from reconciler.transport.cache import ManifestCache
from tests.support.documents import Document, digest_of, image
from tests.support.oci import ABSENT, API, TAGS, WEB, error, known, names
from tests.support.scripted_server import client_of
from tests.support.time import VirtualTime

POLICY = f"""
version: 1
policies:
  - name: web
    repositories: ["{WEB}"]
    rules:
      - {{name: builds, match: {{any: true}}, order_by: created, keep: {{last: KEPT}}}}
    guards: {{min_age: 0h, max_delete: 1000000, max_delete_percent: 100}}
"""

SECONDS = 0.01
"""What each request takes a registry that answers ten at once."""


@dataclass
class Registry(VirtualTime):
    """Images with a tag each, served in virtual time, with rounds that begin when they are due.

    Shape: `tags` holds the document of each tag. Units: `deleting` is what a DELETE takes, in
        seconds.
    """

    tags: dict[str, Document] = field(default_factory=dict)
    deleting: float = SECONDS
    sent: int = 0
    rounds: Rounds | None = None
    blobs: dict[str, bytes] = field(default_factory=dict)
    _is_reading: bool = False
    _lock: Lock = field(default_factory=Lock)

    def push(self, count: int) -> None:
        """Fill the repository."""
        for number in range(count):
            created = f"2026-01-01T00:{number // 60:02}:{number % 60:02}Z"
            document = self.tags[f"build-{number}"] = image(f"build {number}", created=created)
            self.blobs.update((digest_of(blob), blob) for blob in document.blobs)

    def pass_by(self, seconds: float) -> None:
        """Let time pass, and a round begin that is due."""
        with self._lock:
            self.seconds += seconds
            rounds = self.rounds
            if self._is_reading or not (
                rounds and rounds.is_needed and self.seconds >= rounds.due_at
            ):
                return
            self._is_reading = True
        rounds.read()
        self._is_reading = False

    def __call__(self, request: httpx.Request) -> httpx.Response:
        """Answer one request."""
        with self._lock:
            self.sent += 1
        self.pass_by(self.deleting if request.method == "DELETE" else SECONDS)
        path = request.url.path
        if path == TAGS:
            return names(*self.tags)
        name = path.removeprefix(f"{API}/manifests/")
        found = [tag for tag, image in [*self.tags.items()] if name in (tag, image.digest)]
        if request.method == "DELETE":
            for tag in found:
                del self.tags[tag]
            return httpx.Response(202) if found else ABSENT
        if path.startswith(f"{API}/referrers/"):
            return error(404, "NOT_FOUND")
        if path.startswith(f"{API}/blobs/"):
            return httpx.Response(200, content=self.blobs[path.rpartition("/")[2]])
        return known(self.tags[found[0]]) if found else ABSENT


@pytest.fixture
def registry(monkeypatch: pytest.MonkeyPatch) -> Registry:
    """Serve an empty repository; rounds are read where a thread would read them."""
    registry = Registry()

    @contextmanager
    def running(rounds: Rounds) -> Iterator[None]:
        registry.rounds = rounds
        yield
        registry.rounds = None

    monkeypatch.setattr(Rounds, "running", running)
    return registry


def applied(registry: Registry, folder: Path, kept: int) -> Cost:
    """Plan, and apply the plan; `sent` are the requests of the apply then."""
    cache, watch = ManifestCache(None), registry.watch()
    oci = OciRegistry(client_of(registry, time=registry), cache)
    host = WEB.registry
    settings = Settings(registries={host: RegistrySettings(kind="oci")})
    registries = Registries(settings, cache, watch, {host: Connection(oci, oci, lambda: None)})
    policies = load_text("p.yaml", POLICY.replace("KEPT", str(kept)).encode())
    session = Session(policies, registries, LocalState(folder), lambda: registry.now)
    plan = session.plan(lasts=timedelta(hours=1))
    cost = session.cost(plan)
    registry.sent = 0

    (done,) = session.apply(plan, allowed={}, halt=lambda: "")

    assert done.exit_code == 0, done
    return cost


@pytest.mark.parametrize("tags", [60, 150, 400])
def test_a_plan_says_how_many_requests_go_where_a_deletion_takes_as_long_as_a_read(
    registry: Registry, tmp_path: Path, tags: int
) -> None:
    registry.push(tags)

    cost = applied(registry, tmp_path, kept=tags // 10)

    assert len(registry.tags) == tags // 10
    assert 0.7 * registry.sent <= cost.requests <= 1.3 * registry.sent, (registry.sent, cost)


def test_where_deletions_are_slow_it_says_the_least_and_what_is_read_again(
    registry: Registry, tmp_path: Path
) -> None:
    registry.push(200)
    registry.deleting = 0.2

    cost = applied(registry, tmp_path, kept=20)

    assert cost.requests < registry.sent
    assert cost.rereads
    assert cost.rereads.tags == 200
    # All of them, once each time: no more than that.
    rounds = registry.seconds / cost.rereads.every
    assert registry.sent <= cost.requests + rounds * cost.rereads.tags
