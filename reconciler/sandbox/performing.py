"""Perform operations on packages as another user would: push, retag, delete and others."""

from typing import Any

from reconciler.sandbox.artifacts import OCI_INDEX, image
from reconciler.sandbox.faults import (
    Advance,
    Delete,
    Download,
    ExpireTokens,
    Operation,
    Push,
    Retag,
    Revoke,
)
from reconciler.sandbox.package import Content, StoredPackage, StoredVersion, document
from reconciler.sandbox.world import World


def perform(world: World, *operations: Operation) -> None:
    """Perform operations in order.

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
