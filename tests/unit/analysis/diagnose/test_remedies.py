"""The policy that is suggested, and each of its rules: what nothing needs goes, and no more."""

from datetime import timedelta

import pytest

from reconciler.analysis.diagnose.causes import ADVICE, VersionCause
from reconciler.analysis.diagnose.diagnose import Diagnosis, diagnose
from reconciler.analysis.diagnose.remedies import suggestion
from reconciler.core.decide import decide
from reconciler.model.inventory import Fact, Observations
from reconciler.policyfile import load_text, remarks_on
from tests.support.diagnosed import tried
from tests.support.inventories import image, index, inventory
from tests.support.labelled.mixed import HABITS, mixed, package_of
from tests.support.time import NOON

LATER = NOON + timedelta(days=60)


def doomed(diagnosis: Diagnosis, *causes: VersionCause) -> set[str]:
    """Return what the policy suggested for some causes deletes two months later."""
    text = suggestion(diagnosis.inventory, causes)
    (policy,) = load_text("suggested.yaml", text.encode()).policies
    return set(decide(policy, diagnosis.inventory, diagnosis.references.graph, now=LATER).to_delete)


def left(diagnosis: Diagnosis, *causes: VersionCause) -> set[str]:
    """Return what nothing needs, of some causes."""
    found = (one for one in diagnosis.findings if one.cause in causes and not one.needed)
    return {one.version.digest for one in found}


@pytest.mark.parametrize("seed", range(6))
def test_the_whole_policy_deletes_exactly_what_nothing_needs(seed: int) -> None:
    diagnosis = tried(mixed(seed, 20, NOON)).diagnosis

    assert doomed(diagnosis, *VersionCause) == left(diagnosis, *VersionCause) != set()


@pytest.mark.parametrize("cause", [cause for cause in VersionCause if ADVICE[cause].remedy])
def test_the_rule_of_each_cause_lets_all_of_it_go_that_nothing_needs(cause: VersionCause) -> None:
    diagnosis = tried(package_of(HABITS, NOON)).diagnosis
    found = {group.cause: group for group in diagnosis.groups}
    needed = {one.version.digest for one in diagnosis.findings if one.needed}

    gone = doomed(diagnosis, cause)

    assert found[cause].count > 0
    assert left(diagnosis, cause) <= gone
    assert gone & needed == set()


def test_a_staging_tag_goes_once_no_index_that_stays_lists_it() -> None:
    amd, arm = image("amd", "1-amd64"), image("arm", "1-arm64")
    merged = index("merged", "1", lists=[amd, arm])

    with_index = diagnose(inventory(amd, arm, merged), Observations(), now=NOON)
    without = diagnose(inventory(amd, arm), Observations(), now=NOON)

    assert doomed(with_index, VersionCause.STAGING) == set()
    assert doomed(without, VersionCause.STAGING) == {amd.digest, arm.digest}


def test_tags_that_nobody_diagnosed_are_kept_by_the_suggestion() -> None:
    diagnosis = diagnose(inventory(image("old", "v1", age="900d")), Observations(), now=NOON)

    assert doomed(diagnosis, *VersionCause) == set()


def test_without_push_times_ages_count_from_when_a_run_first_saw_a_version() -> None:
    facts = frozenset(Fact) - {Fact.PUSHED}
    unseen = image("unseen", age=None)
    seen = image("seen", age=None, first_seen="30d")
    diagnosis = diagnose(inventory(unseen, seen, facts=facts), Observations(), now=NOON)

    assert doomed(diagnosis, VersionCause.UNKNOWN) == {seen.digest}


def test_what_needs_no_rule_gets_no_policy() -> None:
    diagnosis = tried(package_of(["release"], NOON)).diagnosis

    assert suggestion(diagnosis.inventory, (group.cause for group in diagnosis.groups)) == ""


def test_the_suggestion_deserves_no_remark() -> None:
    text = suggestion(inventory(image("one")), VersionCause)

    assert remarks_on(load_text("suggested.yaml", text.encode())) == ()


def test_every_cause_has_advice_that_says_whether_it_is_needed() -> None:
    assert set(ADVICE) == set(VersionCause)
    assert all(advice.means and advice.needed for advice in ADVICE.values())
