"""A plan has one form in bytes, names itself by their hash, and is read back or refused."""

import hashlib
import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from reconciler.errors import ExitCode, PlanError
from reconciler.model.base import canonical
from reconciler.model.causes import Cause
from reconciler.model.inventory import Inventory
from reconciler.model.plan import (
    DeletionPlan,
    Guard,
    Plan,
    RepositoryPlan,
    RestorePlan,
    read_chunks,
    read_plan,
)
from reconciler.model.policy import Policy
from tests.support import plans
from tests.support.inventories import WEB, ago, image, index, planned, signature, whole
from tests.support.strategies import inventories, policies

EVERYTHING = "rules: [{name: all, match: {any: true}, keep: {none: true}}]"


def small() -> DeletionPlan:
    amd = image("amd")
    return whole(planned(EVERYTHING, amd, index("web", "v1", lists=[amd])))


def altered(plan: DeletionPlan, old: bytes, new: bytes) -> bytes:
    content = plan.to_bytes()
    assert content.count(old) == 1
    return content.replace(old, new)


def test_a_plan_reads_back_as_it_was_written() -> None:
    plan = small()

    assert read_plan(plan.to_bytes()) == plan
    assert read_plan(plan.to_bytes()).digest == plan.digest


@given(policies(), inventories())
def test_every_plan_reads_back_as_it_was_written(policy: Policy, held: Inventory) -> None:
    plan = whole(planned(policy, *held.versions.values()))

    assert read_plan(plan.to_bytes()).to_bytes() == plan.to_bytes()


def test_a_plan_is_one_line_of_sorted_keys_with_its_own_hash() -> None:
    plan = small()

    document = json.loads(plan.to_bytes())

    assert plan.to_bytes() == canonical(document) + b"\n"
    assert list(document) == sorted(document)
    assert document["digest"] == plan.digest
    assert document["format"] == {"name": "reconciler-plan", "version": "1.0"}
    assert document["summary"] == {
        "delete": 2,
        "keep": 0,
        "protected": 0,
        "incomplete": 0,
        "bytes": 3,
    }


def test_canonical_bytes_are_utf_8_without_spaces() -> None:
    assert canonical({"b": [1, 2.5, None, True], "a": "é"}) == (
        '{"a":"é","b":[1,2.5,null,true]}'.encode()
    )


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b'"tags":["v1"]', b'"tags":["v2"]'),
        (b'"delete":2', b'"delete":1'),
        (b'"tool":"reconciler test"', b'"tool":"another"'),
        (b'"undo":false', b'"undo":true'),
        (b'"forecast":false', b'"forecast":true'),
    ],
)
def test_an_altered_plan_is_refused(old: bytes, new: bytes) -> None:
    content = altered(small(), old, new)

    with pytest.raises(PlanError, match="the plan was altered"):
        read_plan(content)


def test_a_plan_written_with_other_spaces_is_the_same_plan() -> None:
    plan = small()
    content = json.dumps(json.loads(plan.to_bytes()), indent=2).encode()

    assert read_plan(content) == plan


def test_a_plan_of_an_earlier_release_is_read_under_the_one_name_of_its_repository() -> None:
    plan = small()
    document = json.loads(plan.to_bytes().replace(WEB.encode(), b"GHCR.io/acme/web"))
    del document["digest"]
    digest = f"sha256:{hashlib.sha256(canonical(document)).hexdigest()}"

    assert read_plan(canonical({**document, "digest": digest})) == plan


def signed(document: dict[str, Any]) -> bytes:
    """Write a document as a plan with the digest that belongs to it."""
    content = {key: value for key, value in document.items() if key != "digest"}
    digest = f"sha256:{hashlib.sha256(canonical(content)).hexdigest()}"
    return canonical({**content, "digest": digest})


