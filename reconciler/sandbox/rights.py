"""Who may do what to a package through GitHub's REST API."""

from collections.abc import Mapping
from enum import Enum

from reconciler.sandbox.accounts import (
    DELETE_PACKAGES,
    READ_PACKAGES,
    WRITE_PACKAGES,
    Account,
    SandboxTokenKind,
)
from reconciler.sandbox.call import Call, github_refusal
from reconciler.sandbox.package import StoredPackage
from reconciler.sandbox.world import World


class Right(Enum):
    """What a call wants to do."""

    READ = "get a package"
    DELETE = "delete a package"
    RESTORE = "restore a package"


_SCOPES: Mapping[Right, tuple[str, ...]] = {
    Right.READ: (READ_PACKAGES,),
    Right.DELETE: (READ_PACKAGES, DELETE_PACKAGES),
    Right.RESTORE: (READ_PACKAGES, WRITE_PACKAGES),
}
INTEGRATION = "Resource not accessible by integration"
NOT_FOUND = "Package not found."


def identify(world: World, call: Call) -> Account | None:
    """Return whose call this is; None when it carries no credential.

    Raises: RefusedError, with 401, for a token that nobody has.
    """
    scheme, token = call.credential
    if not scheme:
        return None
    account = world.account(token) if scheme in ("bearer", "token") else None
    if account is None:
        raise github_refusal(401, "Bad credentials")
    return account


def authenticated(account: Account | None, right: Right) -> Account:
    """Return the account, if its token may be used for this at all.

    Raises: RefusedError, with 401 without a token, and 403 for a wrong kind or a missing scope.
    """
    if account is None:
        raise github_refusal(401, "Requires authentication")
    if account.kind is SandboxTokenKind.FINE_GRAINED:
        raise github_refusal(403, "Resource not accessible by personal access token")
    needed = _SCOPES[right]
    if not all(account.has_scope(scope) for scope in needed):
        scopes = " and ".join(needed) + (" scopes" if len(needed) > 1 else " scope")
        raise github_refusal(403, f"You need at least {scopes} to {right.value}.")
    return account


def permit(account: Account | None, package: StoredPackage | None, right: Right) -> StoredPackage:
    """Return the package, if the account's token and its role on it allow this.

    Raises: RefusedError: without the role a package looks as if it did not exist, except to a
        workflow's token, which is told that it may not.
    """
    holder = authenticated(account, right)
    if package is None or not may_see(holder, package):
        raise github_refusal(404, NOT_FOUND)
    if right is not Right.READ:
        require_admin(holder, package)
    return package


def require_admin(account: Account, package: StoredPackage) -> None:
    """Refuse an account that does not administer the package."""
    if account.has_role("admin", package.path):
        return
    # GitHub hides from people what they may not change, and tells workflows openly.
    if account.kind is SandboxTokenKind.ACTIONS:
        raise github_refusal(403, INTEGRATION)
    raise github_refusal(404, NOT_FOUND)


def may_see(account: Account, package: StoredPackage) -> bool:
    """Whether a package exists for this account."""
    return package.visibility == "public" or account.has_role("read", package.path)
