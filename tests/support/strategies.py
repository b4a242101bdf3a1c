"""Hypothesis strategies: hostile repositories, and policies of the whole language.

Documents cannot name one another in a circle, because a digest is the hash of what names it; so
a version only lists or refers to versions made before it. Tags can name anything.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from hypothesis import strategies as st

from reconciler.model.inventory import Inventory, Version
from reconciler.model.names import Tag
from reconciler.model.observations import Observation, Observations
from reconciler.model.policy import Policy
from tests.support.inventories import (
    ago,
    attestation,
    cosign_tag,
    fallback_tag,
    image,
    index,
    inventory,
    policy,
    referrer,
    unread,
)

NAMES = "abcdefghi"
AGES = (None, "-2h", "0h", "1h", "24h", "25h", "2d", "7d", "8d", "30d", "31d", "45d", "400d")
TAGS = (
    *("latest", "main", "customer-acme", "customer-bolt"),
    *("v1.2.3", "1.2.3", "1.2.3_b1", "1.2.3_b2", "1.2.4", "1.3.0", "2.0.0"),
    *("2.0.0-rc.1", "2.0.0-rc.2", "2.0.0-rc.10", "1.10", "v01.2.3"),
    *("pr-1", "pr-2", "pr-2-amd", "pr-2-arm", "pr-3", "pr-x"),
    *("nightly-20261101", "nightly-20261031", "nightly-20260131", "nightly-20269999"),
    *("main.3", "main.12", "dev.1", "dev.2", "sha-1", "sha-2", "sha-3", "sha-4"),
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
)
REGEXES: Mapping[str, tuple[str, ...]] = {
    r"pr-(?P<pr>\d+)(?:-(?P<arch>[a-z]+))?": ("pr", "arch"),
    r"nightly-(?P<day>\d{8})": ("day",),
    r"(?P<branch>[a-z]+)\.(?P<n>\d+)": ("branch", "n"),
    r"(?P<word>[a-z]+)-(?P<rest>.*)": ("word", "rest"),
    r"sha-.|latest": (),
}
RANGES = (
    *(">=0", ">=1.2 <2", "^1.2", "~1.2", "1", "!=1.2.3", "<1.2.4 || >=2", "<=1.2", ">1.2"),
    *(">=2.0.0-rc.2", "<=2.0.0-rc.2", ">2.0.0-rc.2", "^2.0.0-rc.2", "~1.2, !=1.2.4"),
)
FACTS = ("pushed", "created", "first_seen")
_MAYBE = st.booleans()
BUCKETS = ("hourly", "daily", "weekly", "monthly", "yearly")


@st.composite
def inventories(draw: st.DrawFn, least: int = 0) -> Inventory:
    """Draw a repository: nested, shared, tagged, dangling, circular, of all times."""
    order = draw(st.permutations(NAMES))[: draw(st.integers(least, len(NAMES)))]
    tags = _tags(draw, order)
    made: list[Version] = []
    for name in order:
        version = _document(draw, name, made)
        times = draw(st.tuples(*[st.sampled_from(AGES)] * 4))
        pushed, created, first_seen, untagged_since = [ago(age) if age else None for age in times]
        made.append(
            replace(
                version,
                tags=tuple(map(Tag, sorted(tags[name]))),
                pushed=pushed,
                created=created,
                first_seen=first_seen,
                untagged_since=None if tags[name] else untagged_since,
            )
        )
    return inventory(*_partly_read(draw, made))


@st.composite
def observations(draw: st.DrawFn, held: Inventory) -> Observations:
    """Draw what earlier runs noted: some versions held, some refused by the registry."""
    noted = {}
    for spelled, version in held.versions.items():
        fate = draw(st.sampled_from(("", "", "", "held", "retained", "retained with other tags")))
        if fate:
            noted[spelled] = Observation(
                first_seen=ago("90d"),
                tags=version.tags if fate != "retained with other tags" else (Tag("former"),),
                retained="popular" if fate.startswith("retained") else "",
                held=fate == "held",
            )
    return Observations(digests=noted)


@st.composite
def rules(draw: st.DrawFn, name: str, *, selectors: Sequence[str] = ()) -> dict[str, Any]:
    """Draw one rule, as its mapping in a policy file."""
    match, captures = draw(matches(selectors))
    rule: dict[str, Any] = {"name": name, "match": match, "keep": draw(keeps())}
    groups = [*captures, *(("major", "minor") if "semver" in match else ())]
    if draw(_MAYBE) and groups:
        rule["group_by"] = draw(st.lists(st.sampled_from(groups), min_size=1, max_size=2))
    typed = [f"{kind}:{name}" for kind in ("int", "text", "date") for name in captures]
    orders = [*FACTS, *typed, *(["semver"] if "semver" in match else [])]
    if draw(_MAYBE):
        rule["order_by"] = draw(st.sampled_from(orders))
    if draw(_MAYBE):
        dates = [f"date:{name}" for name in captures]
        rule["age_by"] = draw(st.sampled_from([*FACTS, "untagged_since", *dates]))
    return rule


@st.composite
def matches(
    draw: st.DrawFn, selectors: Sequence[str] = ()
) -> tuple[dict[str, Any], tuple[str, ...]]:
    """Draw a selector with filters, and the captures it offers."""
    every = ("tags", "tags", "regex", "regex", "semver", "untagged", "any", "rest")
    selector = draw(st.sampled_from(selectors or every))
    captures: tuple[str, ...] = ()
    match: dict[str, Any] = {selector: True}
    if selector == "tags":
        match[selector] = draw(st.sampled_from(TAG_PATTERNS))
    elif selector == "regex":
        match[selector], captures = draw(st.sampled_from(tuple(REGEXES.items())))
    elif selector == "semver":
        match[selector] = draw(st.sampled_from(RANGES))
        mode = draw(st.sampled_from((None, "exclude", "include", "only")))
        match |= {"prerelease": mode} if mode else {}
    return match | _filters(draw, selector), captures


@st.composite
def keeps(draw: st.DrawFn) -> dict[str, Any]:
    """Draw what a rule keeps."""
    if not draw(st.integers(0, 3)):
        return {draw(st.sampled_from(("all", "none", "none"))): True}
    spans = st.sampled_from(("1h", "24h", "7d", "30d", "52w"))
    counts = st.integers(1, 3)
    keys = {
        "last": counts,
        "within": spans,
        "extra": counts,
        **{bucket: st.one_of(counts, spans) for bucket in BUCKETS},
    }
    chosen = draw(st.lists(st.sampled_from(tuple(keys)), min_size=1, max_size=3, unique=True))
    return {key: draw(keys[key]) for key in chosen}


@st.composite
def documents(draw: st.DrawFn, *, selectors: Sequence[str] = ()) -> dict[str, Any]:
    """Draw a policy, as its mapping in a policy file."""
    count = draw(st.integers(1, 4))
    return {
        "timezone": draw(st.sampled_from(("UTC", "Europe/Berlin", "America/New_York"))),
        "unmatched_tags": draw(st.sampled_from(("keep", "keep", "ignore"))),
        "rules": [draw(rules(f"r{at}", selectors=selectors)) for at in range(count)],
        "protect": [_protection(draw, f"p{at}") for at in range(draw(st.integers(0, 2)))],
        "guards": {
            "min_age": draw(st.sampled_from(("0h", "24h", "24h", "8d"))),
            "max_delete": 10_000,
            "max_delete_percent": 100,
            "never_empty": False,
        },
    }


def policies() -> st.SearchStrategy[Policy]:
    """Draw a policy of the whole language."""
    return documents().map(policy)


def _protection(draw: st.DrawFn, name: str) -> dict[str, Any]:
    if not draw(st.integers(0, 3)):
        digests = draw(st.lists(st.sampled_from(NAMES), min_size=1, max_size=2))
        return {"name": name, "digests": [image(one).digest for one in digests]}
    match, _ = draw(matches(("tags", "regex", "semver", "untagged", "any")))
    keep = draw(keeps())
    return {"name": name, "match": match} | ({} if "none" in keep else {"keep": keep})


def _filters(draw: st.DrawFn, selector: str) -> dict[str, Any]:
    filters: dict[str, Any] = {}
    patterns = st.sampled_from(TAG_PATTERNS)
    for name in draw(st.lists(st.sampled_from(("except", "with", "without")), max_size=2)):
        filters |= {name: draw(patterns)} if selector != "untagged" else {}
    if selector != "untagged" and not draw(st.integers(0, 4)):
        filters["every_tag"] = True
    if not draw(st.integers(0, 5)):
        filters["artifact_type"] = draw(st.sampled_from(("*", "*config*", "*sigstore*")))
    return filters


def _tags(draw: st.DrawFn, order: Sequence[str]) -> dict[str, set[str]]:
    """Give each tag to one version; signature tags may name anybody, here or elsewhere."""
    tags: dict[str, set[str]] = {name: set() for name in order}
    if not order:
        return tags
    subjects = st.sampled_from([*order, "elsewhere"])
    kinds = st.sampled_from((fallback_tag, cosign_tag))
    signing = st.builds(lambda kind, of: kind(of), kinds, subjects)
    owners = st.sampled_from(order)
    common = st.dictionaries(st.sampled_from(TAGS), owners, max_size=len(order) + 2)
    for tag, owner in (draw(common) | draw(st.dictionaries(signing, owners, max_size=3))).items():
        tags[owner].add(tag)
    return tags


def _document(draw: st.DrawFn, name: str, made: Sequence[Version]) -> Version:
    """Make one document, which may name those made before it, or some that are missing."""
    earlier: st.SearchStrategy[Version | str] = st.sampled_from([*made, "gone"])
    kind = draw(st.sampled_from(("image", "image", "index", "index", "referrer", "attestation")))
    if kind == "index":
        lists = draw(st.lists(earlier, max_size=4))
        subject = draw(st.one_of(st.none(), st.none(), earlier))
        return index(name, lists=lists, subject=subject)
    if kind == "referrer":
        return referrer(name, of=draw(earlier))
    if kind == "attestation":
        return attestation(name, of=draw(earlier), referrer=draw(_MAYBE))
    return image(name)


def _partly_read(draw: st.DrawFn, made: Sequence[Version]) -> list[Version]:
    """Leave some documents unread: of children plainly images, and of signatures."""
    present = {version.digest for version in made}
    claimed = {
        child.digest
        for version in made
        if version.manifest
        for child in version.manifest.children
        if child.is_plain_image
    }
    known = [
        version.digest in claimed
        if not version.tags
        else all(tag.is_signature and tag.subject in present for tag in version.tags)
        for version in made
    ]
    spared = draw(st.lists(st.booleans(), min_size=len(made), max_size=len(made)))
    return [
        unread(version) if may and skips else version
        for version, may, skips in zip(made, known, spared, strict=True)
    ]
