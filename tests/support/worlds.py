"""Hostile worlds: small repositories of raw manifest bytes that nobody can vouch for.

Whoever may push can write any of this: an index that labels somebody else's manifest as a layer or
an attestation, a signature tag on an index, a tag that spells a digest in the middle, a referrer
with a tag of its own, times that are equal, unknown or far ahead.

Everything is decided by drawn bytes, as in `strategies.py`.
"""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from hypothesis import strategies as st

from tests.support.documents import (
    DOCKER_LIST,
    DOCKER_MANIFEST,
    INDEX,
    MANIFEST,
    Document,
    digest_of,
)
from tests.support.strategies import Choices, choices
from tests.support.time import NOON

CONFIG = "application/vnd.oci.image.config.v1+json"
EMPTY = "application/vnd.oci.empty.v1+json"
LAYER = "application/vnd.oci.image.layer.v1.tar+gzip"
ATTESTATION = "application/vnd.docker.attestation.manifest.v1+json"
BUNDLE = "application/vnd.dev.sigstore.bundle.v0.3+json"
SCHEMA_1 = "application/vnd.docker.distribution.manifest.v1+json"
ARTIFACT = "application/vnd.oci.artifact.manifest.v1+json"

_AMD64 = {"platform": {"os": "linux", "architecture": "amd64"}}
_NOWHERE = {"platform": {"os": "unknown", "architecture": "unknown"}}
_MARK = {"annotations": {"vnd.docker.reference.type": "attestation-manifest"}}
LABELS: Sequence[Mapping[str, Any]] = (
    {"mediaType": MANIFEST, **_AMD64},
    {"mediaType": MANIFEST, **_NOWHERE, **_MARK},
    {"mediaType": DOCKER_MANIFEST, **_AMD64},
    {"mediaType": INDEX},
    {"mediaType": DOCKER_LIST, **_AMD64},
    {"mediaType": MANIFEST, "artifactType": ATTESTATION},
    {"mediaType": LAYER},
    {"mediaType": "application/vnd.buildkit.cacheconfig.v0"},
    {"mediaType": "application/octet-stream"},
    {},
)
"""What an index may claim of a manifest that it lists, whatever that is."""

SPELLINGS = ("{}", "{}.sig", "{}.att", "{}.sbom", "{}.src", "v1-{}", "{}.sig.old")
"""Tags around the spelled digest of another version."""

TAGS = ("latest", "v1", "v2", "v3", "pr-1", "pr-2", "pr-3", "chart-1", "odd-1")
"""`latest` is protected, `v*`, `pr-*` and `chart-*` have rules, and no rule knows `odd-1`."""

CREATED = (
    *("2026-09-01T10:00:00Z", "2026-09-01T10:00:00Z", "2026-09-01T11:00:00Z"),
    *("2026-09-02T10:00:00Z", "1970-01-01T00:00:00Z", "1970-01-01T00:00:00Z", ""),
)
"""What images say of when they were built; reproducible builds say 1970."""

AGES = (40.0, 40.0, 39.0, 39.0, 38.5, 10.0, 3.0, 0.5)
"""Days since a push; equal ones are ties."""


@dataclass(frozen=True)
class Piece:
    """One version as the registry has it; `pushed` is None where it tells no time."""

    document: Document
    tags: tuple[str, ...]
    pushed: datetime | None

    @property
    def digest(self) -> str:
        """The address of its bytes."""
        return self.document.digest


@dataclass(frozen=True)
class Event:
    """What somebody does right before the nth call from the start of an apply.

    Shape: `numbers` choose what it is about among all that was ever pushed.
    """

    call: int
    kind: str
    numbers: tuple[int, int, int] = (0, 0, 0)


@dataclass(frozen=True)
class World:
    """One repository with its policy. Shape: `pieces` in the order in which they were pushed."""

    pieces: tuple[Piece, ...]
    policy: Mapping[str, Any]
    closed: bool = True
    events: tuple[Event, ...] = ()
    seconds: float = 0.0
    """How long each call takes."""

    hidden: frozenset[str] = frozenset()
    """Digests that the listing leaves out although they are there."""

    held: frozenset[str] = frozenset()
    """Digests that an undo has restored."""

    forged: tuple[str, ...] = ()
    """Digests of which a forged journal says that they were left over."""

    def _repr_pretty_(self, printer: Any, _: bool) -> None:  # noqa: FBT001 - Hypothesis calls it
        """Tell the world in lines that a person can read, digests by their first letters."""
        printer.text("\n".join(_story(self)))


