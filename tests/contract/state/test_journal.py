"""What every backend promises about the journal of a repository."""

import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from structlog.testing import capture_logs

from reconciler.errors import JournalError, LockedError, StateError
from reconciler.model.journal import ORIGIN, Entry, RecordType, chain, parse_record
from reconciler.model.names import Repository
from reconciler.model.ports import RepositoryState, State
from tests.support.backends import BACKENDS, Backend, Journal
from tests.support.states import NOON, WEB, holder, intent, outcome

API = Repository("ghcr.io/acme/api")
TORN = [name for name, backend in BACKENDS.items() if backend.tears]
WHOLE = [name for name, backend in BACKENDS.items() if not backend.tears]


def test_a_fresh_state_is_empty(state: State) -> None:
    assert list(state.repositories()) == []
    assert list(state.of(WEB).records()) == []


def test_what_was_appended_is_read_back_by_others(state: State) -> None:
    web = state.of(WEB)

    with web.lock(holder()):
        written = web.append("run-1", NOON, [intent(), outcome()])

    assert list(state.of(WEB).records()) == list(written)
    assert [(record.seq, record.run, record.type) for record in written] == [
        (1, "run-1", "intent"),
        (2, "run-1", "outcome"),
    ]
    assert [record.prev for record in written] == [ORIGIN, written[0].hash]


def test_a_run_continues_the_chain_of_the_run_before(state: State) -> None:
    first, second = state.of(WEB), state.of(WEB)
    with first.lock(holder("run-1")):
        before = first.append("run-1", NOON, [intent(1)])

    with second.lock(holder("run-2")):
        after = second.append("run-2", NOON, [intent(2)])

    assert (after[0].seq, after[0].prev) == (2, before[0].hash)
    assert [record.run for record in state.of(WEB).records()] == ["run-1", "run-2"]


def test_what_others_wrote_between_two_locks_is_taken_into_account(state: State) -> None:
    web, other = state.of(WEB), state.of(WEB)
    with web.lock(holder()):
        web.append("run-1", NOON, [intent(1)])
    with other.lock(holder("run-2")):
        other.append("run-2", NOON, [intent(2)])

    with web.lock(holder()):
        web.append("run-1", NOON, [intent(3)])

    assert [record.seq for record in state.of(WEB).records()] == [1, 2, 3]


def test_each_repository_has_its_own_journal(state: State) -> None:
    web, api = state.of(WEB), state.of(API)

    with web.lock(holder()), api.lock(holder()):
        web.append("run-1", NOON, [intent()])
        api.append("run-1", NOON, [intent(), outcome()])

    assert [len(state.of(name).records()) for name in (WEB, API)] == [1, 2]
    assert list(state.repositories()) == [API, WEB]


def test_appending_nothing_writes_nothing(state: State) -> None:
    web = state.of(WEB)

    with web.lock(holder()):
        written = web.append("run-1", NOON, [])

    assert list(written) == []
    assert list(web.records()) == []


def test_nothing_is_appended_without_the_lock(state: State) -> None:
    web = state.of(WEB)
    with web.lock(holder()):
        web.append("run-1", NOON, [intent(1)])

    with pytest.raises(StateError, match="ghcr.io/acme/web.*must not be written without its lock"):
        web.append("run-1", NOON, [intent(2)])

    assert len(web.records()) == 1


def test_a_record_too_long_to_be_read_back_is_refused_and_leaves_no_trace(state: State) -> None:
    web = state.of(WEB)

    with web.lock(holder()):
        with pytest.raises(StateError, match="the limit is 65536"):
            web.append("run-1", NOON, [intent(), Entry("outcome", {"message": "x" * 65536})])
        web.append("run-1", NOON, [intent(2)])

    assert [record.body["version_id"] for record in web.records()] == ["2"]


def test_the_longest_record_is_read_back(state: State) -> None:
    web = state.of(WEB)
    empty = len(chain(None, "run-1", NOON, [Entry("outcome", {"message": ""})])[0].to_line())

    with web.lock(holder()):
        web.append("run-1", NOON, [Entry("outcome", {"message": "x" * (65536 - empty)})])

    assert len(web.records()[0].to_line()) == 65536


def test_half_a_surrogate_pair_in_a_server_text_is_kept_as_an_escape(state: State) -> None:
    web = state.of(WEB)

    with web.lock(holder()):
        web.append("run-1", NOON, [Entry("outcome", {"message": "\ud83d"})])
        web.append("run-1", NOON, [intent()])

    assert [record.type for record in web.records()] == ["outcome", "intent"]
    assert web.records()[0].body["message"] == "\ud83d"


@pytest.mark.parametrize("backend_name", TORN)
def test_a_torn_tail_is_ignored_by_readers_and_stays_where_it_is(
    state: State, backend: Backend, place: Path
) -> None:
    journal = journal_of_three(state, backend, place)
    torn = journal.read()[:-10]
    journal.write(torn)

    with capture_logs() as logs:
        records = state.of(WEB).records()

    assert [record.seq for record in records] == [1, 2]
    assert [line["event"] for line in logs] == ["journal_tail_ignored"]
    assert journal.read() == torn


@pytest.mark.parametrize("backend_name", TORN)
def test_a_torn_tail_is_set_aside_under_the_lock_and_the_chain_goes_on(
    state: State, backend: Backend, place: Path
) -> None:
    journal = journal_of_three(state, backend, place)
    journal.write(journal.read()[:-10])
    web = state.of(WEB)

    with web.lock(holder("run-2")), capture_logs() as logs:
        found = web.records()
        web.append("run-2", NOON, [intent(9)])

    assert [record.seq for record in found] == [1, 2]
    assert [line["event"] for line in logs] == ["journal_tail_set_aside"]
    assert [record.run for record in state.of(WEB).records()] == ["run-1", "run-1", "run-2"]


