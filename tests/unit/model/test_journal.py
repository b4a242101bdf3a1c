"""The journal is a chain: each record continues the one before, or the journal is broken."""

from datetime import UTC, datetime

import pytest

from reconciler.errors import JournalError
from reconciler.model.journal import (
    ORIGIN,
    Entry,
    IntentBody,
    Record,
    RecordType,
    ResolveBody,
    Result,
    RunOpenBody,
    chain,
    entry_of,
    open_intents,
    open_runs,
    parse_record,
    verified,
)

NOON = datetime(2026, 11, 2, 12, tzinfo=UTC)


def entry(type_: RecordType, key: str = "a", **body: object) -> Entry:
    return Entry(type_, {"key": key, **body})


def chained(*entries: Entry, after: Record | None = None, run: str = "run-1") -> list[Record]:
    return chain(after, run, NOON, entries)


def test_the_first_record_continues_the_origin() -> None:
    (record,) = chained(entry("intent"))

    assert (record.seq, record.prev) == (1, ORIGIN)
    assert record.hash == record.computed_hash()
    assert record.hash.startswith("sha256:")


def test_every_record_names_the_hash_of_the_one_before() -> None:
    first, second = chained(entry("intent"), entry("outcome", result="deleted"))
    (third,) = chained(entry("run_close"), after=second, run="run-2")

    assert [record.seq for record in (first, second, third)] == [1, 2, 3]
    assert [second.prev, third.prev] == [first.hash, second.hash]
    assert list(verified([first, second, third])) == [first, second, third]


def test_nothing_to_write_is_no_record() -> None:
    assert chained() == []
    assert list(verified([])) == []


def test_a_record_reads_back_as_it_was_written() -> None:
    records = chained(entry("intent", tags=("v1", "é"), size=2**70, at=NOON, share=0.5, none=None))

    read = [parse_record(record.to_line(), 1) for record in records]

    assert list(verified(read)) == read
    assert read[0].hash == records[0].hash
    assert read[0].body["tags"] == ["v1", "é"]
    assert read[0].body["at"] == "2026-11-02T12:00:00Z"


def test_a_line_ends_with_the_only_line_break_it_has() -> None:
    (record,) = chained(entry("intent", reason="two\nlines\u2028"))

    assert record.to_line().count(b"\n") == 1
    assert record.to_line().endswith(b"\n")


@pytest.mark.parametrize(
    "change",
    [
        {"body": {"key": "b"}},
        {"run": "run-2"},
        {"type": "outcome"},
        {"ts": datetime(2026, 11, 2, 13, tzinfo=UTC)},
        {"hash": "sha256:" + "0" * 64},
        {"hash": ""},
    ],
)
def test_an_altered_record_is_named(change: dict[str, object]) -> None:
    first, second = chained(entry("intent"), entry("intent"))

    with pytest.raises(JournalError, match="record 1 was altered"):
        list(verified([first.model_copy(update=change), second]))


def test_a_record_that_was_taken_out_is_missed() -> None:
    first, _, third = chained(entry("intent"), entry("intent"), entry("intent"))

    with pytest.raises(JournalError, match="record 3 does not continue record 1"):
        list(verified([first, third]))


def test_a_record_that_was_sealed_anew_breaks_the_chain_after_it() -> None:
    first, second = chained(entry("intent"), entry("intent"))
    forged = first.model_copy(update={"run": "run-2"}).sealed()

    with pytest.raises(JournalError, match="record 2 does not continue record 1"):
        list(verified([forged, second]))


def test_a_journal_without_its_start_is_broken() -> None:
    _, second = chained(entry("intent"), entry("intent"))

    with pytest.raises(JournalError, match="record 2 does not continue record 0"):
        list(verified([second]))


def test_records_before_the_damage_are_still_read() -> None:
    first, second = chained(entry("intent"), entry("intent"))
    records = verified([first, second.model_copy(update={"seq": 7})])

    assert next(records) == first
    with pytest.raises(JournalError):
        next(records)


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"{}",
        b"null",
        b"not json",
        b"[" * 100_000,
        b'{"seq": 1}',
        b'{"v":2,"seq":1,"ts":"2026-11-02T12:00:00Z","run":"r","type":"intent","prev":"x"}',
        b'{"seq":1,"ts":"2026-11-02T12:00:00Z","run":"r","type":"party","prev":"x"}',
        b'{"seq":1,"ts":"2026-11-02T12:00:00Z","run":"r","type":"intent","prev":"x","more":1}',
        b"\xff\xfe",
    ],
)
def test_a_line_that_is_no_record_is_named(line: bytes) -> None:
    with pytest.raises(JournalError, match="line 7 is not a record"):
        parse_record(line, 7)


def test_an_intent_is_open_until_an_outcome_or_a_resolution_answers_it() -> None:
    records = chained(
        entry("run_open"),
        entry("intent", "a"),
        entry("intent", "b"),
        entry("intent", "c"),
        entry("outcome", "a", result="deleted"),
        entry("resolve", "b", result="not_done"),
    )

    assert list(open_intents(records)) == ["c"]


def test_an_unknown_outcome_answers_nothing() -> None:
    records = chained(entry("intent", "a"), entry("outcome", "a", result="unknown"))

    assert list(open_intents(records)) == ["a"]


def test_an_intent_may_come_again_after_it_was_answered() -> None:
    records = chained(
        entry("intent", "a"), entry("resolve", "a", result="not_done"), entry("intent", "a")
    )

    assert open_intents(records)["a"].seq == 3


def test_a_run_is_open_until_it_or_another_run_closes_it() -> None:
    first = chained(Entry("run_open", {}), run="run-1")
    second = chained(Entry("run_open", {}), after=first[-1], run="run-2")
    third = chained(Entry("run_open", {}), after=second[-1], run="run-3")
    closing = chained(
        Entry("run_close", {"of": "run-1"}), Entry("run_close", {}), after=third[-1], run="run-3"
    )

    assert open_runs([*first, *second, *third, *closing]) == ["run-2"]


def test_a_key_of_a_later_release_is_kept_when_an_intent_is_answered() -> None:
    (record,) = chained(entry("intent", "a", digest="sha256:a", colour={"deep": ["blue"]}))
    intent = record.content
    assert isinstance(intent, IntentBody)

    answer = entry_of(ResolveBody.answering(intent, of="run-1", result=Result.NOT_DONE))

    assert answer == Entry("resolve", {**record.body, "result": "not_done", "of": "run-1"})


def test_a_body_has_the_keys_that_were_given_and_no_others() -> None:
    body = RunOpenBody(who="robot@ci", undo_days=None)

    assert entry_of(body) == Entry("run_open", {"who": "robot@ci", "undo_days": None})


def test_a_body_that_is_not_what_its_type_says_is_named() -> None:
    (record,) = chained(entry("outcome", "a", result="lost in the post"))

    with pytest.raises(JournalError, match="record 1 is not a valid outcome"):
        _ = record.content
