"""Rights on packages: in GitHub's REST API with its refusals, and by tokens of the registry."""

import base64
import binascii
from collections.abc import Callable, Mapping, Set
from dataclasses import dataclass
from datetime import timedelta
from enum import Enum
from typing import NoReturn

from starlette.responses import Response

from reconciler.sandbox.accounts import (
    DELETE_PACKAGES,
    READ_PACKAGES,
    WRITE_PACKAGES,
    Account,
    SandboxTokenKind,
)
from reconciler.sandbox.call import (
    Call,
    RefusedError,
    github_refusal,
    json_response,
    registry_refusal,
)
from reconciler.sandbox.package import Owner, StoredPackage, StoredVersion
from reconciler.sandbox.world import Grant, World

MAX_DOWNLOADS = 5_000
"""Downloads above which a public version is not deleted. Source: the text of GitHub's refusal."""

PACKAGE_DOWNLOADED = (
    "Publicly visible packages with a version with more than 5000 downloads cannot be deleted. "
    "Contact GitHub support for further assistance."
)
_DOWNLOADED = (
    "Publicly visible package versions with more than 5000 downloads cannot be deleted. "
    "Contact GitHub support for further assistance."
)
_LAST_TAGGED = (
    "You cannot delete the last tagged version of a package. You must delete the package instead."
)
_LAST = "You cannot delete the last version of a package. You must delete the package instead."


class Right(Enum):
    """The right that a call needs."""

    READ = "get a package"
    DELETE = "delete a package"
    RESTORE = "restore a package"


_SCOPES: Mapping[Right, tuple[str, ...]] = {
    Right.READ: (READ_PACKAGES,),
    Right.DELETE: (READ_PACKAGES, DELETE_PACKAGES),
    Right.RESTORE: (READ_PACKAGES, WRITE_PACKAGES),
}
INTEGRATION = "Resource not accessible by integration"
NO_SUCH_PACKAGE = "Package not found."


def identify(world: World, call: Call) -> Account | None:
    """Return the account of a call; None when it has no credential.

    Raises: RefusedError, with 401, for an unknown token.
    """
    scheme, token = call.credential
    if not scheme:
        return None
    account = world.account(token) if scheme in ("bearer", "token") else None
    if account is None:
        raise github_refusal(401, "Bad credentials")
    return account


def authenticated(account: Account | None, right: Right) -> Account:
    """Return the account, if the kind and the scopes of its token allow this.

    Raises: RefusedError, with 401 without a token, and 403 for a wrong kind or a missing scope.
    """
    if account is None:
        raise github_refusal(401, "Requires authentication")
    # GitHub Packages accepts classic tokens only. Source: GitHub, "About permissions for GitHub
    # Packages".
    if account.kind is SandboxTokenKind.FINE_GRAINED:
        raise github_refusal(403, "Resource not accessible by personal access token")
    needed = _SCOPES[right]
    if not all(account.has_scope(scope) for scope in needed):
        scopes = " and ".join(needed) + (" scopes" if len(needed) > 1 else " scope")
        raise github_refusal(403, f"You need at least {scopes} to {right.value}.")
    return account


def permit(account: Account | None, package: StoredPackage | None, right: Right) -> StoredPackage:
    """Return the package, if the account's token and its role on it allow this.

    Raises: RefusedError: 404 without the role, as if the package did not exist; 403 for a
        workflow's token.
    """
    holder = authenticated(account, right)
    # A private package is hidden, so its refusal is that of a package that does not exist.
    if package is None or not may_see(holder, package):
        raise github_refusal(404, NO_SUCH_PACKAGE)
    if right is not Right.READ:
        require_admin(holder, package)
    return package


def require_admin(account: Account, package: StoredPackage) -> None:
    """Refuse an account without the admin role on the package."""
    if account.has_role("admin", package.path):
        return
    # GitHub answers 404 to people without the role, and 403 to workflows.
    if account.kind is SandboxTokenKind.ACTIONS:
        raise github_refusal(403, INTEGRATION)
    raise github_refusal(404, NO_SUCH_PACKAGE)


def may_see(account: Account, package: StoredPackage) -> bool:
    """Whether a package exists for this account."""
    return package.visibility == "public" or account.has_role("read", package.path)


@dataclass(frozen=True, slots=True)
class PackageCall:
    """What a call refers to, read from its path.

    Shape: `shape` is what follows `packages` in the path, with `{name}` and `{id}` for values.
    """

    call: Call
    account: Account | None
    owner: Owner
    shape: str
    package: StoredPackage | None = None
    version_id: int = 0

    @property
    def live_package(self) -> StoredPackage | None:
        """The package, unless it is deleted."""
        return None if self.package is None or self.package.deleted_at else self.package


Operation = Callable[[PackageCall], Response]


