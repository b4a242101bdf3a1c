"""From what a person types to a version, or to what was probably meant."""

from reconciler.analysis.explain import find_versions, near_names
from reconciler.model.names import Reference
from tests.support.inventories import digest, image, inventory, names

WEB = inventory(
    image("one", "1.4.1"), image("two", "1.4.2", "latest"), image("three"), image("thread")
)


def found(text: str) -> list[str]:
    versions = find_versions(WEB, Reference.parse(f"ghcr.io/acme/web{text}"))
    return names(version.digest for version in versions)


def near(text: str) -> list[str]:
    return list(near_names(WEB, Reference.parse(f"ghcr.io/acme/web{text}")))


def test_a_tag_names_the_version_that_carries_it() -> None:
    assert found(":latest") == ["two"]
    assert found(":1.4.9") == []


def test_a_digest_may_be_shortened_as_plans_show_it() -> None:
    assert found(f"@{digest('two')}") == ["two"]
    assert found(f"@{digest('two').short}") == ["two"]


def test_a_short_digest_may_mean_several_versions() -> None:
    assert found(f"@{digest('thre').removeprefix('sha256:')[:6]}") == ["thread", "three"]


def test_a_mistyped_tag_is_answered_by_the_tags_that_look_like_it() -> None:
    assert near(":1.4.3") == ["1.4.2", "1.4.1"]
    assert near(":lastest") == ["latest"]
    assert near(":nothing-like-it") == []


def test_a_wrong_digest_is_answered_by_those_that_begin_alike() -> None:
    assert near(f"@{digest('three')[:-1]}1") == [digest("thread"), digest("three")]
    assert near(f"@{'f' * 64}") == []
