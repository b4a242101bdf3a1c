"""Run the unit tests of a policy: build the repository that a test describes, and plan it."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from reconciler.core.fate import VersionFate, decide_repository
from reconciler.core.planner import PlanningInput, plan_repository
from reconciler.model.causes import Cause
from reconciler.model.inventory import Fact, Inventory, Observations, Version
from reconciler.model.manifest import (
    ATTESTATION_TYPE,
    OCI_INDEX,
    OCI_MANIFEST,
    Descriptor,
    DocumentKind,
    Manifest,
)
from reconciler.model.names import Digest, Repository
from reconciler.model.policy import Policy
from reconciler.model.policytest import ExpectedImage, PolicyTest

REPOSITORY = Repository("registry.example/test")
"""The name of the repository in every test."""

_CONFIG = Descriptor(
    Digest(f"sha256:{hashlib.sha256(b'{}').hexdigest()}"),
    "application/vnd.oci.image.config.v1+json",
)


@dataclass(frozen=True, slots=True)
class Check:
    """One assertion of a test.

    Shape: `complaint` is empty when it holds; `fate` is None if it is not about one image.
    """

    name: str
    complaint: str
    fate: VersionFate | None = None

    @property
    def ok(self) -> bool:
        """Whether it holds."""
        return not self.complaint


@dataclass(frozen=True, slots=True)
class PolicyTestRun:
    """The result of one test.

    Shape: `lines` has the place of each check in the file. Units: lines count from 1.
    """

    path: str
    policy: str
    checks: tuple[Check, ...]
    lines: tuple[int, ...]

    @property
    def failures(self) -> tuple[tuple[int, Check], ...]:
        """The failed checks, each with its line."""
        pairs = zip(self.lines, self.checks, strict=True)
        return tuple((at, check) for at, check in pairs if not check.ok)


def run_policy_test(policy: Policy, test: PolicyTest) -> tuple[Check, ...]:
    """Decide on the images of a test, and compare the decisions with what it expects.

    Shape: one check for each image, in the order of the test, then one for the guards if the
        test expects something of them.
    Raises: PolicyError, when a rule needs a time that no image of the test has.
    """
    case = PlanningInput(policy, described_inventory(test), Observations(), test.now.moment)
    decided, digests = decide_repository(case), digests_of(test)
    checks: list[Check] = []
    for name, image in zip(test.names, test.images, strict=True):
        fate = decided.fate(digests[name])
        checks.append(Check(", ".join(image.tags) or name, _complaint(image, fate), fate))
    if test.guards:
        stopping = [guard for guard in plan_repository(case, {}).guards if not guard.ok]
        actual = "stop" if stopping else "ok"
        limits = ", ".join(f"{guard.name} {guard.actual:g} vs {guard.limit}" for guard in stopping)
        complaint = f"expected {test.guards.expect}, got {actual}: {limits}".removesuffix(": ")
        checks.append(Check("guards", "" if test.guards.expect == actual else complaint))
    return tuple(checks)


def _complaint(image: ExpectedImage, fate: VersionFate) -> str:
    """Return what is wrong; empty if nothing is. An image without `expect` must be kept."""
    expected = image.expect or "keep"
    if expected != ("delete" if fate.is_deleted else "keep"):
        by = f" by {image.by}" if image.by else ""
        return f"expected {image.expect}{by}" if image.expect else "deleted without expect: delete"
    decided = fate.cause in (Cause.PROTECTED, Cause.RULE, Cause.EXPIRED)
    opinions = fate.own.opinions if fate.own and decided else ()
    # Rules and protections that keep it, or all that cover it.
    deciders = [opinion.rule for opinion in opinions if opinion.keeps is not fate.is_deleted]
    # A protection by digest has no opinion; its note begins with its name.
    if fate.cause is Cause.PROTECTED and not deciders:
        deciders = [fate.note.partition(":")[0]]
    if image.by and str(image.by) not in (*deciders, fate.cause):
        actual = f"{', '.join(deciders)} ({fate.cause})" if deciders else fate.cause
        return f"expected {expected} by {image.by}, but it is by {actual}"
    return ""


def described_inventory(test: PolicyTest) -> Inventory:
    """Build the inventory of a test; the id of a version is its name in the test.

    If images of the test have times, but none has a push time, the test describes a registry that
    does not report push times.
    """
    digests = digests_of(test)
    named = dict(zip(test.names, test.images, strict=True))
    # Each image as an index that lists it would describe it.
    descriptors = {
        name: Descriptor(
            digests[name],
            OCI_INDEX if image.children else OCI_MANIFEST,
            artifact_type=image.artifact_type,
            attestation=image.artifact_type == ATTESTATION_TYPE,
        )
        for name, image in named.items()
    }
    versions = [
        _version(name, image, descriptors, test.now.moment) for name, image in named.items()
    ]
    # Without any time, the test is about tags alone, and any registry would do.
    known = {fact for version in versions for fact in Fact if version.time(fact)}
    lacking = {Fact.PUSHED} if known and Fact.PUSHED not in known else set()
    return Inventory.of(REPOSITORY, versions, facts=frozenset(Fact) - lacking)


def digests_of(test: PolicyTest) -> Mapping[str, Digest]:
    """Return the digest of each image by its name; if none is given, the hash of its name."""
    return {
        name: image.digest or Digest(f"sha256:{hashlib.sha256(name.encode()).hexdigest()}")
        for name, image in zip(test.names, test.images, strict=True)
    }


def _version(
    name: str, image: ExpectedImage, descriptors: Mapping[str, Descriptor], now: datetime
) -> Version:
    is_plain = not (image.children or image.artifact_type)
    manifest = Manifest(
        digest=descriptors[name].digest,
        shape=DocumentKind.INDEX if image.children else DocumentKind.IMAGE,
        media_type=descriptors[name].media_type,
        size=0,
        artifact_type=image.artifact_type,
        config=_CONFIG if is_plain else None,
        children=tuple(descriptors[child] for child in image.children),
        subject=descriptors[image.subject].digest if image.subject else None,
    )
    return Version(
        digest=manifest.digest,
        tags=tuple(sorted(set(image.tags))),
        id=name,
        pushed=image.time(Fact.PUSHED, now),
        created=image.time(Fact.CREATED, now),
        first_seen=image.time(Fact.FIRST_SEEN, now),
        untagged_since=image.time(Fact.UNTAGGED_SINCE, now),
        tagged_since=image.time(Fact.TAGGED_SINCE, now),
        manifest=manifest,
    )