@pytest.mark.parametrize(
    ("old", "new", "place"),
    [
        (b'"component":1', b'"component":1.0', "number 1 of 'changes'"),
        (b'"component":1', b'"component":true', "number 1 of 'changes'"),
        (b'"component":1', b'"component":"1"', "number 1 of 'changes'"),
        (b'"undo":false', b'"undo":"no"', WEB),
        (b'"forecast":false', b'"forecast":0', "the plan"),
        (b'"keep":0', b'"keep":0.0', "the plan"),
    ],
)
def test_a_value_that_is_read_as_another_is_refused_with_its_place(
    old: bytes, new: bytes, place: str
) -> None:
    content = small().to_bytes()
    assert old in content

    with pytest.raises(PlanError, match=f"altered: {place} is not written as"):
        read_plan(signed(json.loads(content.replace(old, new, 1))))


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"force": True}, "force: Unexpected keyword argument"),
        ({"component": None}, "component: Input should be a valid integer"),
        ({"digest": "sha256:0"}, "digest: Value error"),
        ({"cause": "none"}, "cause: Input should be"),
        ({"observed": {"extra": 1}}, "observed.extra: Unexpected"),
    ],
)
def test_an_invalid_change_is_refused_with_its_place(change: dict[str, Any], reason: str) -> None:
    document = json.loads(small().to_bytes())
    document["repositories"][0]["changes"][1].update(change)

    with pytest.raises(PlanError, match=f"not a plan: number 2 of 'changes': {reason}"):
        read_plan(signed(document))


def test_a_plan_cut_anywhere_is_refused() -> None:
    content = small().to_bytes()

    for end in range(0, len(content) - 1, 7):
        with pytest.raises(PlanError):
            read_plan(content[:end])


def test_changes_in_another_order_are_refused() -> None:
    document = json.loads(small().to_bytes())
    document["repositories"][0]["changes"].reverse()

    with pytest.raises(PlanError, match="the plan was altered"):
        read_plan(canonical(document))


@pytest.mark.parametrize("more", [b"x", b"{}", small().to_bytes()])
def test_two_documents_are_no_plan(more: bytes) -> None:
    with pytest.raises(PlanError, match="something follows the document"):
        read_plan(small().to_bytes() + more)


def test_a_key_that_is_there_twice_is_refused() -> None:
    content = altered(small(), b'"undo":false', b'"undo":true,"undo":false')

    with pytest.raises(PlanError, match="'undo' is not a key that may follow 'undo'"):
        read_plan(content)


@given(policies(), inventories(), st.integers(4, 300))
def test_the_digest_of_a_plan_that_was_read_in_chunks_is_its_own(
    policy: Policy, held: Inventory, size: int
) -> None:
    plan = whole(planned(policy, *held.versions.values()))
    content = plan.to_bytes()

    read = read_chunks(content[at : at + size] for at in range(0, len(content), size))

    again = DeletionPlan(**{name: getattr(read, name) for name in DeletionPlan.model_fields})
    assert read.digest == again.digest == plan.digest


@pytest.mark.parametrize("version", ["2.0", "0.9", "10.0"])
def test_a_plan_of_an_unknown_major_version_is_refused(version: str) -> None:
    content = altered(small(), b'"version":"1.0"', f'"version":"{version}"'.encode())

    with pytest.raises(PlanError, match=f"reconciler-plan {version} is not a plan this tool reads"):
        read_plan(content)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{}",
        b"[]",
        b"null",
        b"not json",
        b"[" * 100_000,
        b'{"format": []}',
        b'{"format": {"name": "reconciler-plan", "version": "1.0"}}',
        b'{"format": {"name": "reconciler-plan", "version": "x"}}',
        b"\xff\xfe\x00",
    ],
)
def test_what_is_no_plan_is_refused(content: bytes) -> None:
    with pytest.raises(PlanError, match="this is not a plan"):
        read_plan(content)


def test_a_plan_with_a_key_nobody_knows_is_refused() -> None:
    content = altered(small(), b'"forecast":false', b'"forecast":false,"force":true')

    with pytest.raises(PlanError):
        read_plan(content)


