"""Everything the sandbox remembers; whoever touches it from another thread holds the lock."""

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from threading import RLock
from typing import Any

from reconciler.sandbox.accounts import Account, SandboxTokenKind
from reconciler.sandbox.clock import Clock
from reconciler.sandbox.comments import Conversations
from reconciler.sandbox.faults import Faults
from reconciler.sandbox.package import Owner, StoredPackage
from reconciler.sandbox.pulls import PullCalls
from reconciler.sandbox.settings import SandboxSettings
from reconciler.sandbox.tokens import Tokens

MAX_REQUESTS = 1_000_000
"""Calls remembered; older ones are forgotten first."""


@dataclass(frozen=True, slots=True)
class RecordedCall:
    """One call as the sandbox saw it; never the credential, only whether there was one.

    Shape: `target` is the encoded path with its query; `status` is 0 when no answer was sent.
    """

    method: str
    target: str
    status: int
    credential: bool


class World:
    """Packages, owners, accounts, clock, faults, and the record of all calls."""

    def __init__(self, settings: SandboxSettings, packages: Iterable[StoredPackage]) -> None:
        """Take in packages; their owners and the accounts' logins are the owners there are."""
        self.settings = settings
        self.clock = Clock(settings.now)
        self.faults = Faults()
        self.tokens = Tokens()
        self.lock = RLock()
        self.packages: dict[str, StoredPackage] = {}
        self.owners: dict[str, Owner] = {}
        self.revoked: set[str] = set()
        self.conversations = Conversations()
        self.pulls = PullCalls()
        self.requests: deque[RecordedCall] = deque(maxlen=MAX_REQUESTS)
        self._accounts = {a.token.get_secret_value(): a for a in settings.accounts}
        for package in packages:
            self.adopt(package)
        for account in settings.accounts:
            if account.kind is not SandboxTokenKind.ACTIONS:
                self.owners.setdefault(account.login.lower(), Owner(account.login, "User"))

    @property
    def now(self) -> datetime:
        """The sandbox's time."""
        return self.clock.now()

    def adopt(self, package: StoredPackage) -> StoredPackage:
        """Serve a package from now on."""
        package.listing.lag = self.settings.lag
        self.packages[package.path] = package
        self.owners.setdefault(package.owner.login.lower(), package.owner)
        return package

    def find(self, path: str) -> StoredPackage | None:
        """Return the package `owner/name`, unless it is deleted."""
        owner, _, name = path.partition("/")
        package = self.packages.get(f"{owner.lower()}/{name}")
        return None if package is None or package.deleted_at else package

    def create(self, path: str) -> StoredPackage:
        """Begin a new private package, as a first push does."""
        login, _, name = path.partition("/")
        owner = self.owners.get(login.lower()) or Owner(login, "User")
        return self.adopt(StoredPackage(owner, name, self.now))

    def account(self, token: str) -> Account | None:
        """Return whose token this is; None for one that is unknown or revoked."""
        account = self._accounts.get(token)
        return None if account is None or account.login in self.revoked else account

    def state(self) -> dict[str, Any]:
        """Describe every package as it is, for whoever judges what a client did to it."""
        return {"packages": [_described(package) for package in self.packages.values()]}


def _described(package: StoredPackage) -> dict[str, Any]:
    return {
        "path": package.path,
        "visibility": package.visibility,
        "deleted": package.deleted_at is not None,
        "tags": {tag: version.digest for tag, version in package.tags.items()},
        "versions": [
            {
                "id": version.id,
                "digest": version.digest,
                "tags": list(version.tags),
                "created_at": version.created_at.isoformat(),
                "downloads": version.downloads,
                "deleted": version.deleted_at is not None,
            }
            for version in package.versions.values()
        ],
    }
