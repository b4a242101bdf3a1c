"""Laws of order: what nobody knows decides nothing, and never does a digest.

A repository that was pushed before the first run, a build that claims 1970, two tags of one day:
in all of these several images have the same sort key, and any of them may be the newest.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from reconciler.core.decide import Decisions, decide
from reconciler.core.graph import build_graph
from reconciler.model.inventory import Inventory, Observations, Version
from reconciler.model.names import Digest, Tag
from reconciler.model.policy import Policy
from tests.support.inventories import ago, decisions, digest, image, inventory, names, policy
from tests.support.strategies import NAMES, documents, inventories, observations
from tests.support.time import NOON

LIMITS = st.fixed_dictionaries(
    {},
    optional={
        "last": st.integers(1, 4),
        "extra": st.integers(1, 3),
        "daily": st.sampled_from([1, 2, "4d"]),
        "monthly": st.sampled_from([1, 2, "60d"]),
    },
).filter(bool)
RUNS = st.lists(
    st.tuples(st.integers(0, 3), st.sampled_from(["2d", "3d", "30d", "40d"])), max_size=len(NAMES)
)
"""In which run each image was seen first, of four, and how long ago it was built."""


def _decided(one: Policy, held: Inventory, seen: Observations) -> Decisions:
    return decide(one, held, build_graph(held), now=NOON, observations=seen)


def _renamed(value: Any, new: Mapping[str, str]) -> Any:
    """Write other digests into a part of a repository or a policy, in tags as well."""
    if isinstance(value, str):
        text = re.sub("[0-9a-f]{64}", lambda found: new.get(found[0], found[0]), value)
        return type(value)(text)
    if isinstance(value, Mapping):
        return {_renamed(key, new): _renamed(one, new) for key, one in value.items()}
    if isinstance(value, tuple | list):
        return type(value)(_renamed(one, new) for one in value)
    return value


def _version(one: Version, new: Mapping[str, str]) -> Version:
    manifest = one.manifest
    if manifest:
        children = tuple(replace(c, digest=_renamed(c.digest, new)) for c in manifest.children)
        manifest = replace(
            manifest,
            digest=_renamed(manifest.digest, new),
            children=children,
            subject=_renamed(manifest.subject, new),
        )
    tags = tuple(sorted(_renamed(one.tags, new)))
    return replace(one, digest=_renamed(one.digest, new), tags=tags, manifest=manifest)


def _verdicts(decided: Decisions, new: Mapping[str, str]) -> dict[Digest, object]:
    return {
        _renamed(spelled, new): (one.cause, sorted(one.opinions, key=lambda each: each.rule))
        for spelled, one in decided.images.items()
    }


@given(st.data())
def test_other_digests_for_the_same_images_change_no_decision(data: st.DataObject) -> None:
    document, held = data.draw(documents()), data.draw(inventories())
    seen = data.draw(observations(held))
    others = data.draw(st.permutations(NAMES))
    new = {digest(old)[7:]: digest(name)[7:] for old, name in zip(NAMES, others, strict=True)}

    decided = _decided(policy(document), held, seen)
    versions = [_version(one, new) for one in held.versions.values()]
    noted = {
        _renamed(spelled, new): one.model_copy(
            update={"tags": tuple(sorted(_renamed(one.tags, new)))}
        )
        for spelled, one in seen.digests.items()
    }
    renamed = _decided(
        policy(_renamed(document, new)), inventory(*versions), Observations(digests=noted)
    )

    # Versions that only keep one another alive are judged by one of them, the lowest digest.
    assume({_renamed(root, new) for root in decided.images} == set(renamed.images))
    assert _verdicts(renamed, {}) == _verdicts(decided, new)
    assert renamed.to_delete == {_renamed(one, new) for one in decided.to_delete}
    assert sorted(renamed.warnings) == sorted(decided.warnings)


def _kept(rule: Mapping[str, Any], versions: Sequence[Version]) -> set[str]:
    decided = decisions({"rules": [rule]}, *versions)
    return set(names(d for d, one in decided.images.items() if any(o.keeps for o in one.opinions)))


@given(LIMITS, RUNS, st.permutations(range(len(NAMES))))
def test_whichever_order_was_the_true_one_nothing_is_lost_that_it_would_keep(
    keep: Mapping[str, Any], runs: Sequence[tuple[int, str]], order: Sequence[int]
) -> None:
    rule = {"name": "r", "match": {"any": True}, "keep": keep}
    rule |= {"order_by": "first_seen", "age_by": "created"}
    images = [
        image(name, f"t-{name}", age=None, first_seen=f"{90 - run}d", created=built)
        for name, (run, built) in zip(NAMES, runs, strict=False)
    ]
    true = [
        replace(one, first_seen=ago(f"{90 - run}d") + timedelta(seconds=at))
        for one, (run, _), at in zip(images, runs, order, strict=False)
    ]

    assert _kept(rule, true) <= _kept(rule, images)


@given(LIMITS, RUNS)
def test_an_image_goes_only_if_enough_others_are_surely_newer(
    keep: Mapping[str, Any], runs: Sequence[tuple[int, str]]
) -> None:
    rule = {"name": "r", "match": {"any": True}, "keep": {"last": 1, **keep}}
    rule |= {"order_by": "first_seen", "age_by": "created"}
    images = [
        image(name, f"t-{name}", age=None, first_seen=f"{90 - run}d", created=built)
        for name, (run, built) in zip(NAMES, runs, strict=False)
    ]

    kept = _kept(rule, images)

    for name, (run, _) in zip(NAMES, runs, strict=False):
        if name not in kept:
            assert sum(other > run for other, _ in runs) >= keep.get("last", 1)


@pytest.mark.parametrize("order", ["pushed", "created", "first_seen"])
@pytest.mark.parametrize("age", ["pushed", "created", "first_seen"])
def test_times_from_before_containers_delete_nothing(order: str, age: str) -> None:
    """Reproducible builds claim to be of 1970; such times have no order either."""
    rule = {"name": "r", "match": {"any": True}, "keep": {"last": 1, "within": "1h"}}
    rule |= {"order_by": order, "age_by": age}
    ages = [f"{19_990 + at}d" for at in range(len(NAMES))]
    images = [
        image(name, f"t-{name}", age=old, created=old, first_seen=old)
        for name, old in zip(NAMES, ages, strict=True)
    ]

    assert _kept(rule, images) == set(NAMES)


@given(
    st.lists(st.integers(1_500_000_000, 1_790_000_000), min_size=2, max_size=6, unique=True),
    st.sampled_from(["pushed", "date:at"]),
    st.sampled_from(["", "20261030", "latest", "1790000000123", "99"]),
)
def test_seconds_in_tags_are_times_or_nothing(
    seconds: Sequence[int], order: str, other: str
) -> None:
    """Read as hours of the calendar they lie in years like 1764: all of them would go."""
    rule = {"name": "r", "match": {"regex": "b-(?P<at>.*)"}, "age_by": "date:at"}
    rule |= {"order_by": order, "keep": {"last": 1, "within": "24h"}}
    images = [image(n, f"b-{s}", age="40d") for n, s in zip(NAMES, sorted(seconds), strict=False)]
    more = [image("other", f"b-{other}", age="40d")] if other else []

    kept = _kept(rule, [*images, *more])

    if more:
        assert kept == {*names(one.digest for one in images), "other"}
    elif order == "date:at":
        assert names([images[-1].digest]) == sorted(kept)
    else:
        assert kept == set(names(one.digest for one in images))


def test_a_tag_is_still_a_tag() -> None:
    assert _renamed((Tag("sha256-" + "0" * 64),), {"0" * 64: "1" * 64}) == ("sha256-" + "1" * 64,)
