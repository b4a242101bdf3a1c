"""What a call of the Packages API is about: whose packages, which one, and what of it."""

from collections.abc import Callable
from dataclasses import dataclass

from starlette.responses import Response

from reconciler.sandbox.accounts import Account, SandboxTokenKind
from reconciler.sandbox.call import Call, github_refusal
from reconciler.sandbox.package import Owner, StoredPackage
from reconciler.sandbox.rights import INTEGRATION, Right, authenticated
from reconciler.sandbox.world import World


@dataclass(frozen=True, slots=True)
class PackageCall:
    """The subject of a call, read from its path.

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


def wanted_by(world: World, call: Call, account: Account | None) -> PackageCall:
    """Read a call's path.

    Raises: RefusedError, with 404, when nobody by that name has packages.
    """
    login, rest = _owner(call, account)
    # Organisations answer below `/users` as well; users do not answer below `/orgs`.
    owner = world.owners.get(login.lower()) or _numbered(world, login)
    if owner is None or (call.segments[0] == "orgs" and owner.kind == "User"):
        raise github_refusal(404, "Not Found")
    name, numbers = "".join(rest[1:2]), [int(part) for part in rest[2:] if part.isdecimal()]
    package = world.packages.get(f"{owner.login.lower()}/{name}")
    return PackageCall(call, account, owner, _shape(rest), package, *numbers[:1])


def _shape(rest: list[str]) -> str:
    """Put placeholders where a path has values: second the name, then numbers."""
    tail = ("{id}" if part.isdecimal() else part for part in rest[2:])
    return "/".join((*rest[:1], *("{name}" for _ in rest[1:2]), *tail))


def _owner(call: Call, account: Account | None) -> tuple[str, list[str]]:
    """Return the login or number that a path gives, and what follows `packages`."""
    match call.segments:
        case ("user", "packages", *rest):
            return _own_login(account), rest
        case ("orgs" | "users" | "organizations" | "user", login, "packages", *rest):
            return login, rest
        case _:
            raise github_refusal(404, "Not Found")


def _own_login(account: Account | None) -> str:
    holder = authenticated(account, Right.READ)
    if holder.kind is SandboxTokenKind.ACTIONS:
        raise github_refusal(403, INTEGRATION)
    return holder.login


def _numbered(world: World, number: str) -> Owner | None:
    return next((owner for owner in world.owners.values() if str(owner.id) == number), None)
