"""The operations on the versions of a package, with GitHub's rules and its words."""

from collections.abc import Mapping, Sequence

from starlette.responses import Response

from reconciler.sandbox.call import github_refusal, json_response
from reconciler.sandbox.package import StoredPackage, StoredVersion
from reconciler.sandbox.paging import PageRequest
from reconciler.sandbox.refusals import check_deletion
from reconciler.sandbox.rights import Right, authenticated, permit, require_admin
from reconciler.sandbox.rows import numeric_path, version_row, versions_path
from reconciler.sandbox.wanted import Operation, PackageCall
from reconciler.sandbox.world import World

_NOT_FOUND = "Package version not found."


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

    def _list(self, wanted: PackageCall) -> Response:
        call, page = wanted.call, PageRequest.of(wanted.call)
        package = permit(wanted.account, wanted.live_package, Right.READ)
        if call.query.get("state") == "deleted":
            require_admin(authenticated(wanted.account, Right.READ), package)
            shown, total = self._deleted(package, page)
        else:
            shown, total = package.listing.page(page.number, page.size, self._world.now)
        base = call.base_url
        rows = [version_row(package, package.versions[i], tags, base) for i, tags in shown]
        path = f"{numeric_path(wanted.owner)}/{versions_path(package)}"
        return json_response(rows, headers=page.link(call, path, total))

    def _deleted(
        self, package: StoredPackage, page: PageRequest
    ) -> tuple[Sequence[tuple[int, tuple[str, ...]]], int]:
        gone = list(package.deleted(self._world.now))
        return [(version.id, version.tags) for version in gone[page.slice]], len(gone)

    def _get(self, wanted: PackageCall) -> Response:
        package = permit(wanted.account, wanted.live_package, Right.READ)
        version = _live(package, wanted.version_id)
        return json_response(version_row(package, version, version.tags, wanted.call.base_url))

    def _delete(self, wanted: PackageCall) -> Response:
        package = permit(wanted.account, wanted.live_package, Right.DELETE)
        version = _live(package, wanted.version_id)
        check_deletion(self._world, package, version)
        package.delete(version, self._world.now)
        return Response(status_code=204)

    def _restore(self, wanted: PackageCall) -> Response:
        package = permit(wanted.account, wanted.live_package, Right.RESTORE)
        version = package.restorable(wanted.version_id, self._world.now)
        if version is None:
            raise github_refusal(404, _NOT_FOUND)
        package.restore(version, self._world.now, tags=self._world.settings.restore_tags)
        return Response(status_code=204)


def _live(package: StoredPackage, version_id: int) -> StoredVersion:
    version = package.versions.get(version_id)
    if version is None or version.deleted_at is not None:
        raise github_refusal(404, _NOT_FOUND)
    return version
