"""Laws of first policies: valid, without remarks, tested, and harmless to what people rely on."""

import string
from collections.abc import Sequence

import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.analysis.propose import ProposalInput, propose
from reconciler.analysis.propose_rules import MOVING_TAGS, SHAPES, Family, family_of
from reconciler.core.policy_tests import run_policy_test
from reconciler.formats.propose import comment, flow, write_policy, write_test
from reconciler.model.inventory import Fact, Version
from reconciler.model.names import Tag
from reconciler.model.patterns import RepositoryGlob
from reconciler.model.policy import Policy
from reconciler.policyfile import load_text, read_test, remarks_on
from tests.support.example_counts import THIRD
from tests.support.inventories import WEB, image, inventory
from tests.support.time import NOON

FEW = settings(max_examples=max(20, THIRD.max_examples // 5))
"""Examples of laws whose every example draws half a dozen plans."""

_FIRST, _REST = string.ascii_letters + string.digits + "_", string.ascii_letters + "0123456789._-"
_ANY_TAG = st.builds(
    "{}{}".format, st.sampled_from(_FIRST), st.text(st.sampled_from(_REST), max_size=127)
)
_HOSTILE = st.sampled_from(
    [
        *("null", "yes", "1e3", "0x1f", "1_000", "true", "12345", "1.10", "0o17", "a-" * 64),
        *("1.4.2", "v2.0.0", "2026.1.31", "1.4.2-alpine", "2.0.0-rc.1-slim", "latest-alpine"),
    ]
)
_SHAPED = st.sampled_from(SHAPES).flatmap(
    lambda one: st.from_regex(_ascii(one.expression), fullmatch=True)
)
_TAGS = st.one_of(_ANY_TAG, _HOSTILE, st.sampled_from(sorted(MOVING_TAGS)), _SHAPED).filter(
    lambda text: len(text) <= 128
)
_RELIED_ON = {Family.MOVING, Family.SERIES, Family.RELEASE, Family.UNKNOWN}


def _ascii(expression: str) -> str:
    """Let digits be ASCII digits, as RE2 has them."""
    return expression.replace(r"\d", "[0-9]")


@st.composite
def versions(draw: st.DrawFn) -> Sequence[Version]:
    """Draw images with some tags each, of any age, some without a tag."""
    tags = draw(st.lists(_TAGS, unique=True, max_size=12))
    ages = draw(st.lists(st.integers(0, 2000), min_size=8, max_size=8))
    owners = draw(st.lists(st.integers(0, 7), min_size=len(tags), max_size=len(tags)))
    return [
        image(
            f"v{at}",
            *(tag for tag, owner in zip(tags, owners, strict=True) if owner == at),
            age=f"{age}d",
        )
        for at, age in enumerate(ages)
    ]


@FEW
@given(versions(), st.sampled_from([frozenset(Fact), frozenset(Fact) - {Fact.PUSHED}]))
def test_a_proposal_is_accepted_without_a_remark_and_means_what_was_proposed(
    drawn: Sequence[Version], facts: frozenset[Fact]
) -> None:
    held = inventory(*drawn, facts=facts)
    subject = ProposalInput("web", [RepositoryGlob(WEB)], [held], Fact.PUSHED in facts)
    proposal = propose(subject, NOON)

    loaded = load_text("web.yaml", write_policy(proposal).encode())

    assert loaded.policies == (Policy.model_validate(proposal.document),)
    assert remarks_on(loaded) == ()
    written = read_test("web.test.yaml", write_test(proposal, NOON).encode(), loaded)
    checks = run_policy_test(written.policy, written.test)
    assert [check.complaint for check in checks if not check.ok] == []
    assert len(checks) >= 5


@FEW
@given(versions())
def test_no_first_plan_takes_a_release_a_moving_tag_or_what_nobody_knows(
    drawn: Sequence[Version],
) -> None:
    proposal = propose(ProposalInput("web", [RepositoryGlob(WEB)], [inventory(*drawn)]), NOON)

    (plan,) = proposal.plans
    families = [
        {family_of(tag) for tag in change.observed.tags} & _RELIED_ON for change in plan.changes
    ]
    assert not any(families)


@THIRD
@given(st.recursive(st.text() | st.integers() | st.booleans(), st.lists, max_leaves=5))
def test_whatever_a_text_holds_it_is_written_on_one_line_and_read_back(value: object) -> None:
    written = flow({"key": value, "after": "x"})

    assert "\n" not in written
    assert yaml.safe_load(written) == {"key": value, "after": "x"}


@THIRD
@given(st.text())
def test_a_comment_stays_a_comment(text: str) -> None:
    lines = list(comment(text))

    assert all(line.startswith("# ") and line.isprintable() for line in lines)
    assert yaml.safe_load("\n".join([*lines, "a: 1"])) == {"a": 1}


def test_a_tag_that_spells_yaml_is_quoted_in_the_test() -> None:
    subject = ProposalInput("web", [RepositoryGlob(WEB)], [inventory(image("a", "null"))])

    written = write_test(propose(subject, NOON), NOON)

    assert "- {tags: ['null'], age: 2000d, expect: keep, by: unmatched-tag}" in written
    assert Tag("null") in propose(subject, NOON).unknown