def test_a_plan_larger_than_any_is_refused_unread(monkeypatch: pytest.MonkeyPatch) -> None:
    content = small().to_bytes()
    monkeypatch.setattr("reconciler.model.plan.MAX_PLAN_BYTES", len(content) - 1)

    with pytest.raises(PlanError, match="the plan is larger than"):
        read_plan(content)


def test_counts_are_those_of_all_repositories() -> None:
    image_a, image_b = image("a", "v1"), image("b", "v2")
    protecting = "protect: [{name: moving, match: {tags: [v1]}}]\n" + EVERYTHING
    broken = RepositoryPlan(
        repository=WEB, policy="web", complete=False, failure=ExitCode.EVIDENCE_INCOMPLETE
    )

    plan = whole(planned(protecting, image_a, image_b), broken)

    summary = plan.summary
    assert (summary.delete, summary.keep) == (1, 1)
    assert (summary.protected, summary.incomplete) == (1, 1)


def test_a_file_says_of_which_kind_its_plan_is() -> None:
    deletion, restoration = (
        plans.plan(plans.part()),
        plans.restore_plan(plans.part(), undoes="run-1"),
    )

    assert isinstance(read_plan(deletion.to_bytes()), DeletionPlan)
    assert read_plan(deletion.to_bytes()) == deletion
    assert isinstance(read_plan(restoration.to_bytes()), RestorePlan)
    assert read_plan(restoration.to_bytes()) == restoration


def test_a_plan_to_restore_deletes_nothing_and_keeps_every_version() -> None:
    back = [replace(change, action="restore") for change in plans.image("v1")]

    plan = plans.restore_plan(plans.part([back], versions=3), undoes="run-1")

    summary = plan.summary
    assert (summary.delete, summary.restore, summary.keep) == (0, 1, 3)
    assert json.loads(plan.to_bytes())["summary"]["restore"] == 1
    assert not hasattr(small().summary, "restore")


@pytest.mark.parametrize(
    ("kind", "facts", "action"),
    [(DeletionPlan, {}, "restore"), (RestorePlan, {"undoes": "run-1"}, "delete")],
)
def test_a_plan_with_a_change_of_the_other_kind_is_refused(
    kind: type[Plan], facts: dict[str, str], action: Literal["delete", "restore"]
) -> None:
    others = [replace(change, action=action) for change in plans.image("v1")]
    head = small().model_dump(exclude={"repositories"})

    with pytest.raises(ValidationError, match=f"a change is no {kind.action}"):
        kind.model_validate(head | facts | {"repositories": (plans.part([others]),)})


def test_a_restore_plan_without_its_run_is_refused() -> None:
    with pytest.raises(ValidationError):
        plans.restore_plan(plans.part(), undoes="")


def test_followers_do_not_count_as_images() -> None:
    web = index("web", "v1", lists=[image("amd")])

    part = planned(EVERYTHING, image("amd"), web, signature("sig", of=web))

    assert (part.images, part.images_deleted, len(part.changes)) == (1, 1, 3)


def test_a_plan_ends_as_its_worst_repository() -> None:
    guard = Guard(name="max_delete", limit=1, actual=2, ok=False)
    stopped = RepositoryPlan(repository=WEB, policy="web", complete=True, guards=(guard,))
    unread = RepositoryPlan(
        repository=WEB, policy="web", complete=False, failure=ExitCode.EVIDENCE_INCOMPLETE
    )

    assert whole().outcome is ExitCode.OK
    assert whole(stopped).outcome is ExitCode.SAFETY_STOP
    assert whole(stopped, unread).outcome is ExitCode.EVIDENCE_INCOMPLETE


def test_times_keep_their_instant_and_are_written_in_utc() -> None:
    plan = small()

    assert b'"pushed":"2026-09-23T12:00:00Z"' in plan.to_bytes()
    assert plan.repositories[0].changes[0].observed.pushed == ago("40d")
    assert plan.created_at == datetime(2026, 11, 2, 12, tzinfo=UTC)
    assert plan.repositories[0].changes[0].cause is Cause.EXPIRED
