"""What shows a cause, how sure it is, and what is said where nothing decides."""

from dataclasses import replace

import pytest

from reconciler.analysis.diagnose.causes import VersionCause
from reconciler.analysis.diagnose.diagnose import Diagnosis, diagnose, precedence
from reconciler.analysis.diagnose.finding import DiagnosedVersion
from reconciler.model.inventory import Observations, Version
from reconciler.model.manifest import Descriptor
from tests.support.inventories import (
    IMAGE_CONFIG,
    attestation,
    cache_index,
    digest,
    fallback,
    image,
    index,
    inventory,
    observed,
    referrer,
    signature,
    unread,
)
from tests.support.time import NOON


def found(*versions: Version, seen: Observations | None = None) -> dict[str, DiagnosedVersion]:
    """Diagnose versions, and return what was found of each by the start of its digest."""
    diagnosis: Diagnosis = diagnose(inventory(*versions), seen or Observations(), now=NOON)
    return {one.version.digest: one for one in diagnosis.findings}


def told(*versions: Version, of: str, seen: Observations | None = None) -> tuple[str, str, str]:
    """Return cause, confidence and evidence of the version of that name."""
    one = found(*versions, seen=seen)[digest(of)]
    return str(one.cause), str(one.evidence.confidence), one.evidence.text


def based(name: str, *tags: str, base: str = "base", age: str | None = "40d") -> Version:
    """Build an image of two layers, the first of which it shares with its kin."""
    plain = image(name, *tags, age=age)
    assert plain.manifest
    layers = tuple(Descriptor(digest(text), size=1) for text in (base, f"{name} own"))
    return replace(plain, manifest=replace(plain.manifest, layers=layers))


def test_a_version_that_a_run_saw_with_a_tag_lost_that_tag() -> None:
    seen = observed(old={"tags": ("main", "edge")})

    assert told(image("old"), image("new", "main"), of="old", seen=seen) == (
        "tag-moved",
        "proven",
        "had main, edge when a run last observed it with a tag",
    )


def test_a_tag_that_a_run_saw_outweighs_what_looks_like_a_lost_platform() -> None:
    pair = index("pair", "1", lists=[based("amd"), based("arm")])
    versions = [based("amd"), based("arm"), pair, based("lone", age="20d")]

    assert told(*versions, of="lone")[0] == "unmerged-digest"
    assert told(*versions, of="lone", seen=observed(lone={"tags": ("edge",)}))[0] == "tag-moved"


def test_an_image_without_kin_or_neighbours_is_not_guessed_about() -> None:
    assert told(image("lone"), of="lone") == (
        "unknown",
        "unknown",
        f"nothing refers to it, and no tagged version is similar: {IMAGE_CONFIG}",
    )


def test_the_base_tells_a_lost_platform_from_an_image_that_lost_its_tag() -> None:
    one, two = based("one", base="multi"), based("two", base="multi")
    held = [one, two, index("pair", "1", lists=[one, two]), based("single", "tool", base="tool")]

    assert told(*held, based("x", base="multi", age="9d"), of="x")[0] == "unmerged-digest"
    assert told(*held, based("x", base="tool", age="9d"), of="x")[0] == "tag-moved"


def test_platforms_pushed_in_one_go_had_an_index_and_lone_ones_never_had() -> None:
    one, two = based("one"), based("two")
    held = [one, two, index("pair", "1", lists=[one, two])]

    together = [based("x", age="9d"), based("y", age="9d")]
    apart = [based("x", age="9d"), based("y", age="8d")]

    assert told(*held, *together, of="x") == (
        "orphan-child",
        "likely",
        "pushed together with 1 more, as many as an index lists",
    )
    assert told(*held, *apart, of="x")[:2] == ("unmerged-digest", "likely")


def test_attestations_beside_it_prove_that_an_image_had_an_index() -> None:
    one, two = based("one"), based("two")
    lost = based("lost", age="9d")
    versions = [one, two, index("pair", "1", lists=[one, two]), lost]

    proof = attestation("proof", of=lost, referrer=False, age="9d")

    assert told(*versions, proof, of="lost")[:2] == ("orphan-child", "proven")
    assert told(*versions, proof, of="proof")[:2] == ("orphan-child", "proven")


def test_without_push_times_a_lost_platform_stays_unexplained() -> None:
    one, two = based("one", age=None), based("two", age=None)
    held = [one, two, index("pair", "1", lists=[one, two], age=None)]

    assert told(*held, based("lone", age=None), of="lone")[0] == "unknown"


@pytest.mark.parametrize(
    ("missing", "words"),
    [
        (["gone"], "the registry lacks 1 of 2 manifests that it lists, such as 676f6e650000"),
        (["gone", "lost"], "the registry lacks all manifests that it lists, such as 676f6e650000"),
    ],
)
def test_an_index_with_holes_is_broken_whether_it_has_a_tag_or_not(
    missing: list[str], words: str
) -> None:
    kept = image("kept")
    lists: list[Version | str] = [*missing, *([kept] if len(missing) == 1 else [])]

    for tags in ((), ("v1",)):
        assert told(kept, index("holes", *tags, lists=lists), of="holes")[::2] == ("broken", words)


