"""Whole packages: one habit each, several together, and one case from life."""

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta
from random import Random

from reconciler.sandbox.artifacts import build_cache, bundle, plain_index, referrers_tag
from reconciler.sandbox.generate import PLATFORMS, YEAR
from reconciler.sandbox.package import StoredPackage
from tests.support.labelled import in_use, left
from tests.support.labelled.stage import HOUR, Recipe, Stage

Habit = Callable[[Stage, str, datetime], None]

HABITS: Mapping[str, Habit] = {
    habit.__name__.replace("_", "-"): habit
    for habit in (
        in_use.release,
        in_use.branch,
        in_use.plain_branch,
        in_use.proven_branch,
        in_use.signed,
        in_use.signed_again,
        in_use.staged,
        in_use.retagged,
        left.cached,
        left.unmerged,
        left.unmerged_index,
        left.merged,
        left.rebuilt,
        left.relabelled,
        left.beheaded,
        left.beheaded_bare,
        left.loose_attestation,
        left.broken,
        left.forgotten,
        left.abandoned,
        left.stranger,
    )
}
"""Every habit of builds and tools that leaves versions behind, by name."""

_DAY = timedelta(days=1)
_ONE = Recipe(PLATFORMS[:1])


def package_of(habits: Iterable[str], now: datetime, *, path: str = "acme/web") -> Stage:
    """Return a package that these habits made, day after day, in this order."""
    named = list(habits)
    stage = Stage(StoredPackage.of(path, now - YEAR, "public"))
    for number, habit in enumerate(named):
        day = now - _DAY * (len(named) - number) - timedelta(days=1)
        HABITS[habit](stage, f"{habit}-x{number}", day)
    return stage


def mixed(seed: int, count: int, now: datetime, *, path: str = "acme/web") -> Stage:
    """Return a package of so many habits drawn by lot; equal seeds give equal packages."""
    random = Random(seed)
    return package_of(random.choices(sorted(HABITS), k=count), now, path=path)


def lifelike_case(now: datetime, *, size: int = 73, path: str = "acme/web") -> Stage:
    """Return the package of a project that builds for one platform, and attests its releases.

    At full size it has 1,002 versions, 148 with a tag and 854 without, as one public package had
    from which deleting all that was untagged and a week old took live images.
    """
    stage = Stage(StoredPackage.of(path, now - YEAR, "public"))
    for number in range(size):
        _attested(stage, f"3.{number}.0", now - YEAR * (size - number) / (size + 1))
    pushes = 2 * size - 5
    for number in range(pushes):
        at = now - YEAR * (pushes - number) / (pushes + 1) + HOUR
        built = stage.build(f"main {number}", "main", at=at, recipe=_ONE)
        if number < pushes - 1:
            stage.superseded(built)
    exports = size - 5
    for number in range(exports):
        at = now - YEAR * (exports - number) / (exports + 1) + 2 * HOUR
        label = "tagged" if number == exports - 1 else "replaced-cache"
        stage.push(build_cache(f"export {number}"), "buildcache", at=at, label=label)
    return stage


def _attested(stage: Stage, version: str, at: datetime) -> None:
    """Release for one platform, and attest provenance and SBOM one after the other."""
    built = stage.build(version, version, at=at, recipe=_ONE).index
    statements = [bundle(built, f"{version} {kind}") for kind in ("provenance", "sbom")]
    for count, label in ((1, "replaced-referrers-index"), (2, "referrers-index")):
        stage.push(statements[count - 1], at=at, label="referrer")
        stage.push(plain_index(statements[:count]), referrers_tag(built.digest), at=at, label=label)
