"""When images say they were built: read only where a rule asks, an index by its newest image."""

from collections.abc import Mapping
from datetime import UTC, datetime

from reconciler.engine.observe import observe
from reconciler.model.inventory import Fact
from tests.support.documents import Document, artifact, attestation, image, index
from tests.support.scenes import WEB, Scene, policy

SPRING, SUMMER = "2026-04-01T00:00:00Z", "2026-07-01T00:00:00Z"
IN_SPRING = datetime(2026, 4, 1, tzinfo=UTC)
IN_SUMMER = datetime(2026, 7, 1, tzinfo=UTC)
AMD64 = image("a", platform="linux/amd64", created=SPRING)
ARM64 = image("a", platform="linux/arm64", created=SUMMER)
ANNOTATION = "org.opencontainers.image.created"


def _times(scene: Scene) -> Mapping[str, datetime | None]:
    inventory = observe(scene.registry, WEB, facts=frozenset({Fact.CREATED}))
    return {str(digest): version.created for digest, version in inventory.versions.items()}


def test_an_index_is_as_old_as_the_newest_image_it_lists(scene: Scene) -> None:
    build = index(AMD64, ARM64)
    scene.push(build, "v1")

    times = _times(scene)

    assert times == {
        build.digest: IN_SUMMER,
        AMD64.digest: IN_SPRING,
        ARM64.digest: IN_SUMMER,
    }


def test_the_annotation_of_an_index_counts_and_its_children_need_no_reading(
    scene: Scene,
) -> None:
    build = index(ARM64, annotations={ANNOTATION: SPRING})
    scene.push(build, "v1")

    times = _times(scene)

    assert times[build.digest] == IN_SPRING
    assert scene.registry.fetched == [build.digest]


def test_attestations_make_an_index_no_newer(scene: Scene) -> None:
    build = index(AMD64, attestation(AMD64))
    scene.push(build, "v1")

    times = _times(scene)

    assert times[build.digest] == IN_SPRING
    assert attestation(AMD64).digest not in scene.registry.fetched


def test_an_image_without_a_time_has_none(scene: Scene) -> None:
    timeless = artifact("chart")
    scene.push(timeless, "v1")

    times = _times(scene)

    assert times == {timeless.digest: None}


def test_an_index_whose_images_are_gone_has_no_time(scene: Scene) -> None:
    build = index(AMD64)
    scene.push(build, "v1")
    scene.registry.storage.remove(AMD64.digest)

    times = _times(scene)

    assert times == {build.digest: None}


def test_times_of_building_are_not_read_unless_a_rule_asks(scene: Scene) -> None:
    scene.push(index(AMD64, ARM64), "v1")

    observe(scene.registry, WEB)

    assert scene.registry.about("created") == []
    assert scene.registry.fetched == [index(AMD64, ARM64).digest]


def _planned(scene: Scene, *documents: Document) -> set[str]:
    (part,) = scene.plan().repositories
    names = {document.digest: str(number) for number, document in enumerate(documents)}
    return {names[change.digest] for change in part.changes}


def test_a_plain_registry_can_be_ruled_by_building_times(plain: Scene) -> None:
    plain.policy = policy(
        rules=[
            {
                "name": "old",
                "match": {"any": True},
                "keep": {"within": "150d"},
                "age_by": "created",
            }
        ],
        guards={"min_age": "0h", "max_delete_percent": 100},
    )
    old, new = image("old", created=SPRING), image("new", created=SUMMER)
    plain.push(old, "old")
    plain.push(new, "new")

    planned = _planned(plain, old, new)

    assert planned == {"0"}
