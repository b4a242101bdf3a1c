"""A plan names versions; people count images."""

from dataclasses import replace

from reconciler.formats.images import by_rules, expired
from reconciler.model.causes import Cause
from tests.support.plans import MIB, image, part


def test_followers_are_folded_under_their_root_and_weigh_with_it() -> None:
    repository = part([image("v1", followers=4, size=10 * MIB), image("v2", size=5 * MIB)])

    images = list(expired(repository))

    assert [(one.name, one.followers, one.size) for one in images] == [
        ("v1", 4, 14 * MIB),
        ("v2", 0, 5 * MIB),
    ]


def test_two_images_of_one_component_are_two_images() -> None:
    repository = part([[*image("v1", followers=1), *image("v1-amd64", size=5 * MIB)]])

    images = list(expired(repository))

    assert [(one.name, one.followers, one.size) for one in images] == [
        ("v1", 1, 19 * MIB),
        ("v1-amd64", 0, 5 * MIB),
    ]


def test_a_component_without_an_image_is_shown_by_its_first_version() -> None:
    orphan = replace(image("left-over")[0], cause=Cause.FOLLOWS, rules=())

    (shown,) = expired(part([[orphan]]))

    assert (shown.name, shown.rules, shown.followers) == ("left-over", "no rule", 0)


def test_groups_are_sorted_by_rule_and_the_narrowest_decisions_come_first() -> None:
    repository = part(
        [
            image("old", days=90),
            image("new", days=31),
            image(name="unknown", days=None),
            image("pr-1", rules=("commits", "previews")),
        ]
    )

    groups = by_rules(expired(repository))

    assert {rules: [one.name for one in images] for rules, images in groups.items()} == {
        "commits": ["(untagged)", "new", "old"],
        "commits, previews": ["pr-1"],
    }


def test_the_rule_is_not_repeated_where_the_group_says_it() -> None:
    lone = image("a", rules=("commits",), reasons=("commits: age 9d vs within 2d",))
    both = image("b", rules=("commits", "previews"), reasons=("commits: none", "previews: none"))

    first, second = expired(part([lone, both]))

    assert first.reason == "age 9d vs within 2d"
    assert second.reason == "commits: none; previews: none"
