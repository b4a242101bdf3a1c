"""The operations on whole packages, with GitHub's rules and its words."""

from collections.abc import Mapping

from starlette.responses import Response

from reconciler.sandbox.accounts import Account, SandboxTokenKind
from reconciler.sandbox.call import github_refusal, json_response
from reconciler.sandbox.package import RESTORABLE, StoredPackage
from reconciler.sandbox.paging import PageRequest
from reconciler.sandbox.refusals import PACKAGE_DOWNLOADED, is_popular, refuse_deletion
from reconciler.sandbox.rights import NOT_FOUND, Right, authenticated, may_see, permit
from reconciler.sandbox.rows import numeric_path, package_row
from reconciler.sandbox.wanted import Operation, PackageCall
from reconciler.sandbox.world import World

MAX_ROWS = 10_000
"""Largest `per_page` times `page` of a package listing. Source: GitHub's OpenAPI description."""


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

    def _list(self, wanted: PackageCall) -> Response:
        call, page = wanted.call, PageRequest.of(wanted.call)
        account = authenticated(wanted.account, Right.READ)
        if account.kind is SandboxTokenKind.ACTIONS or "package_type" not in call.query:
            raise github_refusal(400, "Invalid argument.")
        if page.number * page.size > MAX_ROWS:
            text = (
                f"The value of `per_page` multiplied by `page` cannot be greater than {MAX_ROWS}."
            )
            raise github_refusal(400, text)
        packages = self._visible(wanted, account)
        rows = [package_row(package, call.base_url) for package in packages[page.slice]]
        link = page.link(call, numeric_path(wanted.owner), len(packages))
        return json_response(rows, headers=link)

    def _visible(self, wanted: PackageCall, account: Account) -> list[StoredPackage]:
        asked = wanted.call.query
        return [
            package
            for package in self._world.packages.values()
            if package.owner == wanted.owner
            and asked["package_type"] == "container"
            and package.deleted_at is None
            and asked.get("visibility", package.visibility) == package.visibility
            and may_see(account, package)
        ]

    def _get(self, wanted: PackageCall) -> Response:
        package = permit(wanted.account, wanted.live_package, Right.READ)
        return json_response(package_row(package, wanted.call.base_url))

    def _delete(self, wanted: PackageCall) -> Response:
        package = permit(wanted.account, wanted.live_package, Right.DELETE)
        if any(is_popular(package, version) for version in package.live):
            refuse_deletion(self._world, PACKAGE_DOWNLOADED)
        package.deleted_at = self._world.now
        return Response(status_code=204)

    def _restore(self, wanted: PackageCall) -> Response:
        package = permit(wanted.account, wanted.package, Right.RESTORE)
        gone_at = package.deleted_at
        if gone_at is None or gone_at + RESTORABLE <= self._world.now:
            raise github_refusal(404, NOT_FOUND)
        package.deleted_at = None
        return Response(status_code=204)
