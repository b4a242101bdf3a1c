"""What a tag is taken for, and what a first policy makes of a repository."""

import pytest

from reconciler.analysis.propose import Proposal, ProposalInput, propose
from reconciler.analysis.propose_rules import SHAPES, Family, family_of, shape_of
from reconciler.model.inventory import Fact, Version
from reconciler.model.names import Tag
from reconciler.model.patterns import RepositoryGlob, compiled
from tests.support.inventories import WEB, cosign_tag, deleted, image, inventory
from tests.support.time import NOON


def proposed(*versions: Version, facts: frozenset[Fact] = frozenset(Fact)) -> Proposal:
    """Propose a policy for a repository with these versions."""
    held = inventory(*versions, facts=facts)
    subject = ProposalInput("web", [RepositoryGlob(WEB)], [held], Fact.PUSHED in facts)
    return propose(subject, NOON)


@pytest.mark.parametrize(
    ("family", "tags"),
    [
        (Family.MOVING, ["latest", "edge", "main", "master", "nightly", "buildcache", "HEAD"]),
        (Family.SERIES, ["1", "v1", "1.4", "v12.34", "22.04"]),
        (Family.RELEASE, ["1.4.2", "v2.0.0", "2026.1.31", "1.0.0_build.5"]),
        (Family.CANDIDATE, ["2.0.0-rc.1", "v2.0.0-beta.67", "1.2.3rc2", "1.2.3-alpha"]),
        (Family.PREVIEW, ["pr-12", "pr-12-0a1b2c3", "pr-12-amd64", "PR-3", "mr-7", "pull-9"]),
        (Family.COMMIT, ["sha-860c190", "sha-860c190-arm64", "git-860c190", "main-860c190"]),
        (Family.COMMIT, ["860c190" + "0" * 33, "sha-" + "a" * 40]),
        (Family.DATED, ["nightly-20260131", "edge.2026-01-31"]),
        (Family.REFERRER, [cosign_tag("a"), cosign_tag("a", "att")]),
        (Family.UNKNOWN, ["1.4.2-alpine", "1.4.2-amd64", "1.4.2-dev", "2.0.0-rc.1-alpine"]),
        (Family.UNKNOWN, ["customer-acme", "860c190", "20260131", "2026-01-31", "2026.01.31"]),
        (Family.UNKNOWN, ["my-branch", "pr-x", "sha-xyz1234", "Latest", "latest-alpine"]),
    ],
)
def test_a_tag_is_known_by_its_looks_or_not_at_all(family: Family, tags: list[str]) -> None:
    assert {tag: family_of(Tag(tag)) for tag in tags} == dict.fromkeys(tags, family)


@pytest.mark.parametrize("shape", SHAPES, ids=lambda shape: shape.expression[:30])
def test_every_shape_has_an_example_that_no_other_shape_takes(shape: object) -> None:
    (one,) = (other for other in SHAPES if other is shape)

    taking = [other for other in SHAPES if compiled(other.expression).fullmatch(one.example)]

    assert taking == [one]
    assert shape_of(one.example) is one


def test_rules_are_written_for_what_there_is() -> None:
    proposal = proposed(
        image("a", "1.4.2", "1.4", "latest"),
        image("b", "sha-a000001", age="1d"),
        image("c", "git-a000001", age="1d"),
        image("d", "customer-acme"),
        image("e", cosign_tag("a")),
    )

    names = [rule.document["name"] for rule in (*proposal.protect, *proposal.rules)]
    assert names == ["moving", "series", "releases", "commits", "dangling"]
    assert proposal.rules[1].document["match"] == {
        "regex": "sha-[0-9a-f]{7,64}|(?:git|commit)-[0-9a-f]{7,64}"
    }
    assert proposal.unknown == (Tag("customer-acme"),)


def test_the_rules_are_those_for_good_and_a_guard_may_stop_the_first_plan() -> None:
    quiet = image("q", "latest", age="1d")
    builds = [image(f"b{at:02}", f"sha-{at:07x}", age=f"{at}d") for at in range(1, 101)]
    previews = [image(f"p{at}", f"pr-{at}", age=f"{at}d") for at in (13, 15)]
    dangling = [image(f"d{at}", age=f"{at}d") for at in (6, 8)]

    proposal = proposed(quiet, *builds, *previews, *dangling)

    (plan,) = proposal.plans
    keeps = {rule.document["name"]: rule.document["keep"] for rule in proposal.rules}
    assert keeps["dangling"] == {"within": "7d"}
    assert keeps["previews"] == {"within": "14d"}
    assert keeps["commits"] == {"last": 10, "within": "30d"}
    assert len(deleted(plan)) == 71 + 1 + 1
    assert not proposal.is_safe


def test_a_tag_beside_that_of_a_commit_is_one_of_a_branch() -> None:
    proposal = proposed(
        image("a", "feature-login", "sha-a000001", age="900d"),
        image("b", "1.4.2-alpine", "v2-alpine", "sha-a000002", age="900d"),
        image("c", "customer-acme", age="900d"),
    )

    assert proposal.protect[0].document["match"] == {
        "tags": ["edge", "feature-login", "latest", "main"]
    }
    assert proposal.unknown == (Tag("1.4.2-alpine"), Tag("customer-acme"), Tag("v2-alpine"))
    assert deleted(proposal.plans[0]) == []


def test_without_push_times_ages_count_from_when_a_run_first_saw_an_image() -> None:
    facts = frozenset({Fact.CREATED, Fact.FIRST_SEEN, Fact.UNTAGGED_SINCE})
    proposal = proposed(
        image("a", "latest", age=None), image("b", "sha-a000001", age=None), facts=facts
    )

    commits = proposal.rules[1].document
    assert commits["keep"] == {"within": "30d"}
    assert commits["age_by"] == "first_seen"
    assert deleted(proposal.plans[0]) == []


def test_where_nothing_is_tagged_the_usual_rules_are_written() -> None:
    names = [rule.document["name"] for rule in proposed(image("a", age="1d")).rules]

    assert names == ["releases", "candidates", "previews", "commits", "nightly", "dangling"]


def test_where_there_are_very_many_images_a_plan_may_delete_a_tenth_of_them() -> None:
    many = [image(f"b{at:04}", f"sha-{at:07x}", age=f"{at // 10}d") for at in range(3000)]

    proposal = proposed(*many)

    assert proposal.document["guards"]["max_delete"] == 300
