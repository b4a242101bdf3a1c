"""The verdict on an image is the first that applies, and every reason is told."""

from datetime import timedelta

import pytest

from reconciler.core.decide import decide
from reconciler.core.graph import build_graph
from reconciler.model.causes import Cause
from reconciler.model.inventory import Fact
from tests.support.inventories import (
    causes,
    cosign_tag,
    decisions,
    digest,
    doomed,
    fallback_tag,
    image,
    index,
    inventory,
    names,
    observed,
    planned,
    policy,
    referrer,
    signature,
)
from tests.support.time import NOON

NONE = "\nrules: [{name: all, match: {any: true}, keep: {none: true}}]"
COMMITS = """
rules:
  - {name: commits, match: {tags: ["sha-*"]}, keep: {within: 30d}}
  - {name: dangling, match: {untagged: true}, keep: {within: 7d}}
"""


def test_an_image_goes_when_a_rule_covers_it_and_none_keeps_it() -> None:
    assert doomed(COMMITS, image("old", "sha-1"), image("new", "sha-2", age="29d")) == ["old"]


def test_an_image_that_no_rule_covers_stays() -> None:
    untagged_only = "rules: [{name: dangling, match: {untagged: true}, keep: {none: true}}]"
    tagged_only = 'rules: [{name: tags, match: {tags: ["*"]}, keep: {none: true}}]'

    assert causes(untagged_only, image("a", "v1")) == {"a": "unmatched-tag"}
    assert causes(tagged_only, image("a")) == {"a": "uncovered"}


def test_one_rule_that_keeps_is_enough_whatever_the_others_say() -> None:
    document = COMMITS + "  - {name: releases, match: {semver: '>=0'}, keep: {all: true}}\n"

    assert causes(document, image("a", "sha-1", "1.2.3", age="400d")) == {"a": "rule"}


def test_a_tag_that_no_rule_knows_keeps_its_image() -> None:
    decided = decisions(COMMITS, image("a", "sha-1", "customer-acme")).images[digest("a")]

    assert decided.cause is Cause.UNMATCHED_TAG
    assert decided.unknown_tags == ("customer-acme",)
    assert decided.reasons == (
        "tag customer-acme matches no rule",
        "commits: age 40d vs within 30d",
    )


def test_unknown_tags_keep_nothing_once_they_are_to_be_ignored() -> None:
    document = "unmatched_tags: ignore" + COMMITS

    assert causes(document, image("a", "sha-1", "customer-acme")) == {"a": "expired"}
    assert causes(document, image("a", "customer-acme")) == {"a": "uncovered"}


def test_a_tag_that_a_selector_passes_over_is_unknown() -> None:
    document = 'rules: [{name: r, match: {tags: ["*"], except: [main]}, keep: {none: true}}]'

    assert causes(document, image("a", "main", "v1"), image("b", "v2")) == {
        "a": "unmatched-tag",
        "b": "expired",
    }


def test_a_protection_makes_no_tag_known() -> None:
    document = "protect: [{name: p, match: {tags: [hot]}, keep: {within: 7d}}]" + COMMITS

    assert causes(document, image("a", "sha-1", "hot")) == {"a": "unmatched-tag"}


def test_rest_makes_every_tag_known() -> None:
    document = COMMITS + "  - {name: others, match: {rest: true}, keep: {none: true}}\n"

    assert causes(document, image("a", "customer-acme"), image("b", "sha-1", "x")) == {
        "a": "expired",
        "b": "expired",
    }


def test_a_protection_comes_before_every_rule() -> None:
    document = "protect: [{name: moving, match: {tags: [latest]}}]" + COMMITS

    decided = decisions(document, image("a", "sha-1", "latest")).images[digest("a")]

    assert decided.cause is Cause.PROTECTED
    assert decided.reasons == ("moving: all", "commits: age 40d vs within 30d")


def test_a_protection_that_keeps_some_protects_only_those() -> None:
    document = "protect: [{name: p, match: {any: true}, keep: {within: 60d}}]" + NONE

    assert causes(document, image("a", "v1", age="59d"), image("b", "v2", age="60d")) == {
        "a": "protected",
        "b": "expired",
    }


def test_a_digest_is_protected_with_all_it_needs_also_when_it_is_a_child() -> None:
    amd, arm = image("amd"), image("arm")
    web = index("web", "v1", lists=[amd, arm])
    bundle = referrer("bundle", of=amd)
    document = {
        "protect": [{"name": "pinned", "digests": [digest("amd")]}],
        "rules": [{"name": "all", "match": {"any": True}, "keep": {"none": True}}],
    }

    assert doomed(document, amd, arm, web, bundle) == ["arm", "web"]


def test_what_an_undo_brought_back_is_held() -> None:
    seen = observed(a={"held": True})

    decided = decisions(NONE, image("a", "v1"), seen=seen).images[digest("a")]

    assert decided.cause is Cause.HELD
    assert decided.reasons[0] == "restored by an undo and held until it is released"