@dataclass(frozen=True)
class Traits:
    """Which kinds of trouble a world may have."""

    closed: bool = True
    lies: bool = True
    """Labels that say something else than what is there, and tags that spell any digest."""

    odd: bool = False
    """Documents that parsers read in different ways: keys that stand twice."""

    opaque: bool = False
    """Documents without children or blobs that could be followed."""

    guards: bool = False
    """A policy that deletes few images at once."""

    times: Sequence[float | None] = AGES
    events: Sequence[str] = ()
    seconds: Sequence[float] = (0.0,)
    hides: bool = False
    holds: bool = False
    forges: bool = False
    order: str = "pushed"
    most: int = 9
    """The most versions that are pushed besides what these bring along."""


def worlds(traits: Traits) -> st.SearchStrategy[World]:
    """Draw a hostile world."""

    @st.composite
    def drawn(draw: st.DrawFn) -> World:
        return _world(draw(choices(220)), traits)

    return drawn()


def _world(chosen: Choices, traits: Traits) -> World:
    pieces = _pieces(chosen, traits)
    digests = [piece.digest for piece in pieces]
    return World(
        pieces=tuple(pieces),
        policy=_policy(chosen, traits, digests),
        closed=traits.closed,
        events=tuple(_events(chosen, traits)),
        seconds=chosen.of(traits.seconds),
        hidden=frozenset(chosen.some(digests, 2)) if traits.hides else frozenset(),
        held=frozenset(chosen.some(digests, 2)) if traits.holds else frozenset(),
        forged=tuple(dict.fromkeys(chosen.some(digests, 3))) if traits.forges else (),
    )


def _pieces(chosen: Choices, traits: Traits) -> list[Piece]:
    """Push documents one after the other; each may name any of those before it."""
    kinds = [*_KINDS.items(), *(_LYING.items() if traits.lies else ())]
    kinds += [*_ODD.items(), *_ODD.items()] if traits.odd else []
    kinds += _OPAQUE.items() if traits.opaque else ()
    documents: list[Document] = []
    for number in range(3 + chosen.of(range(traits.most - 2))):
        _, build = chosen.of(kinds) if documents else kinds[0]
        documents.append(build(f"{number}", chosen, documents))
    tags = _tags(chosen, documents, SPELLINGS if traits.lies else ())
    return [
        Piece(document, tuple(sorted(tags.get(document.digest, ()))), _time(chosen, traits))
        for document in {document.digest: document for document in documents}.values()
    ]


def _time(chosen: Choices, traits: Traits) -> datetime | None:
    days = chosen.of(traits.times)
    return None if days is None else NOON - timedelta(days=days)


def _tags(
    chosen: Choices, documents: Sequence[Document], spellings: Sequence[str]
) -> dict[str, set[str]]:
    """Give tags away; a tag stands on one version only."""
    holders: dict[str, str] = {}
    for document in documents:
        for tag in chosen.of(((), (), (), ("one",), ("one",), ("one", "two"))):
            name = chosen.of(TAGS)
            if tag == "one" or chosen.whether():
                holders[name] = document.digest
    for _ in range(chosen.of((0, 0, 1, 1, 2, 3)) if spellings else 0):
        spelling, of, holder = chosen.of(spellings), chosen.of(documents), chosen.of(documents)
        holders[spelling.format(of.digest.replace(":", "-"))] = holder.digest
    tags: dict[str, set[str]] = {}
    for name, digest in holders.items():
        tags.setdefault(digest, set()).add(name)
    return tags


