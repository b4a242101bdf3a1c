"""What is done while a recording is made, and done again while it is played."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from pydantic import SecretStr

from reconciler.connect import open_registries
from reconciler.model.inventory import Version
from reconciler.model.names import Repository
from reconciler.model.plan import DeletionPlan
from reconciler.model.ports import Listing
from reconciler.model.results import Applied
from reconciler.policyfile import load_text
from reconciler.session import Session
from reconciler.settings import RegistrySettings, Settings
from reconciler.state.local import LocalState

HOUR = timedelta(hours=1)
POLICY = """
version: 1
policies:
  - name: recorded
    repositories: ["{repository}"]
    rules:
      - {{name: commits, match: {{tags: ["sha-*"]}}, order_by: {order}, keep: {{last: 2}}}}
      - {{name: dangling, match: {{untagged: true}}, keep: {{none: true}}}}
    guards: {{min_age: 0h, max_delete: 1000000, max_delete_percent: 100}}
"""


@dataclass(frozen=True, slots=True)
class Desk:
    """Where a story takes place: a repository, a folder for cache and state, a clock that stands.

    Shape: `told` describes a host that cannot be guessed.
    """

    repository: Repository
    folder: Path
    now: datetime
    token: str = ""
    told: RegistrySettings | None = None

    @contextmanager
    def session(self, order: str) -> Iterator[Session]:
        """Open a session with the policy of all stories."""
        settings = Settings(
            state=str(self.folder / "state"),
            cache=self.folder / "cache",
            registries={self.repository.registry: self.told} if self.told else {},
            GITHUB_TOKEN=SecretStr(self.token) if self.token else None,
        )
        text = POLICY.format(repository=self.repository, order=order)
        policies = load_text("recorded.yaml", text.encode())
        with open_registries(settings, lambda: self.now) as registries:
            yield Session(policies, registries, LocalState(Path(settings.state)), lambda: self.now)


@dataclass(frozen=True, slots=True)
class Read:
    """What reading a package came to."""

    plan: DeletionPlan
    again: DeletionPlan
    listing: Listing
    newest: Listing
    looked: Sequence[Version]


def read(desk: Desk) -> Read:
    """Plan twice, list, look at the newest and at the first three; nothing is changed."""
    with desk.session("pushed") as session:
        reader = session.registries.reader(desk.repository.registry)
        plan, again = session.plan(lasts=HOUR), session.plan(lasts=HOUR)
        listing = reader.listing(desk.repository)
        newest = reader.newest(desk.repository, listing.watermark)
        looked = reader.look(desk.repository, listing.versions[:3])
        return Read(plan, again, listing, newest, list(looked.values()))


@dataclass(frozen=True, slots=True)
class Changed:
    """What changing a repository came to."""

    before: Listing
    plan: DeletionPlan
    applied: Applied
    again: DeletionPlan
    after: Listing


def change(desk: Desk) -> Changed:
    """Plan, apply the plan, and plan again."""
    with desk.session("created") as session:
        reader = session.registries.reader(desk.repository.registry)
        before, plan = reader.listing(desk.repository), session.plan(lasts=HOUR)
        (applied,) = session.apply(plan, allowed={}, halt=lambda: "")
        again, after = session.plan(lasts=HOUR), reader.listing(desk.repository)
        return Changed(before, plan, applied, again, after)
