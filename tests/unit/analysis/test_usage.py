"""What images, kinds of tags and causes take, on a repository small enough to add up by hand."""

from dataclasses import replace

from reconciler.analysis.usage import GroupUsage, Usage, UsageInput, usage_totals
from reconciler.model.inventory import Version
from reconciler.model.manifest import Descriptor
from tests.support.inventories import cache_index, digest, image, index, inventory, unread

LAYER = "application/vnd.oci.image.layer.v1.tar+gzip"
FOREIGN = "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip"


def layered(version: Version, *layers: tuple[str, int], kind: str = LAYER) -> Version:
    """Give an image layers, each with its size; its document and configuration take a byte each."""
    assert version.manifest
    described = tuple(
        Descriptor(digest(name), kind, size, foreign=kind == FOREIGN) for name, size in layers
    )
    return replace(version, manifest=replace(version.manifest, layers=described))


def weighed(*versions: Version, **subject: object) -> Usage:
    """Weigh one repository."""
    (usage,) = usage_totals([UsageInput(inventory(*versions), **subject)]).repositories  # type: ignore[arg-type]
    return usage


def test_layers_that_images_share_and_layers_named_twice_count_once() -> None:
    usage = weighed(
        layered(image("one", "v1"), ("base", 1000), ("a", 20), ("a", 20)),
        layered(image("two", "v2"), ("base", 1000), ("b", 300)),
    )

    assert usage.octets == 1000 + 20 + 300 + 4
    assert usage.stated == 1000 + 20 + 1000 + 300 + 4
    assert usage.shared == 1000


def test_kinds_of_tags_take_their_images_with_all_they_keep() -> None:
    amd = layered(image("amd"), ("base", 1000), ("amd layer", 50))
    arm = layered(image("arm"), ("arm layer", 60))
    build = index("build", "sha-1a2b3c4", "latest", lists=[amd, arm])
    old = layered(image("old", "sha-5d6e7f8"), ("base", 1000), ("old layer", 7))
    lone = layered(image("lone"), ("lone layer", 9))

    usage = weighed(amd, arm, build, old, lone)

    assert usage.families == (
        GroupUsage("sha-*", 4, 1000 + 50 + 60 + 7 + 7, 1000 + 50 + 60 + 7 + 7),
        GroupUsage("latest", 3, 1000 + 50 + 60 + 5, 50 + 60 + 5),
        GroupUsage("(no tag)", 1, 11, 11),
    )
    assert [(one.tags, one.octets, one.alone) for one in usage.biggest] == [
        (("latest", "sha-1a2b3c4"), 1115, 115),
        (("sha-5d6e7f8",), 1009, 9),
        ((), 11, 11),
    ]


def test_causes_take_what_their_own_versions_name() -> None:
    one, two = layered(image("one"), ("base", 100)), layered(image("two"), ("base", 100))

    usage = weighed(one, two, causes={"moved": {one.digest}, "left": {two.digest}})

    assert usage.causes == (GroupUsage("left", 1, 102, 2), GroupUsage("moved", 1, 102, 2))


def test_a_build_cache_takes_the_layers_that_its_index_lists() -> None:
    assert weighed(cache_index("cache", "buildcache", layers=2)).octets == 1 + 2 + 1


def test_what_is_not_counted_is_said() -> None:
    windows = layered(image("windows", "v1"), ("servercore", 4_000_000), kind=FOREIGN)

    usage = weighed(windows, unread(image("ghost")))

    assert (usage.octets, usage.foreign, usage.unmeasured) == (2, 1, 1)


def test_a_plan_that_names_versions_no_longer_there_frees_nothing_for_them() -> None:
    usage = weighed(image("here", "v1"), to_delete={digest("gone")})

    assert usage.freed == GroupUsage("plan", 0, 0, 0)