def _policy(chosen: Choices, traits: Traits, digests: Sequence[str]) -> dict[str, Any]:
    """Choose what previews, releases and untagged images keep; charts and `latest` stay."""
    order = {"order_by": traits.order}
    keeps: Mapping[str, Sequence[dict[str, Any]]] = {
        "previews": ({"none": True}, {"none": True}, {"last": 1}, {"last": 2}),
        "releases": ({"last": 1}, {"last": 2}, {"daily": 1}, {"daily": 2}, {"all": True}),
        "charts": ({"all": True},),
        "dangling": ({"none": True}, {"none": True}, {"none": True}, {"last": 1}),
    }
    matches = {
        "previews": {"tags": ["pr-*"]},
        "releases": {"tags": ["v?"]},
        "charts": {"tags": ["chart-*"]},
        "dangling": {"untagged": True},
    }
    rules = []
    for name, match in matches.items():
        keep = chosen.of(keeps[name])
        sorting = order if keep.keys() & {"last", "daily"} else {}
        if "daily" in keep:
            sorting = {**order, "age_by": traits.order}
        rules.append({"name": name, "match": match, "keep": keep, **sorting})
    protect: list[dict[str, Any]] = [{"name": "moving", "match": {"tags": ["latest"]}}]
    if chosen.whether(once_in=4):
        protect.append({"name": "pinned", "digests": [chosen.of(digests)]})
    return {
        "rules": rules,
        "protect": protect,
        "unmatched_tags": "ignore" if chosen.whether(once_in=6) else "keep",
        "guards": {
            "max_delete": chosen.of((1, 2, 3)) if traits.guards else 1000,
            "max_delete_percent": 100,
            "never_empty": False,
        },
    }


def _events(chosen: Choices, traits: Traits) -> list[Event]:
    return [
        Event(
            1 + chosen.of(range(30)),
            chosen.of(traits.events),
            (chosen.of(range(16)), chosen.of(range(16)), chosen.of(range(16))),
        )
        for _ in range(chosen.of((0, 1, 2, 3, 4, 5)) if traits.events else 0)
    ]


# Documents.


def written(media_type: str, body: Mapping[str, Any]) -> Document:
    """Write a document as bytes."""
    return Document(media_type, json.dumps(body).encode())


def listed(document: Document, label: Mapping[str, Any]) -> dict[str, Any]:
    """Name a document in an index, with any label."""
    return {"digest": document.digest, "size": len(document.content), **label}


def blob(name: str, media_type: str) -> dict[str, Any]:
    """Name a blob; registries in memory have it."""
    return {"mediaType": media_type, "digest": digest_of(name.encode()), "size": len(name)}


def honest(document: Document) -> Mapping[str, Any]:
    """Label a document as what it is."""
    kind = {"mediaType": document.media_type}
    if document.media_type == MANIFEST and b"in-toto" in document.content:
        return {**kind, **_NOWHERE, **_MARK}
    return {**kind, **_AMD64} if CONFIG.encode() in document.content else kind


def image(name: str, created: str = "") -> Document:
    """Write a platform's image, with the time at which it says it was built."""
    layers = [blob(f"layer {name}", LAYER)]
    body = {"mediaType": MANIFEST, "config": blob(f"config {name}", CONFIG), "layers": layers}
    said = {"annotations": {"org.opencontainers.image.created": created}} if created else {}
    return written(MANIFEST, {**body, **said})


def artifact(name: str, subject: Document, kind: str = BUNDLE) -> Document:
    """Write a referrer; of the attestation type it is BuildKit's newer provenance."""
    media_type = "application/vnd.in-toto+json" if kind == ATTESTATION else "application/json"
    return written(
        MANIFEST,
        {
            "mediaType": MANIFEST,
            "artifactType": kind,
            "config": blob("{}", EMPTY),
            "layers": [blob(f"statement {name}", media_type)],
            "subject": listed(subject, {"mediaType": subject.media_type}),
        },
    )


def index(
    name: str,
    entries: Sequence[Mapping[str, Any]],
    *,
    subject: Document | None = None,
    **more: Any,
) -> Document:
    """Write an index of entries."""
    body = {"mediaType": INDEX, "manifests": list(entries), "annotations": {"name": name}, **more}
    if subject:
        body["subject"] = listed(subject, {"mediaType": subject.media_type})
    return written(INDEX, body)


def _some(chosen: Choices, known: Sequence[Document]) -> list[Document]:
    """Choose one to three documents, the latest ones for choice."""
    places = [chosen.of((1, 2, 3, 4, 5, 7, 9)) for _ in range(1 + chosen.of(range(3)))]
    return [known[-min(place, len(known))] for place in places]


