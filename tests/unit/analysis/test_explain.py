"""What is said about one version: its nature, what it hangs on, and when it goes."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from reconciler.analysis.explain import Explanation, explain
from reconciler.core.fate import Chain
from reconciler.model.causes import Cause
from reconciler.model.inventory import Observations, Version
from tests.support.inventories import (
    attestation,
    case,
    digest,
    image,
    index,
    name_of,
    names,
    observed,
    referrer,
    signature,
)
from tests.support.time import NOON

POLICY = """
protect: [{name: moving, match: {tags: [latest]}}]
rules:
  - {name: releases, match: {semver: ">=0"}, keep: {all: true}}
  - {name: previews, match: {tags: ["pr-*"]}, keep: {last: 1, within: 30d}}
  - {name: dangling, match: {untagged: true}, keep: {within: 7d}}
"""


def explained(
    name: str, *versions: Version, rules: str = POLICY, seen: Observations | None = None
) -> Explanation:
    return explain(case(rules, *versions, seen=seen), digest(name))


def path_of(chain: Chain) -> list[str]:
    return names(version.digest for version in chain.path)


def test_a_platform_image_is_explained_by_the_image_whose_index_lists_it() -> None:
    amd = image("amd")
    release = index("release", "1.4.2", lists=[amd])

    told = explained("amd", amd, release)

    assert (told.nature, told.platform) == ("platform image", "linux/amd64")
    assert (told.fate.cause, told.fate.is_deleted) == (Cause.NEEDED, False)
    assert [path_of(chain) for chain in told.fate.chains] == [["amd", "release"]]
    assert told.fate.chains[0].decision.reasons == ("releases: all",)
    assert [name_of(owner.version.digest) for owner in told.kept_by] == ["release"]


def test_every_image_that_keeps_a_shared_child_is_named_and_those_that_stay_come_first() -> None:
    amd = image("amd")
    old = index("old", lists=[amd])
    inner = index("inner", lists=[amd])
    outer = index("outer", "1.0.0", lists=[inner])

    told = explained("amd", amd, old, inner, outer)

    paths = [path_of(chain) for chain in told.fate.chains]
    assert paths == [["amd", "inner", "outer"], ["amd", "old"]]
    assert [chain.decision.expires for chain in told.fate.chains] == [False, True]
    assert not told.fate.is_deleted


def test_of_several_ways_to_one_image_the_shortest_is_told() -> None:
    amd = image("amd")
    left, right = index("left", lists=[amd]), index("right", lists=[amd])
    release = index("release", "1.0.0", lists=[amd, left, right])

    told = explained("amd", amd, left, right, release)

    assert [path_of(chain) for chain in told.fate.chains] == [["amd", "release"]]
    assert len(told.kept_by) == 3


def test_a_child_goes_with_the_last_image_that_needed_it() -> None:
    amd = image("amd")
    old = index("old", lists=[amd])

    told = explained("amd", amd, old)

    fate = told.fate
    assert (fate.cause, fate.is_deleted, told.deletable_from) == (Cause.FOLLOWS, True, None)


def test_a_tagged_child_is_judged_itself_and_by_what_lists_it() -> None:
    staging = image("staging", "pr-1", age="40d")
    newer = image("newer", "pr-2", age="1d")
    release = index("release", "1.0.0", lists=[staging])

    told = explained("staging", staging, newer, release)

    assert told.fate.cause is Cause.NEEDED
    assert told.fate.own
    assert told.fate.own.reasons == (
        f"needed by {digest('release')}",
        "previews: rank 2 of pr-* vs last 1; age 40d vs within 30d",
    )
    assert [path_of(chain) for chain in told.fate.chains] == [["staging"], ["staging", "release"]]


def test_signatures_and_attestations_are_told_from_images() -> None:
    amd = image("amd")
    provenance = attestation("provenance", of=amd)
    release = index("release", "1.4.2", lists=[amd, provenance])
    signed = signature("signed", of=release)
    bundle = referrer("bundle", of=release)

    told = explained("release", amd, provenance, release, signed, bundle)

    assert told.nature == "index"
    assert {name_of(kept.version.digest): str(kept.nature) for kept in told.keeps} == {
        "amd": "platform image",
        "provenance": "attestation",
        "signed": "signature",
        "bundle": "signature",
    }
    assert {name_of(k.version.digest) for k in told.keeps if k.listed} == {"amd", "provenance"}


def test_what_an_index_lists_and_the_registry_lacks_is_said() -> None:
    told = explained("release", index("release", "1.4.2", lists=["gone"]))

    assert told.missing == (digest("gone"),)


def test_a_child_protected_by_its_digest_says_so() -> None:
    rules = POLICY.replace("protect: [", f"protect: [{{name: hold, digests: ['{digest('amd')}']}},")
    amd = image("amd")

    told = explained("amd", amd, index("old", lists=[amd]), rules=rules)

    assert (told.fate.cause, told.fate.note) == (Cause.PROTECTED, "hold: protected by digest")
    assert told.deletable_from is None


def test_a_child_of_something_held_says_what_is_held() -> None:
    amd = image("amd")
    inner = index("inner", lists=[amd])
    outer = index("outer", lists=[inner])

    told = explained("amd", amd, inner, outer, seen=observed(inner={"held": True}))

    assert (told.fate.cause, told.fate.is_deleted) == (Cause.NEEDED, False)
    assert told.fate.note == (
        f"needed by {digest('inner')}; restored by an undo and held until it is released"
    )


@pytest.mark.parametrize(
    ("age", "rules", "leaves"),
    [
        ("2d", POLICY, NOON + timedelta(days=5)),
        ("2d", POLICY.replace("7d", "48h"), None),
        ("1h", POLICY.replace("7d", "1h"), NOON + timedelta(hours=23)),
        (None, POLICY, None),
        ("-24h", POLICY, NOON + timedelta(days=8)),
    ],
    ids=["within", "goes already", "min_age", "unknown age", "pushed tomorrow"],
)
def test_an_image_kept_by_its_age_leaves_when_that_passes_the_limit(
    age: str | None, rules: str, leaves: datetime | None
) -> None:
    told = explained("dead", image("dead", age=age), rules=rules)

    assert told.deletable_from == leaves


@pytest.mark.parametrize("tag", ["latest", "1.4.2", "customer", "pr-1"])
def test_an_image_that_time_alone_does_not_remove_has_no_date(tag: str) -> None:
    told = explained("one", image("one", tag, age="1d"))

    assert told.deletable_from is None


def test_a_child_leaves_with_the_last_image_that_keeps_it() -> None:
    amd = image("amd")
    first, second = index("first", lists=[amd], age="6d"), index("second", lists=[amd], age="2d")

    told = explained("amd", amd, first, second)

    assert told.deletable_from == NOON + timedelta(days=5)


def test_an_image_waits_for_a_young_signature_that_would_go_with_it() -> None:
    dead = image("dead", age="8d")

    told = explained("dead", dead, signature("signed", of=dead, age="1h"))

    assert (told.fate.cause, told.deletable_from) == (Cause.YOUNG, NOON + timedelta(hours=23))


def test_an_extra_image_leaves_when_a_newer_one_takes_its_place() -> None:
    rules = 'rules: [{name: previews, match: {tags: ["pr-*"]}, keep: {within: 7d, extra: 1}}]'
    older, newer = image("older", "pr-1", age="9d"), image("newer", "pr-2", age="3d")

    told = explained("older", older, newer, rules=rules)

    assert told.deletable_from == NOON + timedelta(days=4)


def test_a_date_in_the_tag_says_when_a_nightly_leaves() -> None:
    rules = r"""
    timezone: Europe/Berlin
    rules:
      - name: nightly
        match: {regex: 'nightly-(?P<day>\d{8})'}
        age_by: date:day
        keep: {within: 7d}
    """
    nightly = image("nightly", "nightly-20261101", age="2d")

    told = explained("nightly", nightly, rules=rules)

    assert told.deletable_from == datetime(2026, 11, 7, 23, 0, tzinfo=UTC)


@pytest.mark.parametrize("day", ["99991231", "00010101"])
def test_a_tag_may_claim_any_date(day: str) -> None:
    rules = r"""
    timezone: Europe/Berlin
    rules: [{name: nightly, match: {regex: 'n-(?P<d>\d{8})'}, age_by: 'date:d', keep: {within: 7d}}]
    """

    told = explained("nightly", image("nightly", f"n-{day}", age="1h"), rules=rules)

    assert told.deletable_from is None


def test_at_the_moment_it_leaves_and_not_before_a_version_is_doomed() -> None:
    amd = image("amd", age="3d")
    old = index("old", lists=[amd], age="3d")
    now = case(POLICY, amd, old)
    leaves = explain(now, amd.digest).deletable_from
    assert leaves

    before = explain(replace(now, now=leaves - timedelta(microseconds=1)), amd.digest)
    then = explain(replace(now, now=leaves), amd.digest)

    assert (before.fate.is_deleted, then.fate.is_deleted) == (False, True)
