"""Repositories as readable tests want them: images by name, ages as policies write them.

A digest spells its name in hexadecimal, so names can be read back from plans and sort as their
digests do. Nothing here verifies a hash; `tests/support/documents.py` builds real bytes.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

import yaml

from reconciler.core.decide import Decisions, decide
from reconciler.core.graph import Graph, build_graph
from reconciler.core.planner import PlanningInput, plan_repository
from reconciler.model.durations import Span
from reconciler.model.inventory import Fact, Inventory, Observation, Observations, Version
from reconciler.model.manifest import (
    ATTESTATION_TYPE,
    OCI_INDEX,
    OCI_MANIFEST,
    Descriptor,
    DocumentKind,
    Manifest,
)
from reconciler.model.names import Digest, Repository, Tag
from reconciler.model.plan import DeletionPlan, RepositoryPlan
from reconciler.model.policy import Policy
from tests.support.time import NOON

WEB = Repository("ghcr.io/acme/web")
IMAGE_CONFIG = "application/vnd.oci.image.config.v1+json"
SIGSTORE = "application/vnd.dev.sigstore.bundle.v0.3+json"
_IN_TOTO = "application/vnd.in-toto+json"
_CACHE_LAYER = "application/vnd.oci.image.layer.v1.tar+gzip"
_CACHE_CONFIG = "application/vnd.buildkit.cacheconfig.v0"


def digest(name: str) -> Digest:
    """Return the digest that spells a name of at most 32 characters."""
    return Digest(f"sha256:{name.encode().hex():0<64}")


def name_of(spelled: str) -> str:
    """Read the name back from its digest."""
    return bytes.fromhex(spelled.removeprefix("sha256:")).rstrip(b"\0").decode()


def names(digests: Iterable[str]) -> list[str]:
    """Read many names back, in the order given."""
    return [name_of(spelled) for spelled in digests]


def ago(age: str) -> datetime:
    """Return the moment so long before noon; `-2h` lies two hours ahead."""
    return NOON + Span(age[1:]).delta if age.startswith("-") else NOON - Span(age).delta


def image(
    name: str,
    *tags: str,
    age: str | None = "40d",
    subject: Version | str | None = None,
    kind: str = IMAGE_CONFIG,
    **times: str,
) -> Version:
    """Build an image; `age` None stands for an unknown push time, `times` are other facts."""
    manifest = Manifest(
        digest=digest(name),
        shape=DocumentKind.IMAGE,
        media_type=OCI_MANIFEST,
        size=1,
        config=Descriptor(digest(f"config {name}"[:32]), kind, 1),
        subject=_digest(subject) if subject else None,
    )
    return _version(manifest, tags, age, times)


def index(
    name: str,
    *tags: str,
    lists: Sequence[Version | str] = (),
    age: str | None = "40d",
    subject: Version | str | None = None,
    **times: str,
) -> Version:
    """Build an index; what it lists by name only is missing from the registry."""
    manifest = Manifest(
        digest=digest(name),
        shape=DocumentKind.INDEX,
        media_type=OCI_INDEX,
        size=1,
        children=tuple(map(_descriptor, lists)),
        subject=_digest(subject) if subject else None,
    )
    return _version(manifest, tags, age, times)


def attestation(
    name: str, *, of: Version | str, referrer: bool = True, age: str | None = "40d"
) -> Version:
    """Build BuildKit's provenance: in its newer form it is a referrer of the image as well."""
    plain = image(name, age=age, subject=of if referrer else None)
    assert plain.manifest
    layers = (Descriptor(digest(f"layer {name}"[:32]), _IN_TOTO, 1),)
    kind = ATTESTATION_TYPE if referrer else ""
    return replace(plain, manifest=replace(plain.manifest, artifact_type=kind, layers=layers))


def referrer(
    name: str, *tags: str, of: Version | str, age: str | None = "40d", kind: str = SIGSTORE
) -> Version:
    """Build an artifact whose `subject` is another version: a bundle, an SBOM."""
    return image(name, *tags, age=age, subject=of, kind=kind)


def signature(
    name: str, *tags: str, of: Version | str, kind: str = "sig", age: str | None = "40d"
) -> Version:
    """Build a classic cosign signature: its tag alone names what it signs."""
    return image(name, cosign_tag(of, kind), *tags, age=age)


def fallback(
    name: str, *, of: Version | str, lists: Sequence[Version | str] = (), age: str | None = "40d"
) -> Version:
    """Build the index of a subject's referrers, under the tag that spells the subject."""
    return index(name, fallback_tag(of), lists=lists, age=age)


def cache_index(name: str, *tags: str, layers: int = 2, age: str | None = "40d") -> Version:
    """Build a build cache in index form: its entries are layers and no manifests."""
    plain = index(name, *tags, age=age)
    assert plain.manifest
    kinds = [*[_CACHE_LAYER] * layers, _CACHE_CONFIG]
    blobs = tuple(
        Descriptor(digest(f"blob {number} {name}"[:32]), kind, 1)
        for number, kind in enumerate(kinds)
    )
    return replace(plain, manifest=replace(plain.manifest, children=blobs))