def test_what_the_registry_refused_is_not_tried_again_while_its_tags_are_the_same() -> None:
    seen = observed(a={"retained": "more than 5,000 downloads", "tags": ("v1",)})

    assert causes(NONE, image("a", "v1"), seen=seen) == {"a": "retained"}
    assert causes("guards: {min_age: 0h}" + NONE, image("a", "v1", "v2"), seen=seen) == {
        "a": "expired"
    }


def test_an_image_stays_while_the_registry_refuses_to_delete_what_belongs_to_it() -> None:
    web = image("web", "pr-1")
    signed = signature("sig", cosign_tag(web), of=web)
    seen = observed(sig={"retained": "last tagged version", "tags": signed.tags})

    decided = decisions(CHARTS, web, signed, seen=seen).images[digest("web")]

    assert decided.cause is Cause.NEEDED
    assert decided.reasons[0] == (
        f"its manifest or referrer {digest('sig')} is kept"
        " (the registry refused: last tagged version)"
    )
    assert doomed(CHARTS, web, signed) == ["sig", "web"]


def test_nothing_younger_than_min_age_goes_and_the_exact_age_does() -> None:
    assert causes(NONE, image("a", "v1", age="23h"), image("b", "v2", age="24h")) == {
        "a": "min-age",
        "b": "expired",
    }


def test_an_unknown_or_future_push_time_is_too_young() -> None:
    assert causes(NONE, image("a", "v1", age=None), image("b", "v2", age="-5h")) == {
        "a": "min-age",
        "b": "min-age",
    }


def test_a_tag_that_came_since_the_last_run_makes_an_old_image_young() -> None:
    """A roll-back: `prod-9` was put back today on an image of long ago."""
    seen = observed(a={"tags": ("sha-9",)})
    back = image("a", "sha-9", "prod-9", age="90d")

    assert causes(NONE, back, seen=seen) == {"a": "min-age"}
    assert causes(NONE, image("a", "sha-9", age="90d"), seen=seen) == {"a": "expired"}
    decided = decisions(NONE, back, seen=seen).images[digest("a")]
    assert decided.reasons == ("one of its tags is younger than min_age 24h", "all: none")


def test_min_age_counts_from_the_run_that_saw_a_tag_come_to_a_known_image() -> None:
    moved = image("a", "prod-9", age="90d", first_seen="80d", tagged_since="23h")
    always = image("b", "prod-8", age="90d", first_seen="23h", tagged_since="23h")

    decided = decisions(NONE, moved, always)

    assert names(sorted(decided.to_delete)) == ["b"]
    assert decided.images[digest("a")].young_until == NOON + timedelta(hours=1)


def test_a_plan_warns_of_tags_of_unknown_age_where_a_rule_goes_by_the_push() -> None:
    document = 'rules: [{name: r, match: {tags: ["*"]}, keep: {within: 7d}}]'
    unknown = image("a", "prod-9", age="90d")
    known = image("b", "prod-8", age="90d", first_seen="80d", tagged_since="80d")
    fresh = image("c", "prod-7", age="90d", first_seen="2h", tagged_since="2h")
    told = (
        "2 tagged images expire by push time, and no earlier run has recorded when the tags were"
        " set: check that no tag was moved back to an old image"
    )

    assert planned(document, unknown, known, fresh).warnings == (told,)
    assert planned(document, known, image("d", age="90d")).warnings == ()
    assert planned(document.replace("within: 7d", "none: true"), unknown).warnings == ()


def test_min_age_can_be_switched_off() -> None:
    document = "guards: {min_age: 0h}\n" + NONE

    assert doomed(document, image("a", "v1", age="0h"), image("b", "v2", age=None)) == ["a", "b"]


def test_min_age_says_when_it_ends() -> None:
    decided = decisions(NONE, image("a", "v1", age="23h")).images[digest("a")]

    assert decided.young_until == NOON + timedelta(hours=1)
    assert decided.reasons == ("younger than min_age 24h", "all: none")


def test_a_young_signature_makes_its_image_wait_until_it_is_old_enough() -> None:
    web = image("web", "v1")

    decided = decisions(NONE, web, signature("sig", of=web, age="2h"))

    assert decided.images[digest("web")].cause is Cause.YOUNG
    assert decided.images[digest("web")].young_until == NOON + timedelta(hours=22)
    assert decided.images[digest("web")].note == (
        "one of its manifests or referrers is younger than min_age 24h"
    )
    assert not decided.to_delete


def test_an_image_waits_for_the_youngest_of_what_belongs_to_it() -> None:
    web = image("web", "v1", age="20h")
    younger, youngest = signature("a", of=web, age="9h"), referrer("b", of=web, age="3h")

    decided = decisions(NONE, web, younger, youngest)

    assert decided.images[digest("web")].young_until == NOON + timedelta(hours=21)


