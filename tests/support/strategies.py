"""Hypothesis strategies: hostile repositories, and policies of the whole language.

Documents cannot name one another in a circle, because a digest is the hash of what names it; so
a version only lists or refers to versions made before it. Tags can name anything.

Everything is decided by drawn bytes, one for each choice: many times quicker than a draw each,
and shrunk as well.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, TypeVar

from hypothesis import strategies as st

from reconciler.model.inventory import Inventory, Observation, Observations, Version
from reconciler.model.names import Tag
from reconciler.model.policy import Policy
from tests.support.inventories import (
    ago,
    attestation,
    cosign_tag,
    digest,
    fallback_tag,
    image,
    index,
    inventory,
    policy,
    referrer,
    unread,
)

NAMES = "abcdefghi"
AGES = (
    None,
    "-2h",
    "0h",
    "1h",
    "24h",
    "25h",
    "2d",
    "7d",
    "8d",
    "30d",
    "31d",
    "45d",
    "400d",
    "9000d",
)
TAGS = (
    *("latest", "main", "customer-acme", "customer-bolt"),
    *("v1.2.3", "1.2.3", "1.2.3_b1", "1.2.3_b2", "1.2.4", "1.3.0", "2.0.0"),
    *("2.0.0-rc.1", "2.0.0-rc.2", "2.0.0-rc.10", "1.10", "v01.2.3"),
    *("pr-1", "pr-2", "pr-2-amd", "pr-2-arm", "pr-3", "pr-x"),
    *("nightly-20261101", "nightly-20261031", "nightly-20260131", "nightly-20269999"),
    *("main.3", "main.12", "dev.1", "dev.2", "sha-1", "sha-2", "sha-3", "sha-4"),
    *("at-1793000000", "at-1790000000", "at-1400000000", "at-1790000000123", "at-20261030"),
)
TAG_PATTERNS = (
    ["latest"],
    ["sha-*"],
    ["pr-*", "main"],
    ["*"],
    ["v?.2.*"],
    ["customer-*"],
    ["sha256-*"],
    ["main*", "nightly-*"],
    ["sha-.*"],
)
REGEXES: Mapping[str, tuple[str, ...]] = {
    r"pr-(?P<pr>\d+)(?:-(?P<arch>[a-z]+))?": ("pr", "arch"),
    r"nightly-(?P<day>\d{8})": ("day",),
    r"(?P<branch>[a-z]+)\.(?P<n>\d+)": ("branch", "n"),
    r"at-(?P<when>\d{10})": ("when",),
    r"at-(?P<when>\d+)": ("when",),
    r"(?P<word>[a-z]+)-(?P<rest>.*)": ("word", "rest"),
    r"sha-.|latest": (),
    r"sha-.*": (),
}
RANGES = (
    *(">=0", ">=1.2 <2", "^1.2", "~1.2", "1", "!=1.2.3", "<1.2.4 || >=2", "<=1.2", ">1.2"),
    *(">=2.0.0-rc.2", "<=2.0.0-rc.2", ">2.0.0-rc.2", "^2.0.0-rc.2", "~1.2, !=1.2.4"),
)
FACTS = ("pushed", "created", "first_seen", "tagged_since")
KEEP_KEYS = (
    *("last", "last", "within", "within", "extra"),
    *("hourly", "daily", "weekly", "monthly", "yearly"),
)
SELECTORS = ("tags", "tags", "regex", "regex", "semver", "untagged", "any", "rest")

Option = TypeVar("Option")


class Choices:
    """Answers one question after another from drawn bytes, with the first option when they end."""

    def __init__(self, content: bytes) -> None:
        """Start at the first byte."""
        self._left = iter(content)

    def of(self, options: Sequence[Option]) -> Option:
        """Choose one of some options."""
        return options[next(self._left, 0) % len(options)]

    def some(self, options: Sequence[Option], most: int) -> list[Option]:
        """Choose up to so many options, perhaps some of them twice."""
        return [self.of(options) for _ in range(self.of(range(most + 1)))]

    def whether(self, *, once_in: int = 2) -> bool:
        """Say yes once in so many times."""
        return self.of(range(once_in)) == once_in - 1


def choices(size: int) -> st.SearchStrategy[Choices]:
    """Draw the bytes for so many choices."""
    return st.binary(min_size=size, max_size=size).map(Choices)


def inventories() -> st.SearchStrategy[Inventory]:
    """Draw a repository: nested, shared, tagged, dangling, circular, of all times."""
    return choices(220).map(_inventory)


def observations(held: Inventory) -> st.SearchStrategy[Observations]:
    """Draw what earlier runs noted: some versions held, some retained by the registry."""
    return choices(len(held.versions)).map(lambda chosen: _observations(chosen, held))


def documents(selectors: Sequence[str] = SELECTORS) -> st.SearchStrategy[dict[str, Any]]:
    """Draw a policy of the whole language, as its mapping in a policy file."""
    return choices(100).map(lambda chosen: _document(chosen, selectors))


def policies() -> st.SearchStrategy[Policy]:
    """Draw a policy of the whole language."""
    return documents().map(policy)


def matches() -> st.SearchStrategy[dict[str, Any]]:
    """Draw a selector without filters, as its mapping in a policy file."""
    return choices(4).map(lambda chosen: _selector(chosen, SELECTORS)[0])


def _inventory(chosen: Choices) -> Inventory:
    """Make versions one by one; digests are in an order of their own."""
    order = list(NAMES)
    names = [order.pop(chosen.of(range(len(order)))) for _ in range(chosen.of(range(10)))]
    tags = _tags(chosen, names)
    made: list[Version] = []
    for name in names:
        ages = [chosen.of(AGES) for _ in range(5)]
        pushed, created, first_seen, *since = [ago(age) if age else None for age in ages]
        version = replace(
            _version(chosen, name, made),
            tags=tuple(map(Tag, sorted(tags[name]))),
            pushed=pushed,
            created=created,
            first_seen=first_seen,
            untagged_since=None if tags[name] else since[0],
            tagged_since=since[1] if tags[name] else None,
        )
        made.append(version)
    return inventory(*_partly_read(chosen, made))


def _tags(chosen: Choices, names: Sequence[str]) -> dict[str, set[str]]:
    """Give each tag to one version; signature tags may name anybody, here or elsewhere."""
    owners: dict[str, str] = {}
    if names:
        for tag in chosen.some(TAGS, len(names) + 2):
            owners[tag] = chosen.of(names)
        for _ in range(chosen.of(range(4))):
            kind = chosen.of((fallback_tag, cosign_tag))
            owners[kind(chosen.of([*names, "elsewhere"]))] = chosen.of(names)
    return {name: {tag for tag, owner in owners.items() if owner == name} for name in names}


def _version(chosen: Choices, name: str, made: Sequence[Version]) -> Version:
    """Make one version, whose document may name those made before it, or some that are missing."""
    earlier: list[Version | str] = [*made, "gone"]
    kind = chosen.of(("image", "image", "index", "index", "referrer", "attestation"))
    if kind == "index":
        subject = chosen.of(earlier) if chosen.whether(once_in=3) else None
        return index(name, lists=chosen.some(earlier, 4), subject=subject)
    if kind == "referrer":
        return referrer(name, of=chosen.of(earlier))
    if kind == "attestation":
        return attestation(name, of=chosen.of(earlier), referrer=chosen.whether())
    return image(name)


def _partly_read(chosen: Choices, made: Sequence[Version]) -> list[Version]:
    """Leave some documents unread: of children plainly images, and of signatures."""
    present = {version.digest for version in made}
    documents_read = [version.manifest for version in made if version.manifest]
    listed = [child for manifest in documents_read for child in manifest.children]
    claimed = {child.digest for child in listed if child.is_plain_image}
    told = [
        all(tag.is_signature and tag.subject in present for tag in version.tags)
        if version.tags
        else version.digest in claimed
        for version in made
    ]
    return [
        unread(version) if enough and chosen.whether() else version
        for version, enough in zip(made, told, strict=True)
    ]


def _observations(chosen: Choices, held: Inventory) -> Observations:
    noted = {}
    for spelled, version in held.versions.items():
        fate = chosen.of(
            ("", "", "", "held", "retained", "retained with other tags", "seen", "moved")
        )
        if fate:
            noted[spelled] = Observation(
                first_seen=ago("90d"),
                tags=version.tags
                if fate not in ("retained with other tags", "moved")
                else (Tag("former"),),
                retained="popular" if fate.startswith("retained") else "",
                held=fate == "held",
            )
    return Observations(digests=noted)


def _document(chosen: Choices, selectors: Sequence[str]) -> dict[str, Any]:
    guards = {"max_delete": 10_000, "max_delete_percent": 100, "never_empty": False}
    return {
        "timezone": chosen.of(("UTC", "Europe/Berlin", "America/New_York")),
        "unmatched_tags": chosen.of(("keep", "keep", "ignore")),
        "guards": guards | {"min_age": chosen.of(("0h", "24h", "24h", "8d"))},
        "rules": [_rule(chosen, f"r{at}", selectors) for at in range(chosen.of(range(1, 5)))],
        "protect": [_protection(chosen, f"p{at}") for at in range(chosen.of(range(3)))],
    }


def _rule(chosen: Choices, name: str, selectors: Sequence[str]) -> dict[str, Any]:
    match, captures = _match(chosen, selectors)
    rule: dict[str, Any] = {"name": name, "match": match, "keep": _keep(chosen)}
    versions = ("major", "minor") if "semver" in match else ()
    if (groups := [*captures, *versions]) and chosen.whether():
        rule["group_by"] = chosen.some(groups, 2)
    if chosen.whether():
        typed = [f"{kind}:{name}" for kind in ("int", "text", "date") for name in captures]
        rule["order_by"] = chosen.of([*FACTS, *typed, *(["semver"] if versions else [])])
    if chosen.whether():
        dates = [f"date:{name}" for name in captures]
        rule["age_by"] = chosen.of([*FACTS, "untagged_since", *dates])
    return rule


def _protection(chosen: Choices, name: str) -> dict[str, Any]:
    if chosen.whether(once_in=4):
        return {"name": name, "digests": [digest(chosen.of(NAMES)), digest(chosen.of(NAMES))]}
    match, _ = _match(chosen, ("tags", "regex", "semver", "untagged", "any"))
    keep = _keep(chosen)
    return {"name": name, "match": match} | ({} if "none" in keep else {"keep": keep})


def _match(chosen: Choices, selectors: Sequence[str]) -> tuple[dict[str, Any], tuple[str, ...]]:
    """Choose a selector with filters; return it with the captures it offers."""
    match, captures = _selector(chosen, selectors)
    if "untagged" not in match:
        for name in chosen.some(("except", "with", "without"), 2):
            match[name] = chosen.of(TAG_PATTERNS)
        if chosen.whether(once_in=5):
            match["every_tag"] = True
    if chosen.whether(once_in=6):
        match["artifact_type"] = chosen.of(("*", "*config*", "*sigstore*"))
    return match, captures


def _selector(chosen: Choices, selectors: Sequence[str]) -> tuple[dict[str, Any], tuple[str, ...]]:
    selector = chosen.of(selectors)
    if selector == "tags":
        return {"tags": chosen.of(TAG_PATTERNS)}, ()
    if selector == "regex":
        regex = chosen.of(list(REGEXES))
        return {"regex": regex}, REGEXES[regex]
    if selector == "semver":
        mode = chosen.of((None, "exclude", "include", "only"))
        return {"semver": chosen.of(RANGES)} | ({"prerelease": mode} if mode else {}), ()
    return {selector: True}, ()


def _keep(chosen: Choices) -> dict[str, Any]:
    if chosen.whether(once_in=4):
        return {chosen.of(("all", "none", "none")): True}
    keep: dict[str, Any] = {}
    for key in [chosen.of(KEEP_KEYS), *chosen.some(KEEP_KEYS, 2)]:
        spans = chosen.of(("1h", "24h", "7d", "30d", "52w"))
        counts = key in ("last", "extra") or (key != "within" and chosen.whether())
        keep[key] = chosen.of((1, 2, 3)) if counts else spans
    return keep
