"""Labels are no evidence: whatever an index says of what it lists, nothing that stays is bereaved.

The oracle reads raw bytes and shares nothing with Reconciler's own graph.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from unittest.mock import patch

from hypothesis import given
from hypothesis import strategies as st

from reconciler.core.narrow import narrow
from reconciler.core.planner import PlanningInput, plan_repository
from reconciler.engine import observe as survey
from reconciler.engine.observe import observe
from reconciler.model.inventory import Observations
from reconciler.model.plan import RepositoryPlan
from tests.support.documents import INDEX, MANIFEST, Document
from tests.support.fake_registry import WEB, FakeRegistry
from tests.support.scenes import policy
from tests.support.storage import Stored
from tests.support.strategies import Choices, choices
from tests.support.time import NOON

ATTESTATION = "application/vnd.docker.attestation.manifest.v1+json"
PLATFORM = {"os": "linux", "architecture": "amd64"}
MARK = {"vnd.docker.reference.type": "attestation-manifest"}
LABELS: Sequence[Mapping[str, Any]] = (
    {"mediaType": MANIFEST, "platform": PLATFORM},
    {"mediaType": MANIFEST, "platform": PLATFORM},
    {"mediaType": MANIFEST, "platform": PLATFORM, "annotations": MARK},
    {"mediaType": MANIFEST, "artifactType": ATTESTATION},
    {"mediaType": INDEX},
    {"mediaType": "application/vnd.oci.image.layer.v1.tar+gzip"},
    {},
)
"""What an index may say of anything."""

TAGS = ("latest", "v1", "v2", "pr-1", "pr-2")
SPELLINGS = ("{}.sig", "{}", "{}.src", "old-{}")
POLICY = policy(
    rules=[
        {"name": "previews", "match": {"tags": ["pr-*"]}, "keep": {"none": True}},
        {"name": "releases", "match": {"tags": ["v*"]}, "keep": {"last": 1}},
        {"name": "dangling", "match": {"untagged": True}, "keep": {"within": "20d"}},
    ],
    guards={"max_delete": 1000, "max_delete_percent": 100, "never_empty": False},
)


@dataclass(frozen=True)
class Pushed:
    """One version of a small world."""

    document: Document
    tags: tuple[str, ...]
    at: datetime


def _document(chosen: Choices, name: str, earlier: Sequence[Document]) -> Document:
    kind = chosen.of(("image", "index", "index", "index", "referrer", "attestation"))
    body: dict[str, Any] = {"annotations": {"name": name}}
    if kind == "index":
        listed = chosen.some(list(earlier), 3) if earlier else []
        body["manifests"] = [{"digest": one.digest, **chosen.of(LABELS)} for one in listed]
    else:
        body["layers"] = []
    if kind == "attestation":
        body["artifactType"] = ATTESTATION
    if earlier and (kind in ("referrer", "attestation") or chosen.whether(once_in=6)):
        body["subject"] = {"digest": chosen.of(list(earlier)).digest}
    return Document(INDEX if kind == "index" else MANIFEST, json.dumps(body).encode())


def _world(chosen: Choices) -> list[Pushed]:
    documents: list[Document] = []
    for number in range(2 + chosen.of(range(7))):
        documents.append(_document(chosen, str(number), documents))
    holders = {tag: chosen.of(documents).digest for tag in chosen.some(TAGS, 4)}
    for _ in range(chosen.of(range(3))):
        spelled = chosen.of(documents).digest.replace(":", "-")
        holders[chosen.of(SPELLINGS).format(spelled)] = chosen.of(documents).digest
    return [
        Pushed(
            document,
            tuple(tag for tag, digest in holders.items() if digest == document.digest),
            NOON - timedelta(days=chosen.of((2, 30, 30, 30, 31))),
        )
        for document in documents
    ]


def _registry(world: Sequence[Pushed], *, closed: bool = True) -> FakeRegistry:
    """Hold a world; versions are numbered in the order given."""
    registry = FakeRegistry(lambda: NOON, closed=closed)
    for number, one in enumerate(world, start=1):
        digest = one.document.digest
        registry.storage.live[digest] = Stored(number, digest, one.document, one.at, set(one.tags))
    return registry


def _case(registry: FakeRegistry, *, whole: bool) -> PlanningInput:
    """Read a repository, one version after another, so that their order could matter."""
    with patch.object(survey, "FEWEST_STRETCHES", 1):
        inventory = observe(registry, WEB, whole=whole)
    return PlanningInput(POLICY, inventory, Observations(), NOON)


def _plan(registry: FakeRegistry) -> RepositoryPlan:
    return plan_repository(_case(registry, whole=False), {})


def _listed(document: Document) -> set[str]:
    return {entry["digest"] for entry in json.loads(document.content).get("manifests", ())}


def _bereaved(world: Sequence[Pushed], deleted: set[str]) -> list[str]:
    """Tell which survivors lost a child, or a referrer that no index had for its own."""
    documents = {one.document.digest: one.document for one in world}
    lost = []
    for digest in documents.keys() - deleted:
        lost += [f"{digest} child {child}" for child in _listed(documents[digest]) & deleted]
    for digest in deleted:
        body = json.loads(documents[digest].content)
        subject = body.get("subject", {}).get("digest")
        owned = body.get("artifactType") == ATTESTATION and any(
            {digest, subject} <= _listed(one) for one in documents.values()
        )
        if subject and subject not in deleted and not owned:
            lost.append(f"{subject} referrer {digest}")
    return lost


@given(choices(150))
def test_no_label_and_no_tag_makes_a_survivor_lose_what_belongs_to_it(chosen: Choices) -> None:
    world = _world(chosen)
    registry = _registry(world)
    planned = _plan(registry)

    work = narrow(planned, _case(registry, whole=True), {})

    deleted = {str(change.digest) for component in work.components for change in component}
    assert not _bereaved(world, deleted)
    assert deleted <= set(registry.fetched)


@given(choices(150), st.randoms(use_true_random=False))
def test_the_same_versions_give_the_same_plan_in_whatever_order_they_come(
    chosen: Choices, random: Any
) -> None:
    world = _world(chosen)
    shuffled = list(world)
    random.shuffle(shuffled)

    one, other = _plan(_registry(world)), _plan(_registry(shuffled))

    assert _without_numbers(one) == _without_numbers(other)


def _without_numbers(plan: RepositoryPlan) -> dict[str, Any]:
    """Leave out what the registry's own numbers are, and how many reads it took."""
    document = plan.model_dump(mode="json", exclude={"evidence"})
    for change in document["changes"]:
        del change["version_id"]
    return document
