"""GitHub's REST API for container packages, their versions and comments.

Source: GitHub's OpenAPI description.
"""

from collections.abc import Mapping, Sequence
from hashlib import sha256

from starlette.responses import Response

from reconciler.sandbox.accounts import Account, SandboxTokenKind
from reconciler.sandbox.call import (
    Call,
    PageRequest,
    Pause,
    RefusedError,
    github_refusal,
    json_response,
)
from reconciler.sandbox.metering import Meter
from reconciler.sandbox.package import RESTORABLE, StoredPackage, StoredVersion
from reconciler.sandbox.repos_api import CommentCalls, GitCalls
from reconciler.sandbox.rights import (
    INTEGRATION,
    NO_SUCH_PACKAGE,
    PACKAGE_DOWNLOADED,
    Operation,
    PackageCall,
    Right,
    authenticated,
    check_deletion,
    identify,
    is_popular,
    may_see,
    package_call,
    permit,
    refuse_deletion,
    require_admin,
)
from reconciler.sandbox.rows import numeric_path, package_row, user_row, version_row, versions_path
from reconciler.sandbox.world import World

_NO_SUCH_RESOURCE = "Not Found"

MAX_ROWS = 10_000
"""Largest `per_page` times `page` of a package listing. Source: GitHub's OpenAPI description."""

_NO_SUCH_VERSION = "Package version not found."


class GitHub:
    """Answers calls of the REST API: identifies the account, checks limits, routes the call."""

    def __init__(self, world: World) -> None:
        """Serve the packages of a world."""
        self._world = world
        self._operations = {
            **PackageCalls(world).operations,
            **VersionCalls(world).operations,
        }
        self._comments = CommentCalls(world)
        self._git = GitCalls()
        self._meter = Meter(world.settings.limits, world.clock)

    async def answer(self, call: Call, pause: Pause) -> Response:
        """Answer one call; it counts as concurrent during the pause."""
        account: Account | None = None
        try:
            account = identify(self._world, call)
            with self._meter.visit(account, call.method):
                # Reading the limits is free, also when the quota is used up.
                if call.segments != ("rate_limit",):
                    self._meter.charge(account)
                await pause()
                with self._world.lock:
                    response = self._conditional(call, self._answered(call, account))
                # An answer 304 is free. Source: GitHub, "Best practices for using the REST API",
                # conditional requests.
                if response.status_code == 304:
                    self._meter.refund(account)
        except RefusedError as refusal:
            response = refusal.response
        response.headers.update(self._meter.headers(account))
        if account and account.kind is SandboxTokenKind.CLASSIC:
            response.headers["x-oauth-scopes"] = ", ".join(sorted(account.scopes))
        return response

    def _answered(self, call: Call, account: Account | None) -> Response:
        if of_git := self._git.answer(call, account):
            return of_git
        if of_pulls := self._world.pulls.answer(call, account):
            return of_pulls
        if call.segments[0] == "repos":
            return self._comments.answer(call, account)
        if "packages" in call.segments[1:3]:
            request = package_call(self._world, call, account)
            operation = self._operations.get((call.method, request.shape))
            if operation is None:
                raise github_refusal(404, _NO_SUCH_RESOURCE)
            return operation(request)
        match (call.method, *call.segments):
            case ("GET", "rate_limit"):
                rate = self._meter.rate(account)
                # The header names the resource; in this document it is the key.
                del rate["resource"]
                resources = {"core": rate, "search": rate, "graphql": rate}
                return json_response({"resources": resources, "rate": rate})
            case ("GET", "user"):
                return self._user(call, account)
            case ("GET", "users", login):
                return self._profile(call, login)
            case _:
                raise github_refusal(404, _NO_SUCH_RESOURCE)

    def _conditional(self, call: Call, response: Response) -> Response:
        """Add the ETag to an answer, or answer 304 if it is unchanged."""
        if not self._world.settings.etags or call.method != "GET":
            return response
        etag = f'W/"{sha256(response.body).hexdigest()}"'
        if call.headers.get("if-none-match") == etag:
            return Response(status_code=304, headers={"etag": etag})
        response.headers["etag"] = etag
        return response

    def _user(self, call: Call, account: Account | None) -> Response:
        if account is None:
            raise github_refusal(401, "Requires authentication")
        # The token of a workflow belongs to an app, and not to a user.
        if account.kind is SandboxTokenKind.ACTIONS:
            raise github_refusal(403, INTEGRATION)
        return self._profile(call, account.login)

    def _profile(self, call: Call, login: str) -> Response:
        owner = self._world.owners.get(login.lower())
        if owner is None:
            raise github_refusal(404, _NO_SUCH_RESOURCE)
        return json_response(user_row(owner, call.base_url))