def test_what_is_left_of_a_broken_tagged_image_is_needed_still() -> None:
    kept = image("kept")
    findings = found(kept, index("holes", "v1", lists=[kept, "gone"]))

    assert findings[kept.digest].cause is VersionCause.PLATFORM
    assert findings[kept.digest].needed
    assert findings[digest("holes")].needed


def test_a_version_whose_manifest_the_registry_lost_is_broken() -> None:
    assert told(unread(image("lost", "v1")), of="lost")[::2] == (
        "broken",
        "listed, but the registry has no manifest for it",
    )


def test_a_list_of_referrers_may_name_what_is_gone() -> None:
    subject = image("subject", "v1")
    there, gone = referrer("there", of=subject), referrer("gone", of=subject)
    listing = fallback("listing", of=subject, lists=[there, gone])
    replaced = index("replaced", lists=[gone])
    artifacts = [
        replace(one, manifest=replace(one.manifest, children=_artifacts(one)))
        for one in (listing, replaced)
        if one.manifest
    ]

    findings = found(subject, there, *artifacts)

    assert findings[listing.digest].cause is VersionCause.REFERRERS
    assert findings[replaced.digest].cause is VersionCause.REPLACED_REFERRERS
    assert findings[there.digest].cause is VersionCause.REFERRER


def _artifacts(version: Version) -> tuple[Descriptor, ...]:
    """Describe children as clients do in lists of referrers: by artifact type, no platform."""
    children = version.manifest.children if version.manifest else ()
    return tuple(replace(c, artifact_type="application/x", platform="") for c in children)


def test_a_list_of_referrers_is_one_also_where_only_their_subjects_say_so() -> None:
    subject = image("subject", "v1")
    statement = referrer("statement", of=subject)
    plain = index("plain", lists=[statement])
    assert plain.manifest
    bare = (Descriptor(statement.digest),)
    replaced = replace(plain, manifest=replace(plain.manifest, children=bare))

    assert told(subject, statement, replaced, of="plain")[0] == "replaced-referrers-index"
    assert told(subject, statement, replaced, of="statement")[0] == "referrer"


def test_an_index_lost_its_tag_also_where_plain_images_alone_have_tags_now() -> None:
    amd = image("amd", age="90d")
    old = index("old", lists=[amd], age="90d")

    assert told(amd, old, image("new", "main"), of="old")[::2] == (
        "tag-moved",
        "later pushes have main",
    )


def test_an_artifact_lost_its_tag_only_where_one_of_its_type_has_a_tag() -> None:
    chart = image("chart", kind="application/vnd.cncf.helm.config.v1+json")
    other = image("other", "1.0.0", kind="application/vnd.cncf.helm.config.v1+json")

    assert told(chart, other, of="chart")[0] == "tag-moved"
    assert told(chart, image("web", "main"), of="chart")[0] == "unknown"


def test_a_nested_index_and_what_it_lists_belong_to_the_tagged_one() -> None:
    leaf = image("leaf")
    inner = index("inner", lists=[leaf])
    findings = found(leaf, inner, index("outer", "v1", lists=[inner, image("other")]))

    assert findings[inner.digest].cause is VersionCause.PLATFORM
    assert findings[leaf.digest].cause is VersionCause.PLATFORM
    assert findings[leaf.digest].needed


def test_a_signature_of_an_image_without_tag_belongs_to_that_image() -> None:
    old = image("old")
    findings = found(old, signature("sig", of=old), image("new", "main"))

    assert findings[digest("sig")].cause is VersionCause.SUPERSEDED
    assert not findings[digest("sig")].needed
    assert findings[digest("sig")].evidence.relative == old.digest


def test_a_signature_of_what_is_gone_is_an_orphan_though_it_has_a_tag() -> None:
    finding = found(image("new", "main"), signature("sig", of="gone"))[digest("sig")]

    assert (finding.cause, finding.needed) == (VersionCause.ORPHAN_REFERRER, False)


def test_an_attestation_of_a_kept_image_that_no_index_lists_stays_with_it_and_says_so() -> None:
    amd = image("amd")
    finding = found(amd, attestation("old", of=amd), index("now", "v1", lists=[amd]))[digest("old")]

    assert (finding.cause, finding.needed) == (VersionCause.ORPHAN_CHILD, True)


def test_a_cache_names_the_one_that_replaced_it() -> None:
    versions = [cache_index("old"), cache_index("now", "buildcache")]

    assert told(*versions, of="old") == (
        "replaced-cache",
        "proven",
        "a build cache; the current one is buildcache",
    )


def test_versions_that_keep_one_another_in_a_circle_get_a_cause() -> None:
    subject = index("subject", subject="circle", lists=["circle"])
    circle = index("circle", lists=[subject])

    causes = [str(one.cause) for one in found(subject, circle).values()]
    assert sorted(causes) == ["replaced-referrers-index", "superseded-child"]


def test_causes_are_looked_for_in_the_order_in_which_they_are_told() -> None:
    references = diagnose(inventory(), Observations(), now=NOON).references

    assert list(precedence(references)) == list(VersionCause)


def test_an_empty_repository_has_nothing_to_tell() -> None:
    diagnosis = diagnose(inventory(), Observations(), now=NOON)

    assert (diagnosis.findings, diagnosis.groups, diagnosis.weeks) == ((), (), ())
