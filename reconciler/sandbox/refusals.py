"""What GitHub refuses to delete, in its own words."""

from typing import NoReturn

from reconciler.sandbox.call import github_refusal
from reconciler.sandbox.package import StoredPackage, StoredVersion
from reconciler.sandbox.world import World

MAX_DOWNLOADS = 5_000
"""Downloads above which a public version stays. Source: the text of GitHub's refusal."""

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


def check_deletion(world: World, package: StoredPackage, version: StoredVersion) -> None:
    """Refuse to delete what GitHub would not delete."""
    if is_popular(package, version):
        refuse_deletion(world, _DOWNLOADED)
    # All tags there are sit on this version; untagged ones are not held by this rule.
    if version.tags and len(package.tags) == len(version.tags):
        refuse_deletion(world, _LAST_TAGGED)
    if len(package.live) == 1:
        refuse_deletion(world, _LAST)


def is_popular(package: StoredPackage, version: StoredVersion) -> bool:
    """Whether a version was downloaded so often that GitHub keeps it."""
    return package.visibility == "public" and version.downloads > MAX_DOWNLOADS


def refuse_deletion(world: World, text: str) -> NoReturn:
    """Refuse with the status that this world's settings choose."""
    raise github_refusal(world.settings.refusal_status, text)
