"""A policy on the images of a test: what holds, what fails, and what a failure says."""

from typing import Any

import pytest
import yaml

from reconciler.core.policy_tests import Check, described_inventory, run_policy_test
from reconciler.errors import PolicyError
from reconciler.model.inventory import Fact
from reconciler.model.manifest import ATTESTATION_TYPE
from reconciler.model.policytest import PolicyTest
from tests.support.inventories import policy

NOW = "2026-03-02T12:00:00Z"
POLICY = """
protect: [{name: moving, match: {tags: [latest]}}]
rules:
  - {name: releases, match: {semver: ">=0"}, keep: {all: true}}
  - {name: previews, match: {tags: ["pr-*"]}, keep: {last: 1, within: 7d}}
  - {name: commits, match: {tags: ["sha-*"]}, keep: {within: 30d}}
  - {name: charts, match: {untagged: true, artifact_type: "chart*"}, keep: {within: 7d}}
"""


def written(images: str, **more: Any) -> PolicyTest:
    document = {"policy": "web", "now": NOW, "images": yaml.safe_load(images), **more}
    return PolicyTest.model_validate(document)


def tried(images: str, rules: str = POLICY, **more: Any) -> tuple[Check, ...]:
    return run_policy_test(policy(rules), written(images, **more))


def complaints(images: str, rules: str = POLICY, **more: Any) -> list[str]:
    return [check.complaint for check in tried(images, rules, **more)]


@pytest.mark.parametrize(
    ("images", "expect", "by"),
    [
        ("{tags: [latest], age: 90d}", "keep", "protected"),
        ("{tags: [latest], age: 90d}", "keep", "moving"),
        ("{tags: [1.0.0], age: 90d}", "keep", "rule"),
        ("{tags: [1.0.0, sha-1], age: 90d}", "keep", "releases"),
        ("{tags: [sha-1, customer], age: 90d}", "keep", "unmatched-tag"),
        ("{age: 90d}", "keep", "uncovered"),
        ("{tags: [sha-1], age: 90d}", "delete", "expired"),
        ("{tags: [sha-1], age: 90d}", "delete", "commits"),
    ],
)
def test_a_check_may_name_a_rule_a_protection_or_the_cause(
    images: str, expect: str, by: str
) -> None:
    one = yaml.safe_load(images) | {"expect": expect, "by": by}

    assert complaints(yaml.safe_dump([one])) == [""]


def test_whatever_keeps_an_image_may_be_named_since_the_order_of_rules_never_matters() -> None:
    image = "{tags: [pr-1, sha-1, latest], age: 1d, expect: keep"

    for keeper in ("moving", "previews", "commits", "protected"):
        assert complaints(f"[{image}, by: {keeper}}}]") == [""]


def test_an_image_that_does_otherwise_fails_with_every_distance() -> None:
    images = (
        "[{tags: [pr-2], age: 9d}, {tags: [pr-1, sha-1], age: 10d, expect: delete, by: commits}]"
    )

    _, failed = tried(images)

    assert (failed.name, failed.complaint) == ("pr-1, sha-1", "expected delete by commits")
    assert failed.fate
    assert failed.fate.own
    assert failed.fate.own.reasons == (
        "commits: age 10d vs within 30d",
        "previews: rank 2 of pr-* vs last 1; age 10d vs within 7d",
    )


def test_a_deletion_that_the_test_does_not_speak_of_fails() -> None:
    assert complaints("[{tags: [sha-1], age: 90d}]") == ["deleted without expect: delete"]
    assert complaints("[{tags: [sha-1], age: 9d}]") == [""]


@pytest.mark.parametrize(
    ("image", "complaint"),
    [
        (
            "{tags: [sha-1], age: 1d, expect: keep, by: releases}",
            "expected keep by releases, but it is by commits (rule)",
        ),
        (
            "{tags: [sha-1, pr-1], age: 90d, expect: keep, by: commits}",
            "expected keep by commits, but it is by previews (rule)",
        ),
        (
            "{tags: [other], age: 90d, expect: keep, by: commits}",
            "expected keep by commits, but it is by unmatched-tag",
        ),
        (
            "{tags: [sha-1], age: 90d, expect: delete, by: previews}",
            "expected delete by previews, but it is by commits (expired)",
        ),
        ("{tags: [1.0.0], age: 90d, expect: delete}", "expected delete"),
    ],
)
def test_the_right_end_for_another_reason_fails_and_names_the_reason(
    image: str, complaint: str
) -> None:
    assert complaints(f"[{image}]") == [complaint]


def test_too_young_an_image_stays_by_min_age() -> None:
    rules = 'rules: [{name: commits, match: {tags: ["sha-*"]}, keep: {none: true}}]'

    assert complaints("[{tags: [sha-1], age: 23h, expect: keep, by: min-age}]", rules) == [""]
    assert complaints("[{tags: [sha-1], age: 24h, expect: delete, by: commits}]", rules) == [""]