def _index(name: str, chosen: Choices, known: Sequence[Document]) -> Document:
    return index(name, [listed(one, honest(one)) for one in _some(chosen, known)])


def _lying_index(name: str, chosen: Choices, known: Sequence[Document]) -> Document:
    return index(name, [listed(one, chosen.of(LABELS)) for one in _some(chosen, known)])


def _referring_index(name: str, chosen: Choices, known: Sequence[Document]) -> Document:
    entries = [listed(one, honest(one)) for one in _some(chosen, known)]
    return index(name, entries, subject=chosen.of(known))


def _referrer(name: str, chosen: Choices, known: Sequence[Document]) -> Document:
    return artifact(name, known[-1 - chosen.of(range(min(4, len(known))))])


def _attestation(name: str, chosen: Choices, known: Sequence[Document]) -> Document:
    return artifact(name, known[-1 - chosen.of(range(min(4, len(known))))], ATTESTATION)


_Build = Callable[[str, Choices, Sequence[Document]], Document]
_KINDS: Mapping[str, _Build] = {
    "image": lambda name, chosen, _: image(name, chosen.of(CREATED)),
    "second image": lambda name, chosen, _: image(name, chosen.of(CREATED)),
    "index": _index,
    "second index": _index,
    "referrer": _referrer,
    "attestation": _attestation,
}
_LYING: Mapping[str, _Build] = {
    "lying index": _lying_index,
    "another lying index": _lying_index,
    "referring index": _referring_index,
}


def _twice(name: str, first: Sequence[Document], second: Sequence[Document], key: str) -> Document:
    """Write an index whose children stand under two keys, of which parsers choose either."""
    entries = [json.dumps([listed(one, honest(one)) for one in part]) for part in (first, second)]
    text = (
        f'{{"mediaType": "{INDEX}", "annotations": {{"name": "{name}"}},'
        f' "manifests": {entries[0]}, "{key}": {entries[1]}}}'
    )
    return Document(INDEX, text.encode())


_ODD: Mapping[str, _Build] = {
    "key twice": lambda name, chosen, known: _twice(
        name, _some(chosen, known), _some(chosen, known), "manifests"
    ),
    "key in another case": lambda name, chosen, known: _twice(
        name, _some(chosen, known), _some(chosen, known), "Manifests"
    ),
}
_OPAQUE: Mapping[str, _Build] = {
    "null": lambda name, _, __: written(INDEX, {"manifests": None, "annotations": {"n": name}}),
    "schema 1": lambda name, _, __: written(SCHEMA_1, {"fsLayers": [], "name": name}),
    "bare artifact": lambda name, chosen, known: written(
        ARTIFACT,
        {
            "mediaType": ARTIFACT,
            "artifactType": "text/plain",
            "annotations": {"n": name},
            "subject": listed(chosen.of(known), {"mediaType": MANIFEST}),
        },
    ),
    "empty configuration": lambda name, _, __: written(
        MANIFEST,
        {
            "mediaType": MANIFEST,
            "config": {"mediaType": CONFIG, "digest": "", "size": 0},
            "layers": [blob(f"layer {name}", LAYER)],
        },
    ),
    "other algorithm": lambda name, _, __: written(
        MANIFEST,
        {
            "mediaType": MANIFEST,
            "config": blob(f"config {name}", CONFIG),
            "layers": [{"mediaType": LAYER, "digest": "blake3:" + "a" * 64, "size": 1}],
        },
    ),
}


def _story(world: World) -> Iterator[str]:
    yield f"World(closed={world.closed}, seconds={world.seconds})"
    names = {piece.digest[7:]: piece.digest[7:13] for piece in world.pieces}
    for piece in world.pieces:
        text = (
            f"  {piece.digest[7:13]} {piece.pushed} {list(piece.tags)} {piece.document.content!r}"
        )
        for long, short in names.items():
            text = text.replace(long, short)
        yield text
    yield f"  policy {json.dumps(world.policy)}"
    for name in ("hidden", "held", "forged"):
        if said := getattr(world, name):
            yield f"  {name}: {[digest[7:13] for digest in said]}"
    yield from (f"  {event}" for event in world.events)