def test_of_an_age_that_nobody_knows_no_end_is_told() -> None:
    web = image("web", "v1")

    decided = decisions(NONE, web, signature("sig", of=web, age=None))

    assert decided.images[digest("web")].cause is Cause.YOUNG
    assert decided.images[digest("web")].young_until is None


def test_a_protected_young_child_still_makes_its_old_index_wait() -> None:
    amd = image("amd", "v1-amd64", age="1h")
    web = index("web", "v1", lists=[amd])
    document = "protect: [{name: p, match: {tags: ['*-amd64']}}]" + NONE

    assert causes(document, amd, web) == {"amd": "protected", "web": "min-age"}


def test_without_push_times_min_age_counts_from_when_a_run_first_saw_it() -> None:
    held = inventory(
        image("a", "v1", age=None, first_seen="2h"),
        image("b", "v2", age=None, first_seen="2d"),
        image("c", "v3", age=None),
        facts=frozenset({Fact.FIRST_SEEN}),
    )

    decided = decide(policy(NONE), held, build_graph(held), now=NOON)

    assert names(sorted(decided.to_delete)) == ["b"]


def test_a_child_of_a_kept_index_stays_though_every_rule_lets_it_go() -> None:
    amd = image("amd", "sha-amd")
    web = index("web", "sha-web", lists=[amd], age="1d")

    decided = decisions(COMMITS, amd, web).images[digest("amd")]

    assert decided.cause is Cause.NEEDED
    assert decided.reasons == (
        f"needed by {digest('web')}",
        "commits: age 40d vs within 30d",
    )


def test_followers_go_with_the_last_image_that_needs_them() -> None:
    amd, arm = image("amd"), image("arm")
    old = index("old", "sha-1", lists=[amd, arm])
    new = index("new", "sha-2", lists=[amd], age="1d")

    assert doomed(COMMITS, amd, arm, old, new) == ["arm", "old"]
    assert doomed(COMMITS, amd, arm, old) == ["amd", "arm", "old"]


def test_an_island_is_judged_as_an_untagged_image() -> None:
    web = image("web")
    island = index("island", lists=[web], subject=web)

    assert causes(COMMITS, web, island) == {"island": "expired"}
    assert doomed(COMMITS, web, island) == ["island", "web"]


def test_an_image_tagged_with_its_own_digest_is_no_untagged_image() -> None:
    assert causes(COMMITS, image("a", fallback_tag("a"))) == {"a": "unmatched-tag"}


def test_a_signature_of_an_image_elsewhere_stays_while_no_rule_knows_its_tag() -> None:
    assert causes(COMMITS, signature("sig", of="elsewhere")) == {"sig": "unmatched-tag"}


@pytest.mark.parametrize("fact", ["first_seen", "created"])
def test_ages_count_from_the_time_that_a_rule_names(fact: str) -> None:
    document = f"""
    rules: [{{name: r, match: {{any: true}}, keep: {{within: 30d}}, age_by: {fact}}}]
    """
    young, old = {fact: "29d"}, {fact: "30d"}

    assert doomed(document, image("a", "v1", **young), image("b", "v2", **old)) == ["b"]


def test_untagged_since_counts_from_when_the_last_tag_was_lost() -> None:
    document = """
    rules: [{name: r, match: {untagged: true}, keep: {within: 7d}, age_by: untagged_since}]
    """

    versions = (image("a", untagged_since="6d"), image("b", untagged_since="7d"), image("c"))

    assert doomed(document, *versions) == ["b"]


CHARTS = """
rules:
- {name: charts, match: {untagged: true, artifact_type: "*helm*"}, keep: {all: true}}
- {name: previews, match: {tags: ["pr-*"]}, keep: {none: true}}
- {name: dangling, match: {untagged: true}, keep: {within: 7d}}
"""


def test_an_index_waits_for_what_only_it_lists_and_a_rule_keeps_for_its_age() -> None:
    amd = image("amd", age="6d")
    web = index("web", "pr-1", lists=[amd], age="5d")

    decided = decisions(CHARTS, amd, web).images[digest("web")]

    assert decided.cause is Cause.NEEDED
    assert decided.reasons[0] == (
        f"its manifest or referrer {digest('amd')} is kept (dangling: age 6d vs within 7d)"
    )
    assert doomed(CHARTS, image("amd", age="7d"), web) == ["amd", "web"]


def test_a_signature_that_a_protection_matches_keeps_its_image() -> None:
    web = image("web", "pr-1")
    signed = signature("sig", cosign_tag(web), of=web)
    protected = "protect: [{name: signed, match: {tags: ['*.sig']}}]" + CHARTS

    assert doomed(CHARTS, web, signed) == ["sig", "web"]
    assert doomed(protected, web, signed) == []