def unread(version: Version) -> Version:
    """Return a version whose document nobody had to read."""
    return replace(version, manifest=None)


def fallback_tag(of: Version | str) -> str:
    """Name the tag under which clients keep the index of a subject's referrers."""
    return _digest(of).replace(":", "-")


def cosign_tag(of: Version | str, kind: str = "sig") -> str:
    """Name the tag of a cosign signature (`sig`), attestation (`att`) or SBOM (`sbom`)."""
    return f"{fallback_tag(of)}.{kind}"


def inventory(*versions: Version, facts: frozenset[Fact] = frozenset(Fact)) -> Inventory:
    """Put versions together as one repository."""
    return Inventory.of(WEB, versions, facts=facts)


def graph(*versions: Version) -> Graph:
    """Link versions."""
    return build_graph(inventory(*versions))


def policy(document: str | Mapping[str, Any]) -> Policy:
    """Read a policy for `ghcr.io/acme/web`, from YAML or a mapping; guards are out of the way."""
    given = yaml.safe_load(document) if isinstance(document, str) else document
    defaults: dict[str, Any] = {
        "name": "web",
        "repositories": [WEB],
        "guards": {"max_delete": 10_000, "max_delete_percent": 100, "never_empty": False},
    }
    return Policy.model_validate(defaults | dict(given))


def observed(**seen: Mapping[str, Any]) -> Observations:
    """Remember earlier runs, by name; `first_seen` is long ago unless said otherwise."""
    defaults = {"first_seen": ago("400d")}
    return Observations(
        digests={digest(name): Observation(**(defaults | dict(one))) for name, one in seen.items()}
    )


def case(
    document: str | Mapping[str, Any] | Policy,
    *versions: Version,
    seen: Observations | None = None,
    now: datetime = NOON,
    undo: bool = False,
) -> PlanningInput:
    """Bring a repository before the court."""
    judged = document if isinstance(document, Policy) else policy(document)
    return PlanningInput(judged, inventory(*versions), seen or Observations(), now, undo)


def decisions(
    document: str | Mapping[str, Any] | Policy,
    *versions: Version,
    seen: Observations | None = None,
    now: datetime = NOON,
) -> Decisions:
    """Decide on versions."""
    one = case(document, *versions, seen=seen, now=now)
    return decide(
        one.policy,
        one.inventory,
        build_graph(one.inventory),
        now=one.now,
        observations=one.observations,
    )


def doomed(
    document: str | Mapping[str, Any] | Policy,
    *versions: Version,
    seen: Observations | None = None,
    now: datetime = NOON,
) -> list[str]:
    """Return the names of all versions that would be deleted, sorted."""
    return names(sorted(decisions(document, *versions, seen=seen, now=now).to_delete))


def causes(
    document: str | Mapping[str, Any] | Policy,
    *versions: Version,
    seen: Observations | None = None,
) -> dict[str, str]:
    """Return the cause of the decision on each image, by name."""
    decided = decisions(document, *versions, seen=seen).images
    return {name_of(spelled): str(decision.cause) for spelled, decision in decided.items()}


def planned(
    document: str | Mapping[str, Any] | Policy,
    *versions: Version,
    seen: Observations | None = None,
    now: datetime = NOON,
) -> RepositoryPlan:
    """Plan the deletions in a repository."""
    return plan_repository(case(document, *versions, seen=seen, now=now), {})


def deleted(plan: RepositoryPlan) -> list[str]:
    """Return the names of what a plan deletes, in the order of deletion."""
    return names(change.digest for change in plan.changes)


def whole(*parts: RepositoryPlan) -> DeletionPlan:
    """Put the plans of repositories together."""
    return DeletionPlan(
        tool="reconciler test",
        created_at=NOON,
        evaluated_at=NOON,
        expires_at=ago("-24h"),
        repositories=parts,
    )


def _digest(named: Version | str) -> Digest:
    return digest(named) if isinstance(named, str) else named.digest


def _descriptor(listed: Version | str) -> Descriptor:
    """Describe a version as an index would list it."""
    if isinstance(listed, str) or listed.manifest is None:
        return Descriptor(_digest(listed), platform="linux/amd64")
    manifest = listed.manifest
    provenance = any(layer.media_type == _IN_TOTO for layer in manifest.layers)
    if manifest.shape is DocumentKind.INDEX:
        platform = ""
    else:
        platform = "unknown/unknown" if provenance else "linux/amd64"
    return Descriptor(
        digest=listed.digest,
        media_type=manifest.media_type,
        size=manifest.size,
        artifact_type=manifest.artifact_type,
        platform=platform,
        attestation=provenance,
    )


def _version(
    manifest: Manifest, tags: Sequence[str], age: str | None, times: Mapping[str, str]
) -> Version:
    return Version(
        digest=manifest.digest,
        tags=tuple(Tag(tag) for tag in sorted(tags)),
        id=str(int(manifest.digest[7:27], 16)),
        pushed=ago(age) if age else None,
        manifest=manifest,
        **{fact: ago(time) for fact, time in times.items()},
    )