def test_children_and_referrers_follow_the_image_they_belong_to() -> None:
    images = f"""
    - {{tags: [1.0.0], age: 90d, children: [amd64, provenance], expect: keep, by: releases}}
    - {{name: amd64, age: 90d, expect: keep, by: needed}}
    - {{name: provenance, age: 90d, subject: amd64, artifact_type: {ATTESTATION_TYPE},
       expect: keep, by: needed}}
    - {{name: sbom, age: 90d, subject: 1.0.0, expect: keep, by: needed}}
    - {{tags: [sha-1], age: 90d, children: [amd64, arm64, rebuilt], expect: delete, by: commits}}
    - {{name: arm64, age: 90d, expect: delete, by: follows}}
    - {{name: rebuilt, age: 90d, subject: amd64, artifact_type: {ATTESTATION_TYPE},
       expect: delete, by: follows}}
    """

    assert set(complaints(images)) == {""}


def test_a_tagged_child_stays_while_something_that_stays_lists_it() -> None:
    images = """
    - {tags: [1.0.0], age: 90d, children: [sha-1]}
    - {tags: [sha-1], age: 90d, expect: keep, by: needed}
    """

    assert complaints(images) == ["", ""]


def test_an_image_protected_by_its_digest_names_the_protection() -> None:
    held = "sha256:" + "0a" * 32
    rules = POLICY.replace("protect: [", f"protect: [{{name: hold, digests: ['{held}']}}, ")

    assert complaints(
        f"[{{tags: [sha-1], digest: '{held}', age: 90d, expect: keep, by: hold}}]", rules
    ) == [""]


def test_an_image_may_be_an_artifact() -> None:
    images = "[{artifact_type: chart.v1, age: 90d, expect: delete, by: charts}, {age: 90d}]"

    assert complaints(images) == ["", ""]


def test_an_age_stands_for_every_time_and_a_time_beside_it_for_itself() -> None:
    created = "2026-01-01T00:00:00+01:00"
    images = f"[{{age: 9d, created: '{created}', first_seen: 3d}}]"
    (version,) = described_inventory(written(images)).versions.values()

    told = {fact.value: version.time(fact) for fact in Fact}
    times = {fact: f"{time:%Y-%m-%d %H:%M %Z}" for fact, time in told.items() if time}

    assert times == {
        "pushed": "2026-02-21 12:00 UTC",
        "created": "2025-12-31 23:00 UTC",
        "first_seen": "2026-02-27 12:00 UTC",
        "untagged_since": "2026-02-21 12:00 UTC",
    }


def test_a_test_says_when_a_tag_was_put_back_on_an_old_image() -> None:
    by_tag = """
    rules: [{name: r, match: {tags: ["prod-*"]}, order_by: tagged_since, keep: {last: 1}}]
    """
    by_push = 'rules: [{name: r, match: {tags: ["prod-*"]}, keep: {last: 1}}]'
    back = "{tags: [prod-9], age: 90d, tagged_since: %s, expect: keep, by: %s}"
    newest = "{tags: [prod-11], age: 20d, expect: %s, by: r}"

    assert complaints(f"[{back % ('2d', 'r')}, {newest % 'delete'}]", by_tag) == ["", ""]
    assert complaints(f"[{back % ('3h', 'min-age')}, {newest % 'keep'}]", by_push) == ["", ""]


def test_an_image_without_a_time_is_as_new_as_can_be() -> None:
    assert complaints("[{tags: [sha-1], expect: keep, by: commits}, {age: 9d}]") == ["", ""]


def test_a_test_without_push_times_plays_on_a_registry_that_does_not_tell_them() -> None:
    rules = """
    rules: [{name: old, match: {any: true}, age_by: first_seen, keep: {within: 7d}}]
    guards: {min_age: 20d}
    """

    assert complaints("[{first_seen: 8d, expect: keep, by: min-age}]", rules) == [""]
    assert complaints("[{first_seen: 21d, expect: delete, by: old}]", rules) == [""]
    with pytest.raises(PolicyError, match="web/previews: .* has no `pushed` time"):
        tried("[{tags: [sha-1], first_seen: 8d}]")


GUARDED = """
rules: [{name: commits, match: {tags: ["sha-*"]}, keep: {within: 30d}}]
guards: {max_delete: 1, max_delete_percent: 50, never_empty: true}
"""
TWO_OF_THREE = "[{tags: [sha-1], age: 90d}, {tags: [sha-2], age: 90d}, {tags: [sha-3], age: 1d}]"


@pytest.mark.parametrize(
    ("images", "expect", "complaint"),
    [
        (TWO_OF_THREE, "stop", ""),
        ("[{tags: [sha-3], age: 1d}]", "ok", ""),
        ("[{tags: [sha-3], age: 1d}]", "stop", "expected stop, got ok"),
        (
            TWO_OF_THREE,
            "ok",
            "expected ok, got stop: max_delete 2 vs 1, max_delete_percent 66.7 vs 50",
        ),
    ],
)
def test_guards_are_checked_where_the_test_speaks_of_them(
    images: str, expect: str, complaint: str
) -> None:
    *_, guards = tried(images, GUARDED, guards={"expect": expect})

    assert (guards.name, guards.complaint, guards.fate) == ("guards", complaint, None)


def test_guards_are_not_checked_where_the_test_is_silent() -> None:
    assert len(tried(TWO_OF_THREE, GUARDED)) == 3