@pytest.mark.parametrize("backend_name", TORN)
def test_a_torn_tail_is_set_aside_even_by_a_run_that_appends_without_reading(
    state: State, backend: Backend, place: Path
) -> None:
    journal = journal_of_three(state, backend, place)
    journal.write(journal.read()[:-10])
    web = state.of(WEB)

    with web.lock(holder("run-2")):
        written = web.append("run-2", NOON, [intent(9)])

    assert written[0].seq == 3
    assert len(state.of(WEB).records()) == 3


@pytest.mark.parametrize("backend_name", WHOLE)
def test_where_an_append_is_whole_or_nothing_half_a_record_is_damage(
    state: State, backend: Backend, place: Path
) -> None:
    journal = journal_of_three(state, backend, place)
    journal.write(journal.read()[:-10])

    with pytest.raises(JournalError):
        state.of(WEB).records()


@pytest.mark.parametrize("line", [0, 1, 2])
def test_a_damaged_record_stops_readers_and_writers(
    state: State, backend: Backend, place: Path, line: int
) -> None:
    journal = journal_of_three(state, backend, place)
    lines = journal.read().splitlines(keepends=True)
    lines[line] = lines[line].replace(b"sha256:", b"sha255:", 1)
    damaged = b"".join(lines)
    journal.write(damaged)
    web = state.of(WEB)

    with pytest.raises(JournalError, match=f":{line + 1}: "):
        web.records()
    with web.lock(holder("run-2")):
        with pytest.raises(JournalError, match=f":{line + 1}: "):
            web.records()
        with pytest.raises(JournalError, match=f":{line + 1}: "):
            web.append("run-2", NOON, [intent(9)])

    assert journal.read() == damaged


def test_a_record_removed_from_inside_is_missed(
    state: State, backend: Backend, place: Path
) -> None:
    journal = journal_of_three(state, backend, place)
    first, _, third = journal.read().splitlines(keepends=True)
    journal.write(first + third)

    with pytest.raises(JournalError, match=":2: record 3 does not continue record 1"):
        state.of(WEB).records()


def test_a_forged_record_with_a_true_hash_does_not_continue_the_chain(
    state: State, backend: Backend, place: Path
) -> None:
    journal = journal_of_three(state, backend, place)
    third = parse_record(journal.read().splitlines()[2], 3)
    forged = third.model_copy(update={"seq": 4, "prev": ORIGIN}).sealed()
    journal.write(journal.read() + forged.to_line())

    with pytest.raises(JournalError, match=":4: record 4 does not continue record 3"):
        state.of(WEB).records()


def test_a_writer_that_ignores_the_lock_is_noticed_before_the_next_record(
    state: State, backend: Backend, place: Path
) -> None:
    journal = journal_of_three(state, backend, place)
    web = state.of(WEB)

    with web.lock(holder("run-2")):
        last = web.records()[-1]
        foreign = chain(last, "run-3", NOON, [intent(9)])[0].to_line()
        journal.write(journal.read() + foreign)
        with pytest.raises((StateError, LockedError), match="despite the lock|another run"):
            web.append("run-2", NOON, [outcome(9)])

    assert [record.run for record in state.of(WEB).records()] == ["run-1"] * 3 + ["run-3"]


def test_a_journal_that_vanishes_under_its_writer_is_not_begun_anew(
    state: State, backend: Backend, place: Path
) -> None:
    journal = journal_of_three(state, backend, place)
    web = state.of(WEB)

    with web.lock(holder("run-2")):
        web.records()
        journal.remove()
        with pytest.raises(StateError):
            _append_and_read(web)


texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=8,
)
types: st.SearchStrategy[RecordType] = st.sampled_from(["run_open", "intent", "outcome"])
batches = st.lists(
    st.lists(st.builds(Entry, types, st.dictionaries(texts, values, max_size=4)), max_size=4),
    max_size=4,
)


@pytest.mark.parametrize("backend_name", ["local"])
@settings(max_examples=100)  # each one waits for the disk a dozen times
@given(batches=batches)
def test_whatever_is_appended_reads_back_equal(
    backend_name: str, batches: list[list[Entry]]
) -> None:
    check_read_back(BACKENDS[backend_name], batches)


@pytest.mark.parametrize("backend_name", [name for name in BACKENDS if name != "local"])
@settings(max_examples=10)  # each one waits for a server some dozens of times
@given(batches=batches)
def test_whatever_is_appended_to_a_server_reads_back_equal(
    backend_name: str, batches: list[list[Entry]]
) -> None:
    check_read_back(BACKENDS[backend_name], batches)


def check_read_back(backend: Backend, batches: list[list[Entry]]) -> None:
    """Append batches to a fresh state, and read them as others do."""
    with tempfile.TemporaryDirectory() as place:
        state = backend.open(Path(place))
        web = state.of(WEB)

        with web.lock(holder()):
            written = [record for batch in batches for record in web.append("r", NOON, batch)]

        assert list(state.of(WEB).records()) == written
        assert [Entry(record.type, record.body) for record in written] == [
            entry for batch in batches for entry in batch
        ]


def _append_and_read(state: RepositoryState) -> None:
    """Add a record; some backends find only then that those before it are gone."""
    state.append("run-2", NOON, [intent(9)])
    state.records()


def journal_of_three(state: State, backend: Backend, place: Path) -> Journal:
    """Write three records and return where they are."""
    web = state.of(WEB)
    with web.lock(holder("run-1")):
        web.append("run-1", NOON, [intent(1), outcome(1), intent(2)])
    return backend.journal(place, WEB)
