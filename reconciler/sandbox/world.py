"""All data of a sandbox: packages, comments, pull requests and tokens.

Other threads must hold its lock.
"""

import secrets
from collections import defaultdict, deque
from collections.abc import Iterable, Set
from dataclasses import dataclass
from datetime import datetime
from threading import RLock
from typing import Any

from starlette.responses import Response

from reconciler.sandbox.accounts import Account, SandboxTokenKind
from reconciler.sandbox.call import Call, PageRequest, github_refusal, json_response
from reconciler.sandbox.faults import Faults
from reconciler.sandbox.package import Owner, StoredPackage
from reconciler.sandbox.settings import Clock, SandboxSettings

MAX_REQUESTS = 1_000_000
"""Calls recorded; the oldest are dropped first."""

Grant = tuple[str, str]
"""A package path and an allowed action: `pull` or `push`."""


@dataclass(frozen=True, slots=True)
class RecordedCall:
    """One recorded call, without the credential, only whether there was one.

    Shape: `target` is the encoded path with its query; `status` is 0 when no answer was sent.
    """

    method: str
    target: str
    status: int
    credential: bool


class World:
    """Packages, owners, accounts, clock, faults, and the record of all calls."""

    def __init__(self, settings: SandboxSettings, packages: Iterable[StoredPackage]) -> None:
        """Add packages; their owners and the accounts' logins become the owners."""
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
        # Calls have only the token, so that is the key.
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
        """Create a private package, as a first push does."""
        login, _, name = path.partition("/")
        owner = self.owners.get(login.lower()) or Owner(login, "User")
        return self.adopt(StoredPackage(owner, name, self.now))

    def account(self, token: str) -> Account | None:
        """Return the account of a token; None for one that is unknown or revoked."""
        account = self._accounts.get(token)
        return None if account is None or account.login in self.revoked else account

    def state(self) -> dict[str, Any]:
        """Describe every package, for tests that check what a client did to it."""
        packages = [
            {
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
            for package in self.packages.values()
        ]
        return {"packages": packages}


@dataclass
class StoredComment:
    """One comment of an issue."""

    id: int
    author: str
    body: str
    created_at: datetime
    updated_at: datetime


class Conversations:
    """The comments of each issue, in the order of their ids, the oldest first.

    Shape: an issue is named `owner/name#number`, in lower case.
    """

    def __init__(self) -> None:
        """Start without a comment."""
        self.locked: set[str] = set()
        """Issues that accept no further comment."""

        self._by_issue: dict[str, list[StoredComment]] = {}
        # Above the ids of versions, so that one is never mistaken for the other.
        self._next = 2_000_000_001

    def of(self, issue: str) -> list[StoredComment]:
        """Return the comments of an issue; any issue exists."""
        return self._by_issue.setdefault(issue.lower(), [])

    def add(self, issue: str, author: str, body: str, at: datetime) -> StoredComment:
        """Write a comment."""
        comment = StoredComment(self._next, author, body, at, at)
        self._next += 1
        self.of(issue).append(comment)
        return comment

    def delete(self, comment: StoredComment) -> None:
        """Delete a comment."""
        for comments in self._by_issue.values():
            if comment in comments:
                comments.remove(comment)

    def find(self, repository: str, number: int) -> tuple[str, StoredComment] | None:
        """Return a comment of a repository by its id, with the issue it belongs to."""
        for issue, comments in self._by_issue.items():
            for comment in comments:
                if comment.id == number and issue.partition("#")[0] == repository.lower():
                    return issue, comment
        return None


@dataclass(frozen=True, slots=True)
class StoredPullRequest:
    """One pull request and its head commit. Shape: `head` is `owner:branch`."""

    number: int
    head: str
    sha: str
    state: str = "open"


class PullCalls:
    """Lists the pull requests of repositories. Shape: `known` is keyed by `owner/name`."""

    def __init__(self) -> None:
        """Start without any."""
        self.known: defaultdict[str, list[StoredPullRequest]] = defaultdict(list)

    def answer(self, call: Call, account: Account | None) -> Response | None:
        """Answer a call, or None for one that is not about pull requests.

        Raises: RefusedError, without a token.

        Source: GitHub's OpenAPI description, `pulls/list`.
        """
        match (call.method, *call.segments):
            case ("GET", "repos", owner, name, "pulls"):
                if account is None:
                    raise github_refusal(401, "Requires authentication")
                state, head = call.query.get("state", "open"), call.query.get("head", "")
                rows = [
                    _row(request)
                    for request in self.known[f"{owner}/{name}".lower()]
                    if state in (request.state, "all") and head in (request.head, "")
                ]
                page = PageRequest.of(call)
                link = page.link(call, "/".join(call.segments), len(rows))
                return json_response(rows[page.slice], headers=link)
            case _:
                return None


def _row(request: StoredPullRequest) -> dict[str, Any]:
    owner, _, branch = request.head.partition(":")
    head = {"label": request.head, "ref": branch, "sha": request.sha, "user": {"login": owner}}
    return {"number": request.number, "state": request.state, "head": head}


@dataclass(frozen=True, slots=True)
class _Issued:
    """One token's rights and its expiry."""

    grants: Set[Grant]
    expires_at: datetime


class Tokens:
    """The registry tokens that were issued."""

    def __init__(self) -> None:
        """Start with none."""
        self._issued: dict[str, _Issued] = {}

    def issue(self, grants: Set[Grant], expires_at: datetime) -> str:
        """Return a new token for these grants."""
        token = secrets.token_urlsafe(24)
        self._issued[token] = _Issued(grants, expires_at)
        return token

    def grants(self, token: str, now: datetime) -> Set[Grant] | None:
        """Return the grants of a token; None when it is unknown or expired."""
        issued = self._issued.get(token)
        return issued.grants if issued and now < issued.expires_at else None

    def expire(self) -> None:
        """Expire every token now."""
        self._issued.clear()