class PackageCalls:
    """Lists, shows, deletes and restores packages."""

    def __init__(self, world: World) -> None:
        """Serve the packages of a world."""
        self._world = world

    @property
    def operations(self) -> Mapping[tuple[str, str], Operation]:
        """What is answered here, by method and shape of the path."""
        return {
            ("GET", ""): self._list,
            ("GET", "container/{name}"): self._get,
            ("DELETE", "container/{name}"): self._delete,
            ("POST", "container/{name}/restore"): self._restore,
        }

    def _list(self, request: PackageCall) -> Response:
        call, page = request.call, PageRequest.of(request.call)
        account = authenticated(request.account, Right.READ)
        # The type is required, and the token of a workflow cannot list packages at all.
        if account.kind is SandboxTokenKind.ACTIONS or "package_type" not in call.query:
            raise github_refusal(400, "Invalid argument.")
        if page.number * page.size > MAX_ROWS:
            text = (
                f"The value of `per_page` multiplied by `page` cannot be greater than {MAX_ROWS}."
            )
            raise github_refusal(400, text)
        packages = [
            package
            for package in self._world.packages.values()
            if package.owner == request.owner
            and call.query["package_type"] == "container"
            and package.deleted_at is None
            and call.query.get("visibility", package.visibility) == package.visibility
            and may_see(account, package)
        ]
        rows = [package_row(package, call.base_url) for package in packages[page.slice]]
        link = page.link(call, numeric_path(request.owner), len(packages))
        return json_response(rows, headers=link)

    def _get(self, request: PackageCall) -> Response:
        package = permit(request.account, request.live_package, Right.READ)
        return json_response(package_row(package, request.call.base_url))

    def _delete(self, request: PackageCall) -> Response:
        package = permit(request.account, request.live_package, Right.DELETE)
        # One popular version is enough. Source: the text of GitHub's refusal.
        if any(is_popular(package, version) for version in package.live):
            refuse_deletion(self._world, PACKAGE_DOWNLOADED)
        package.deleted_at = self._world.now
        return Response(status_code=204)

    def _restore(self, request: PackageCall) -> Response:
        package = permit(request.account, request.package, Right.RESTORE)
        gone_at = package.deleted_at
        # A package that is not deleted is not found either, as with versions.
        if gone_at is None or gone_at + RESTORABLE <= self._world.now:
            raise github_refusal(404, NO_SUCH_PACKAGE)
        package.deleted_at = None
        return Response(status_code=204)


class VersionCalls:
    """Lists, shows, deletes and restores versions."""

    def __init__(self, world: World) -> None:
        """Serve the packages of a world."""
        self._world = world

    @property
    def operations(self) -> Mapping[tuple[str, str], Operation]:
        """What is answered here, by method and shape of the path."""
        return {
            ("GET", "container/{name}/versions"): self._list,
            ("GET", "container/{name}/versions/{id}"): self._get,
            ("DELETE", "container/{name}/versions/{id}"): self._delete,
            ("POST", "container/{name}/versions/{id}/restore"): self._restore,
        }

    def _list(self, request: PackageCall) -> Response:
        call, page = request.call, PageRequest.of(request.call)
        package = permit(request.account, request.live_package, Right.READ)
        listed: Sequence[tuple[int, tuple[str, ...]]]
        if call.query.get("state") == "deleted":
            # GitHub lists deleted versions to admins only. Here this listing has no lag.
            require_admin(authenticated(request.account, Right.READ), package)
            gone = list(package.deleted(self._world.now))
            listed, total = [(v.id, v.tags) for v in gone[page.slice]], len(gone)
        else:
            listed, total = package.listing.page(page.number, page.size, self._world.now)
        base = call.base_url
        rows = [version_row(package, package.versions[i], tags, base) for i, tags in listed]
        path = f"{numeric_path(request.owner)}/{versions_path(package)}"
        return json_response(rows, headers=page.link(call, path, total))

    def _get(self, request: PackageCall) -> Response:
        package = permit(request.account, request.live_package, Right.READ)
        version = _live(package, request.version_id)
        return json_response(version_row(package, version, version.tags, request.call.base_url))

    def _delete(self, request: PackageCall) -> Response:
        package = permit(request.account, request.live_package, Right.DELETE)
        version = _live(package, request.version_id)
        check_deletion(self._world, package, version)
        package.delete(version, self._world.now)
        return Response(status_code=204)

    def _restore(self, request: PackageCall) -> Response:
        package = permit(request.account, request.live_package, Right.RESTORE)
        version = package.restorable(request.version_id, self._world.now)
        if version is None:
            raise github_refusal(404, _NO_SUCH_VERSION)
        package.restore(version, self._world.now, tags=self._world.settings.restore_tags)
        return Response(status_code=204)


def _live(package: StoredPackage, version_id: int) -> StoredVersion:
    version = package.versions.get(version_id)
    if version is None or version.deleted_at is not None:
        raise github_refusal(404, _NO_SUCH_VERSION)
    return version
