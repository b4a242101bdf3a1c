"""Control of a sandbox: operations of others, and endpoints for faults, clock, calls and state."""

from dataclasses import asdict
from typing import Any

from pydantic import TypeAdapter, ValidationError
from starlette.responses import Response

from reconciler.sandbox.artifacts import OCI_INDEX, image
from reconciler.sandbox.call import Call, json_response
from reconciler.sandbox.faults import (
    Advance,
    Delete,
    Download,
    ExpireTokens,
    Fault,
    Operation,
    Push,
    Retag,
    Revoke,
)
from reconciler.sandbox.package import Content, StoredPackage, StoredVersion, document
from reconciler.sandbox.snapshots import snapshot_of
from reconciler.sandbox.world import World


def perform(world: World, *operations: Operation) -> None:
    """Perform operations as another user would, in order.

    Raises: LookupError, when one names a package, tag or digest that does not exist.
    """
    with world.lock:
        for operation in operations:
            match operation:
                case ExpireTokens():
                    world.tokens.expire()
                case Revoke():
                    world.revoked.add(operation.login)
                case Advance():
                    world.clock.advance(operation.by)
                case Push():
                    # As in a registry, the first push creates the package.
                    package = world.find(operation.package) or world.create(operation.package)
                    package.push(_content(package, operation), *operation.tags, at=world.now)
                case Retag():
                    package = _package(world, operation.package)
                    package.tag(_version(package, operation.to), operation.tag, at=world.now)
                case Delete():
                    package = _package(world, operation.package)
                    package.delete(_version(package, operation.reference), world.now)
                case Download():
                    package = _package(world, operation.package)
                    _version(package, operation.reference).downloads = operation.count


def _package(world: World, path: str) -> StoredPackage:
    package = world.find(path)
    if package is None:
        raise LookupError(f"no package {path}")
    return package


def _content(package: StoredPackage, push: Push) -> Content:
    """Build the pushed manifest; an image without a body differs from all others."""
    if push.body:
        return Content(push.media_type, push.body.encode())
    links: dict[str, Any] = (
        {"subject": _named(package, push.subject).descriptor()} if push.subject else {}
    )
    if push.lists:
        listed = [_named(package, reference).descriptor() for reference in push.lists]
        return document(OCI_INDEX, {"manifests": listed, **links})
    return image(f"pushed as number {package.next_id}", **links)


def _named(package: StoredPackage, reference: str) -> Content:
    version = _version(package, reference)
    return Content(version.media_type, version.body or b"")


def _version(package: StoredPackage, reference: str) -> StoredVersion:
    version = package.find(reference)
    if version is None:
        raise LookupError(f"{package.path} has no version {reference}")
    return version


_FAULTS: TypeAdapter[tuple[Fault, ...]] = TypeAdapter(tuple[Fault, ...])
_OPERATIONS: TypeAdapter[tuple[Operation, ...]] = TypeAdapter(tuple[Operation, ...])


class Control:
    """Answers calls below `/_sandbox/`; they meet no faults, limits or latency."""

    def __init__(self, world: World) -> None:
        """Control a world."""
        self._world = world

    def answer(self, call: Call) -> Response:
        """Answer one call; an invalid or impossible request is 422, with the reason."""
        try:
            with self._world.lock:
                return self._answered(call)
        except (ValidationError, LookupError) as error:
            return json_response({"message": str(error)}, 422)

    def _answered(self, call: Call) -> Response:
        world = self._world
        match (call.method, *call.segments[1:]):
            case ("POST", "faults"):
                world.faults.add(*_FAULTS.validate_json(call.body))
            case ("DELETE", "faults"):
                world.faults.clear()
            case ("POST", "operations"):
                perform(world, *_OPERATIONS.validate_json(call.body))
            case ("POST", "advance"):
                perform(world, Advance.model_validate_json(call.body))
            case ("GET", "requests"):
                return json_response([asdict(recorded) for recorded in world.requests])
            case ("DELETE", "requests"):
                world.requests.clear()
            case ("GET", "state"):
                return json_response(world.state())
            case ("GET", "snapshot"):
                snapshot = snapshot_of(world.packages.values(), world.now)
                return Response(snapshot.model_dump_json(), media_type="application/json")
            case _:
                return json_response({"message": "no such endpoint"}, 404)
        return json_response({"done": True})
