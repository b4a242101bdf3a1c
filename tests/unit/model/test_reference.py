"""What names one version: a repository with a tag, or with a digest or the start of one."""

import pytest

from reconciler.errors import ExitCode, InvalidNameError
from reconciler.model.names import Digest, Mention, Reference, Repository, Tag

WEB = Repository("ghcr.io/acme/web")
LOCAL = Repository("localhost:5000/web")
FULL = "sha256:" + "ab" * 32


@pytest.mark.parametrize(
    ("text", "reference"),
    [
        ("ghcr.io/acme/web:1.4.2", Reference(WEB, Tag("1.4.2"))),
        ("127.0.0.1:5000/web:latest", Reference(LOCAL, Tag("latest"))),
        (f"ghcr.io/acme/web@{FULL}", Reference(WEB, digest=FULL)),
        ("127.0.0.1:5000/web@sha256:abcdef", Reference(LOCAL, digest="sha256:abcdef")),
        ("ghcr.io/acme/web@abcdef012345", Reference(WEB, digest="abcdef012345")),
        ("ghcr.io/acme/web@sha512:" + "a" * 128, Reference(WEB, digest="sha512:" + "a" * 128)),
    ],
)
def test_a_reference_is_read_and_written_back(text: str, reference: Reference) -> None:
    assert Reference.parse(text) == reference
    assert str(reference) == text


def test_a_digest_without_its_algorithm_is_taken_for_sha256() -> None:
    assert Reference.parse("ghcr.io/acme/web@abcdef").digest_start == "sha256:abcdef"
    assert Reference.parse("ghcr.io/acme/web@sha256:abcdef").digest_start == "sha256:abcdef"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "ghcr.io/acme/web",
        "localhost:5000/web",
        "web:1.4.2",
        "https://ghcr.io/acme/web:1.4.2",
        "ghcr.io/acme/web:",
        "ghcr.io/acme/web:-rc",
        "ghcr.io/acme/web@",
        "ghcr.io/acme/web@abcde",
        "ghcr.io/acme/web@sha256:XYZXYZ",
        f"ghcr.io/acme/web:1.4.2@{FULL}",
        f"ghcr.io/acme/web@{FULL}ab",
        f"ghcr.io/acme/web:{'a' * 129}",
        "ghcr.io/acme/web:" + "a" * 100_000,
        "ghcr.io/acme/web:1\x1b[2J",
    ],
)
def test_anything_else_is_refused_before_a_registry_is_asked(text: str) -> None:
    with pytest.raises(InvalidNameError) as caught:
        Reference.parse(text)

    assert caught.value.exit_code is ExitCode.BAD_POLICY
    assert len(str(caught.value)) < 300


@pytest.mark.parametrize(
    "text",
    [
        "pr-7",
        FULL,
        "abababababab",
        "sha256:abababababab",
        "ghcr.io/acme/web",
        "ghcr.io/acme/web:pr-7",
        "ghcr.io/acme/web@abababababab",
    ],
)
def test_a_version_can_be_mentioned_in_many_ways(text: str) -> None:
    assert Mention.parse(text).means(WEB, [Tag("pr-7")], Digest(FULL))


@pytest.mark.parametrize(
    "text",
    [
        "pr",
        "pr-8",
        "abcdef",
        "ababa",
        "sha512:abababababab",
        "localhost:5000/web",
        "localhost:5000/web:pr-7",
        "ghcr.io/acme/web:pr-8",
        "ghcr.io/acme/web@abcdef",
    ],
)
def test_another_name_mentions_another_version(text: str) -> None:
    assert not Mention.parse(text).means(WEB, [Tag("pr-7")], Digest(FULL))


def test_a_mention_of_nothing_means_everything() -> None:
    assert Mention().means(WEB, [], Digest(FULL))


def test_a_tag_that_looks_like_a_digest_is_still_a_tag() -> None:
    assert Mention.parse("deadbeef").means(WEB, [Tag("deadbeef")], Digest(FULL))


@pytest.mark.parametrize("text", ["", "a b", "-rc", "ghcr.io/acme/web:-rc", "/", "x" * 129])
def test_what_can_be_no_name_is_no_mention(text: str) -> None:
    with pytest.raises(InvalidNameError):
        Mention.parse(text)
