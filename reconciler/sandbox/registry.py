"""ghcr.io as an OCI registry. Source: OCI distribution-spec v1.1, and what ghcr.io does."""

from dataclasses import dataclass

from starlette.responses import Response

from reconciler.sandbox.blobs import Blobs
from reconciler.sandbox.call import Call, Pause, RefusedError, json_response, registry_refusal
from reconciler.sandbox.manifests import Manifests
from reconciler.sandbox.metering import Meter
from reconciler.sandbox.registry_access import RegistryAccess
from reconciler.sandbox.world import World

_PUSHING = frozenset({"POST", "PUT", "PATCH"})


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a call goes: a repository, one of its collections, and an entry of that."""

    path: str
    collection: str
    entry: str


class SandboxRegistry:
    """Answers calls below `/v2/`, and the token endpoint that belongs to them."""

    def __init__(self, world: World) -> None:
        """Serve the packages of a world."""
        self._world = world
        self._meter = Meter(world.settings.limits, world.clock)
        self._access = RegistryAccess(world)
        self._manifests = Manifests(world)
        self._blobs = Blobs(world)

    async def answer(self, call: Call, pause: Pause) -> Response:
        """Answer one call."""
        try:
            self._meter.admit(_namespace(call))
            await pause()
            with self._world.lock:
                return self._answered(call)
        except RefusedError as refusal:
            return refusal.response

    def _answered(self, call: Call) -> Response:
        if call.segments == ("token",):
            return self._access.token(call)
        place = _place(call)
        action = "push" if call.method in _PUSHING else "pull"
        self._access.check(call, place.path, action)
        match place.collection:
            case "":
                return json_response({})
            case "manifests":
                return self._manifest(call, place)
            case "blobs":
                return self._blob(call, place)
            case "uploads":
                return self._upload(call, place)
            case _:
                return self._listing(call, place)

    def _manifest(self, call: Call, place: _Place) -> Response:
        match call.method:
            case "GET" | "HEAD":
                return self._manifests.get(call, place.path, place.entry)
            case "PUT":
                return self._manifests.put(call, place.path, place.entry)
            case _:
                raise _unsupported()

    def _blob(self, call: Call, place: _Place) -> Response:
        if call.method in ("GET", "HEAD"):
            return self._blobs.get(place.path, place.entry)
        raise _unsupported()

    def _upload(self, call: Call, place: _Place) -> Response:
        match call.method:
            case "POST":
                return self._blobs.start(call, place.path)
            case "PATCH":
                return self._blobs.append(call, place.path, place.entry)
            case "PUT":
                return self._blobs.finish(call, place.path, place.entry)
            case "GET":
                return self._blobs.status(place.path, place.entry)
            case _:
                raise _unsupported()

    def _listing(self, call: Call, place: _Place) -> Response:
        if place.collection == "referrers":
            return self._manifests.referrers(place.path, place.entry)
        return self._manifests.tags(call, place.path)


def _place(call: Call) -> _Place:
    """Read the path from its end, for a repository's name may have any number of parts."""
    match call.segments[1:]:
        case () | ("",):
            return _Place("", "", "")
        case (*name, "blobs", "uploads", upload) if name:
            return _Place("/".join(name), "uploads", upload)
        case (*name, "tags", "list") if name:
            return _Place("/".join(name), "tags", "")
        case (*name, "manifests" | "blobs" | "referrers" as collection, entry) if name:
            return _Place("/".join(name), collection, entry)
        case _:
            raise registry_refusal(404, "NAME_INVALID", "invalid repository name")


def _namespace(call: Call) -> str:
    """Return the owner whose limit a call counts against."""
    if call.segments == ("token",):
        return call.query.get("scope", "").removeprefix("repository:").partition("/")[0]
    return call.segments[1] if len(call.segments) > 1 else ""


def _unsupported() -> RefusedError:
    return registry_refusal(405, "UNSUPPORTED", "The operation is unsupported.")
