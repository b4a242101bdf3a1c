"""Generate packages as CI would: a year of releases and pull requests, or evenly spread builds."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from itertools import accumulate
from random import Random
from typing import Literal
from zlib import crc32

from reconciler.sandbox.artifacts import (
    Weigh,
    attestation,
    build_cache,
    build_cache_index,
    bundle,
    cosign_signature,
    image,
    index,
    plain_index,
    referrers_tag,
)
from reconciler.sandbox.package import Content, StoredPackage

_DAY = timedelta(days=1)
_COMMITS = 90
"""Pushes to the main branch in the year."""

_RELEASE_EVERY = 5
"""One release for this many commits of the main branch."""

_PULL_REQUESTS = 26
_MIB = 1024 * 1024
_INTERRUPTED_RUNS = 4
_STEPS = ("patch", "patch", "minor", "patch", "candidate", "minor", "patch", "major")
"""The part of the version that each release increases; repeated in this order."""

Event = tuple[datetime, Callable[[datetime], object]]

PLATFORMS = ("linux/amd64", "linux/arm64")
YEAR = timedelta(days=365)

Attestations = Literal["none", "config", "artifact"]
"""How BuildKit attests: not at all, before 0.32 with a config, from then on as an artifact."""


def stated_size(name: str) -> int:
    """Return the size that a layer of this name would have in real life.

    Units: bytes: 28 MiB for a slim base, 12 to 44 MiB for what a build adds, 80 to 144 for a cache.
    """
    if name.startswith("base "):
        return 28 * _MIB + crc32(name.encode()) % _MIB
    least, span = (80, 64) if name.startswith("cached ") else (12, 32)
    return least * _MIB + crc32(name.encode()) % (span * _MIB)


def lifelike(
    now: datetime, *, path: str = "acme/web", seed: int = 1, weigh: Weigh | None = None
) -> StoredPackage:
    """Return a public package of about a thousand versions; equal arguments, equal bytes.

    Layers are a few bytes long. With `weigh` manifests state other sizes, so clients that compare
    them cannot pull.
    """
    package = StoredPackage.of(path, now - YEAR, "public")
    random = Random(seed)  # noqa: S311 - it makes shapes, no secrets
    workflows = _Workflows(package, random, now, weigh)
    for at, happen in sorted(workflows.events(), key=lambda event: event[0]):
        happen(at)
    return package


@dataclass(slots=True)
class _Workflows:
    """The workflows of one repository; each pushes to the package what its tools would."""

    package: StoredPackage
    random: Random
    now: datetime
    weigh: Weigh | None = None

    def events(self) -> Iterator[Event]:
        """Yield all events of the year, in no particular order."""
        versions = _versions(_COMMITS // _RELEASE_EVERY)
        for number in range(_COMMITS):
            commit, at = self._commit(), self.now - YEAR * (_COMMITS - number - 0.5) / _COMMITS
            yield at, self._main(commit)
            if number % _RELEASE_EVERY == _RELEASE_EVERY - 1:
                yield at + _DAY / 12, self._release(commit, versions[number // _RELEASE_EVERY])
        for number in range(1, _PULL_REQUESTS + 1):
            # The builds of one pull request: each takes the tag from the one before.
            opened = self.now - YEAR * (_PULL_REQUESTS - number + 0.3) / _PULL_REQUESTS
            for push in range(self.random.randint(1, 4)):
                at, commit = opened + _DAY * push * self.random.uniform(0.2, 0.6), self._commit()
                run = f"pr {number} {commit}"
                yield at, partial(self._build, [f"pr-{number}"], commit, run)
        for number in range(_INTERRUPTED_RUNS):
            at = self.now - YEAR * self.random.uniform(0.05, 0.95)
            yield at, partial(self._interrupt, number)

    def _main(self, commit: str) -> Callable[[datetime], None]:
        """Build a commit of the main branch and replace the build cache."""

        def happen(at: datetime) -> None:
            self._build(["main", "edge", f"sha-{commit[:7]}"], commit, f"main {commit}", at)
            export = build_cache if self._is_modern(at) else build_cache_index
            cache = export(commit, self.weigh)
            self.package.push(cache, "buildcache", at=at + _DAY / 1440)

        return happen

    def _release(self, commit: str, version: str) -> Callable[[datetime], None]:
        """Build a released commit again, sign it and attest it twice."""
        tags = [version]
        # A candidate gets only its own tag. Source: docker/metadata-action, `type=semver`.
        if "-" not in version:
            major, minor, _ = version.split(".")
            tags += [f"{major}.{minor}", major, "latest"]

        def happen(at: datetime) -> None:
            built = self._build(tags, commit, f"release {version}", at)
            signature = cosign_signature(built, version)
            self.package.push(signature, f"{referrers_tag(built.digest)}.sig", at=at)
            statements = [bundle(built, f"{version} {kind}") for kind in ("provenance", "sbom")]
            # Each statement replaces the list of referrers, as the attest action does.
            for known in accumulate([statement] for statement in statements):
                self.package.push(known[-1], at=at)
                self.package.push(plain_index(known), referrers_tag(built.digest), at=at)

        return happen

    def _interrupt(self, number: int, at: datetime) -> None:
        """Push platform images by digest and fail before the index is pushed."""
        for platform in PLATFORMS:
            lost = image(f"interrupted {number}", platform, weigh=self.weigh)
            self.package.push(lost, at=at)

    def _build(self, tags: list[str], commit: str, run: str, at: datetime) -> Content:
        """Build, with attestations in the form that BuildKit used at that time."""
        form: Attestations = "artifact" if self._is_modern(at) else "config"
        build = Build(commit, run, at, tags, attestations=form, weigh=self.weigh)
        return push_build(self.package, build)

    def _is_modern(self, at: datetime) -> bool:
        """Whether BuildKit was already updated: in mid-year it changed its attestations."""
        return at > self.now - YEAR / 2

    def _commit(self) -> str:
        return f"{self.random.getrandbits(160):040x}"


def _versions(count: int) -> list[str]:
    """Return a plausible history of release numbers, from 1.0.0 on."""
    major, minor, patch = 1, 0, 0
    versions = [f"{major}.{minor}.{patch}"]
    while len(versions) < count:
        step = _STEPS[len(versions) % len(_STEPS)]
        if step == "candidate":
            versions.append(f"{major}.{minor + 1}.0-rc.1")
        elif step == "major":
            major, minor, patch = major + 1, 0, 0
        elif step == "minor":
            minor, patch = minor + 1, 0
        else:
            patch += 1
        if step != "candidate":
            versions.append(f"{major}.{minor}.{patch}")
    return versions


@dataclass(frozen=True, slots=True)
class Build:
    """One run of a build.

    Runs of one commit share their platform images, for those are reproducible; provenance
    names the run.
    """

    commit: str
    run: str
    at: datetime
    tags: Sequence[str] = ()
    platforms: Sequence[str] = PLATFORMS
    attestations: Attestations = "artifact"
    weigh: Weigh | None = None


def push_build(package: StoredPackage, build: Build) -> Content:
    """Push all manifests of a build and return its index: children first, as BuildKit does."""
    images = {
        platform: image(build.commit, platform, weigh=build.weigh) for platform in build.platforms
    }
    statements: list[Content] = []
    if build.attestations != "none":
        form = build.attestations == "artifact"
        statements = [attestation(i, build.run, artifact=form) for i in images.values()]
    built = index(images, statements)
    # The index comes last, so that it never lists a manifest that does not exist yet.
    for child in (*images.values(), *statements):
        package.push(child, at=build.at)
    package.push(built, *build.tags, at=build.at)
    return built


def builds(
    count: int,
    *,
    now: datetime,
    path: str = "acme/web",
    platforms: Sequence[str] = PLATFORMS,
    attestations: Attestations = "artifact",
    tagged_every: int = 1,
) -> StoredPackage:
    """Return a package of `count` builds, spread evenly over the year before `now`.

    Each build moves `main`; every `tagged_every`-th one keeps a tag `sha-` of its own.
    """
    package = StoredPackage.of(path, now - YEAR)
    for number in range(count):
        own = [f"sha-{number:07x}"] if number % tagged_every == 0 else []
        at = now - YEAR * (count - number) / count
        tags = ["main", *own]
        push_build(package, Build(f"{number:040x}", str(number), at, tags, platforms, attestations))
    return package
