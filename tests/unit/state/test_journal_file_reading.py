"""Whatever happens to a journal file, no record is believed that does not verify, none is lost."""

from pathlib import Path

import pytest

from reconciler.errors import JournalError
from reconciler.model.journal import Entry, Record, chain
from reconciler.state.journal_file import End, read_journal
from tests.support.states import NOON

ENTRIES = [
    Entry("intent", {"key": "a"}),
    Entry("outcome", {"key": "a", "result": "deleted"}),
    Entry("intent", {"key": "b"}),
]
WRITTEN = chain(None, "run-1", NOON, ENTRIES)
CONTENT = b"".join(record.to_line() for record in WRITTEN)
MASKS = [0x01, 0x07, 0x20, 0x80]
"""Which bits to flip. 0x07 makes a carriage return of a newline, 0x20 changes the case."""


@pytest.fixture
def journal(tmp_path: Path) -> Path:
    """Say where the journal is."""
    return tmp_path / "journal.jsonl"


def test_a_journal_that_does_not_exist_is_empty(journal: Path) -> None:
    reading = read_journal(journal)

    assert (reading.records, reading.end, reading.torn) == ((), End(None, 0), b"")


def test_cut_anywhere_it_gives_the_records_before_the_cut_and_a_torn_tail(journal: Path) -> None:
    for length in range(len(CONTENT) + 1):
        journal.write_bytes(CONTENT[:length])

        reading = read_journal(journal)

        whole = CONTENT[:length].count(b"\n")
        assert list(reading.records) == WRITTEN[:whole]
        assert reading.end.size + len(reading.torn) == length
        assert reading.torn == CONTENT[reading.end.size : length]


def test_a_changed_byte_anywhere_is_damage(journal: Path) -> None:
    for content in flipped(CONTENT):
        journal.write_bytes(content)

        with pytest.raises(JournalError):
            read_journal(journal)


def test_a_changed_byte_beside_a_torn_tail_never_hides_a_record_that_was_durable(
    journal: Path,
) -> None:
    torn = CONTENT[:-30]
    for content in flipped(torn):
        journal.write_bytes(content)

        assert records_unless_damaged(journal) in (WRITTEN[:2], None)


def test_a_tail_that_the_disk_filled_with_zeros_is_torn(journal: Path) -> None:
    journal.write_bytes(CONTENT + bytes(512))

    reading = read_journal(journal)

    assert (len(reading.records), reading.torn) == (3, bytes(512))


@pytest.mark.parametrize("tail", [b"[" * 60_000, b"\xff\xfe", b"17"])
def test_a_tail_of_anything_that_is_no_whole_record_is_torn(journal: Path, tail: bytes) -> None:
    journal.write_bytes(CONTENT + tail)

    reading = read_journal(journal)

    assert (len(reading.records), reading.torn) == (3, tail)


def test_a_whole_record_that_only_lacks_its_newline_is_torn(journal: Path) -> None:
    journal.write_bytes(CONTENT[:-1])

    reading = read_journal(journal)

    assert list(reading.records) == WRITTEN[:2]


def test_a_whole_record_followed_by_something_else_than_a_newline_is_damage(journal: Path) -> None:
    journal.write_bytes(CONTENT[:-1] + b" ")

    with pytest.raises(JournalError, match="journal.jsonl:3: the record does not end"):
        read_journal(journal)


@pytest.mark.parametrize(
    "line",
    [
        pytest.param(b"\n", id="an empty line"),
        pytest.param(b"not json\n", id="no JSON"),
        pytest.param(b"[" * 60_000 + b"\n", id="deep nesting"),
        pytest.param(b"{}\n", id="no record"),
        pytest.param(b"\xff\xfe\n", id="no UTF-8"),
        pytest.param(b'{"body":{"n":' + b"9" * 5000 + b"}}\n", id="a number too long to read"),
    ],
)
def test_a_line_that_is_no_record_is_damage_named_by_file_and_line(
    journal: Path, line: bytes
) -> None:
    journal.write_bytes(CONTENT + line)

    with pytest.raises(JournalError, match=r"journal\.jsonl:4: line 4 is not a record"):
        read_journal(journal)


def test_a_record_with_the_same_sense_in_other_bytes_is_damage(journal: Path) -> None:
    journal.write_bytes(CONTENT.replace(b'"v":1', b'"v": 1'))

    with pytest.raises(JournalError, match=":1: line 1 was altered: it is not in canonical form"):
        read_journal(journal)


def test_a_record_longer_than_we_write_is_damage(journal: Path) -> None:
    [long] = chain(None, "run-1", NOON, [Entry("outcome", {"message": "x" * 65536})])
    journal.write_bytes(long.to_line())

    with pytest.raises(JournalError, match=":1: line 1 is longer than 65536 bytes"):
        read_journal(journal)


def test_damage_says_what_to_do(journal: Path) -> None:
    journal.write_bytes(b"not json\n")

    with pytest.raises(JournalError) as caught:
        read_journal(journal)

    assert caught.value.exit_code == 8
    assert caught.value.hint.startswith("Nothing was deleted.")


def flipped(content: bytes) -> list[bytes]:
    """Change every byte of a content, one at a time, in several ways."""
    return [
        content[:place] + bytes([content[place] ^ mask]) + content[place + 1 :]
        for place in range(len(content))
        for mask in MASKS
    ]


def records_unless_damaged(journal: Path) -> list[Record] | None:
    """Read a journal; None when it says that it is damaged."""
    try:
        return list(read_journal(journal).records)
    except JournalError:
        return None