def package_call(world: World, call: Call, account: Account | None) -> PackageCall:
    """Parse a call's path.

    Raises: RefusedError, with 404, when there is no such owner.
    """
    match call.segments:
        case ("user", "packages", *rest):
            holder = authenticated(account, Right.READ)
            # The token of a workflow belongs to no user.
            if holder.kind is SandboxTokenKind.ACTIONS:
                raise github_refusal(403, INTEGRATION)
            login = holder.login
        case ("orgs" | "users" | "organizations" | "user", login, "packages", *rest):
            pass
        case _:
            raise github_refusal(404, "Not Found")
    # Organisations answer below `/users` as well; users do not answer below `/orgs`.
    by_id = {str(owner.id): owner for owner in world.owners.values()}
    owner = world.owners.get(login.lower()) or by_id.get(login)
    if owner is None or (call.segments[0] == "orgs" and owner.kind == "User"):
        raise github_refusal(404, "Not Found")
    name, numbers = "".join(rest[1:2]), [int(part) for part in rest[2:] if part.isdecimal()]
    package = world.packages.get(f"{owner.login.lower()}/{name}")
    # Placeholders replace the values: the name, which may look like a number, then the ids.
    tail = ("{id}" if part.isdecimal() else part for part in rest[2:])
    shape = "/".join((*rest[:1], *("{name}" for _ in rest[1:2]), *tail))
    return PackageCall(call, account, owner, shape, package, *numbers[:1])


def check_deletion(world: World, package: StoredPackage, version: StoredVersion) -> None:
    """Refuse to delete what GitHub would not delete."""
    if is_popular(package, version):
        refuse_deletion(world, _DOWNLOADED)
    # This version has all tags of the package. Untagged versions may be deleted.
    if version.tags and len(package.tags) == len(version.tags):
        refuse_deletion(world, _LAST_TAGGED)
    # Only deleting the package would remove this one.
    if len(package.live) == 1:
        refuse_deletion(world, _LAST)


def is_popular(package: StoredPackage, version: StoredVersion) -> bool:
    """Whether a version was downloaded so often that GitHub keeps it."""
    return package.visibility == "public" and version.downloads > MAX_DOWNLOADS


def refuse_deletion(world: World, text: str) -> NoReturn:
    """Refuse with the status that this world's settings choose."""
    raise github_refusal(world.settings.refusal_status, text)


_SAMPLE = "user/image"
"""The repository that ghcr.io names when it is asked for no particular one."""


class RegistryAccess:
    """Issues tokens for credentials, and checks the tokens of calls."""

    def __init__(self, world: World) -> None:
        """Use the accounts and packages of a world."""
        self._world = world

    def token(self, call: Call) -> Response:
        """Issue a token for those of the requested scopes that the caller may use.

        Raises: RefusedError, with DENIED, when there are none, or the credential is bad.
        """
        scheme, credential = call.credential
        account = None
        if scheme:
            password = _decoded(credential).partition(":")[2] if scheme == "basic" else ""
            account = self._world.account(password)
            # GitHub Packages accepts classic tokens only, as in `authenticated`.
            if account is None or account.kind is SandboxTokenKind.FINE_GRAINED:
                raise registry_refusal(403, "DENIED", "denied")
        asked = _scopes(call)
        granted = {grant for grant in asked if self._may(account, grant)}
        if asked and not granted:
            raise registry_refusal(403, "DENIED", "requested access to the resource is denied")
        life = self._world.settings.token_seconds
        token = self._world.tokens.issue(granted, self._world.now + timedelta(seconds=life))
        return json_response({"token": token, "expires_in": life})

    def check(self, call: Call, path: str, action: str) -> None:
        """Check that a call may do this to a repository.

        Raises: RefusedError: a challenge without a valid token, DENIED if its scope is too small.
        """
        scheme, credential = call.credential
        # ghcr.io answers Basic here without a challenge, so a client cannot find its way.
        if scheme == "basic":
            raise registry_refusal(403, "DENIED", "invalid token")
        if not scheme:
            raise self._challenge(call, path, action, "authentication required")
        grants = self._world.tokens.grants(credential, self._world.now)
        # ghcr.io also accepts a GitHub token in base64, alone or after a user's name.
        account = self._world.account(_decoded(credential).rpartition(":")[2])
        if grants is None and account is None:
            raise self._challenge(call, path, action, "invalid or expired token")
        grant = (path.lower(), action)
        allowed = grant in grants if grants is not None else self._may(account, grant)
        # `/v2/` itself needs a token, but no right.
        if path and not allowed:
            raise registry_refusal(403, "DENIED", "requested access to the resource is denied")

    def _challenge(self, call: Call, path: str, action: str, message: str) -> RefusedError:
        actions = "pull" if action == "pull" else "pull,push"
        scope = f"repository:{path or _SAMPLE}:{actions}"
        realm = f"{call.base_url}/token"
        challenge = f'Bearer realm="{realm}",service="{call.host}",scope="{scope}"'
        return registry_refusal(401, "UNAUTHORIZED", message, {"www-authenticate": challenge})

    def _may(self, account: Account | None, grant: Grant) -> bool:
        path, action = grant
        # A public package can be pulled with the wrong scopes and without any account.
        package = self._world.find(path)
        if action == "pull" and package is not None and package.visibility == "public":
            return True
        if account is None:
            return False
        if action == "pull":
            return account.has_scope(READ_PACKAGES) and account.has_role("read", path)
        return account.has_scope(WRITE_PACKAGES) and account.has_role("write", path)


def _scopes(call: Call) -> Set[Grant]:
    """Read `repository:PATH:ACTIONS`, repeated or separated by spaces.

    Source: distribution, docs/content/spec/auth/token.md.
    """
    grants: set[Grant] = set()
    for scope in " ".join(call.query.getlist("scope")).split():
        _, _, rest = scope.partition(":")
        path, _, actions = rest.rpartition(":")
        grants.update((path.lower(), action) for action in actions.split(","))
    return grants


def _decoded(credential: str) -> str:
    try:
        return base64.b64decode(credential, validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        return ""
