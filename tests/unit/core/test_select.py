"""Which images a rule sees: by one selector, and filters that narrow it."""

import pytest

from reconciler.model.inventory import Version
from tests.support.inventories import (
    cosign_tag,
    decisions,
    image,
    index,
    name_of,
    signature,
    unread,
)

HELM = "application/vnd.cncf.helm.config.v1+json"


def seen(match: str, *versions: Version) -> list[str]:
    """Return the names of the images that a rule covers, sorted."""
    document = f"rules: [{{name: r, match: {{{match}}}, keep: {{none: true}}}}]"
    decided = decisions(document, *versions).images
    return [name_of(digest) for digest, one in decided.items() if one.opinions]


REPOSITORY = (
    image("a", "1.2.3", "latest"),
    image("b", "1.3.0-rc.1", "sha-1"),
    image("c", "sha-2"),
    image("d", "sha-3", "pr-3"),
    image("e"),
    image("f", "Latest"),
)


@pytest.mark.parametrize(
    ("match", "names"),
    [
        ("tags: [latest]", ["a"]),
        ('tags: ["sha-*"]', ["b", "c", "d"]),
        ('tags: ["sha-2", "pr-*"]', ["c", "d"]),
        (r"regex: 'sha-\d'", ["b", "c", "d"]),
        ("regex: sha", []),
        ('semver: ">=0"', ["a"]),
        ('semver: ">=0", prerelease: include', ["a", "b"]),
        ('semver: ">=0", prerelease: only', ["b"]),
        ('semver: "<1.3", prerelease: include', ["a"]),
        ("untagged: true", ["e"]),
        ("any: true", ["a", "b", "c", "d", "e", "f"]),
        ("rest: true", ["a", "b", "c", "d", "e", "f"]),
        ("any: true, except: [latest]", ["a", "b", "c", "d", "e", "f"]),
        ("any: true, except: [Latest]", ["a", "b", "c", "d", "e"]),
        ('tags: ["*"], except: [latest, "sha-*"]', ["a", "b", "d", "f"]),
        ('tags: ["sha-*"], without: ["pr-*"]', ["b", "c"]),
        ('tags: ["sha-*"], with: ["pr-*"]', ["d"]),
        ('tags: ["sha-*"], with: ["pr-*", "1.*"]', []),
        ('any: true, with: ["sha-*", "1.*"]', ["b"]),
        ('any: true, without: ["*"]', ["e"]),
        ('tags: ["sha-*"], every_tag: true', ["c"]),
        ("any: true, every_tag: true, except: [latest]", ["b", "c", "d", "e", "f"]),
    ],
)
def test_a_rule_sees_what_its_match_says(match: str, names: list[str]) -> None:
    assert seen(match, *REPOSITORY) == names


@pytest.mark.parametrize(
    ("glob", "names"),
    [("application/vnd.cncf.helm.*", ["a"]), ("*index*", ["b"]), ("*", ["a", "b", "c"])],
)
def test_the_artifact_type_is_declared_or_that_of_the_configuration(
    glob: str, names: list[str]
) -> None:
    chart, web, plain = image("a", "1", kind=HELM), index("b", "2"), image("c", "3")

    assert seen(f'any: true, artifact_type: "{glob}"', chart, web, plain) == names


def test_rest_sees_what_no_other_rule_covers_wherever_it_stands() -> None:
    document = """
    rules:
      - {name: rest, match: {rest: true}, keep: {none: true}}
      - {name: commits, match: {tags: ["sha-*"], without: ["pr-*"]}, keep: {none: true}}
    """

    decided = decisions(document, *REPOSITORY).images

    told = {name_of(digest): [o.rule for o in one.opinions] for digest, one in decided.items()}
    assert told == {
        "a": ["rest"],
        "b": ["commits"],
        "c": ["commits"],
        "d": ["rest"],
        "e": ["rest"],
        "f": ["rest"],
    }


def test_signature_tags_of_images_here_are_no_tags_of_images() -> None:
    web = image("a", "v1")

    assert seen('tags: ["sha256-*"]', web, signature("b", of=web)) == []


def test_signature_tags_of_images_elsewhere_can_be_selected() -> None:
    assert seen('tags: ["sha256-*.sig"]', signature("b", of="elsewhere")) == ["b"]


def test_a_name_beside_a_signature_tag_makes_an_image_with_two_tags() -> None:
    web = image("a", "v1")
    named = signature("b", "keepme", of=web)

    assert seen("tags: [keepme]", web, named) == ["b"]
    assert seen("tags: [keepme], every_tag: true", web, named) == []
    assert seen(f'tags: ["{cosign_tag(web)}"]', web, named) == ["b"]


def test_children_and_referrers_are_no_images() -> None:
    amd = image("a")

    assert seen("any: true", unread(amd), index("b", "v1", lists=[amd])) == ["b"]


def test_a_glob_and_an_expression_spelled_alike_are_not_the_same() -> None:
    document = r"""
    rules:
      - {name: glob, match: {tags: ["sha-.*"]}, keep: {none: true}}
      - {name: regex, match: {regex: "sha-.*"}, keep: {none: true}}
    """

    decided = decisions(document, image("a", "sha-1"), image("b", "sha-.1")).images

    told = {name_of(digest): [o.rule for o in one.opinions] for digest, one in decided.items()}
    assert told == {"a": ["regex"], "b": ["glob", "regex"]}
