"""A state on a branch: others write there too, answers get lost, and old ones come late."""

from collections.abc import Iterator
from threading import Thread

import httpx
import pytest
from pydantic import SecretStr

from reconciler.errors import LockedError, StateError
from reconciler.sandbox.faults import Answer, Fault
from reconciler.sandbox.server import Sandbox
from reconciler.sandbox.settings import UNLIMITED, SandboxSettings
from reconciler.session import utc_now
from reconciler.state.address import Address
from reconciler.state.branch import Branch, branch_at, open_at
from reconciler.state.opening import BackendSettings
from reconciler.state.store import Stored
from tests.support.states import NOON, WEB, holder, intent

PLACE = "github://acme/state/reconciler"


@pytest.fixture
def github() -> Iterator[Sandbox]:
    """Serve a repository that is empty."""
    with Sandbox(SandboxSettings(limits=UNLIMITED)).serve() as serving:
        yield serving


def known(github: Sandbox) -> BackendSettings:
    """Give the way there, and a workflow's token."""
    return BackendSettings(utc_now, github.url, SecretStr("ghs_sandbox"))


def branch(github: Sandbox, place: str = PLACE) -> Branch:
    """Open the store as a machine does that has just begun."""
    return branch_at(Address(place), known(github))


def get(github: Sandbox, path: str) -> object:
    """Ask the API."""
    headers = {"Authorization": "Bearer ghs_sandbox"}
    return httpx.get(f"{github.url}{path}", headers=headers, trust_env=False).json()


def commits(github: Sandbox) -> int:
    """Count the commits that were asked for."""
    return sum(seen.target == "/graphql" for seen in github.requests)


def test_the_first_write_begins_a_branch_that_says_what_it_is(github: Sandbox) -> None:
    store = branch(github)

    before = store.get("a/b")
    store.create("a/b", b"1")

    assert before is None
    assert list(branch(github).names("")) == ["README", "a/b"]
    (readme,) = branch(github).contents(["README"])
    assert readme.startswith(b"The state of Reconciler")


def test_reading_alone_begins_no_branch(github: Sandbox) -> None:
    store = branch(github)

    found = (store.get("a"), list(store.names("a/")))

    assert found == (None, [])
    assert {seen.method for seen in github.requests} == {"GET"}


def test_who_stops_reading_halfway_keeps_no_other_thread_from_reading(github: Sandbox) -> None:
    store = branch(github)
    store.create("a", b"1")
    store.create("b", b"2")

    halfway = store.contents(["a", "b"])
    first = next(iter(halfway))
    found: list[object] = []
    other = Thread(target=lambda: found.append(store.get("b")), daemon=True)
    other.start()
    other.join(timeout=10)

    assert first == b"1"
    assert [isinstance(stored, Stored) for stored in found] == [True]


def test_what_others_commit_in_between_stays(github: Sandbox) -> None:
    one, other = branch(github), branch(github)

    one.create("a", b"1")
    other.create("b", b"2")
    version = one.create("c", b"3")

    assert version
    assert list(branch(github).names("")) == ["README", "a", "b", "c"]


def test_of_two_who_replace_one_version_the_second_is_refused(github: Sandbox) -> None:
    one, other = branch(github), branch(github)
    version = one.create("a", b"1")
    assert version
    other.get("a")

    first = one.replace("a", b"2", version)
    second = other.replace("a", b"3", version)

    assert (first is None, second) == (False, None)
    assert list(branch(github).contents(["a"])) == [b"2"]


def test_a_commit_whose_answer_is_lost_is_found_by_looking(github: Sandbox) -> None:
    store = branch(github)
    store.create("a", b"1")
    github.add_faults(Fault(method="POST", path="/graphql", cut="lost"))

    version = store.create("b", b"2")

    assert version
    assert commits(github) == 2
    assert list(branch(github).contents(["b"])) == [b"2"]


def test_an_answer_that_names_an_earlier_head_is_not_believed(github: Sandbox) -> None:
    state = open_at(Address(PLACE), known(github)).of(WEB)
    with state.lock(holder()):
        head = get(github, "/repos/acme/state/git/ref/heads/reconciler")
        state.append("run-1", NOON, [intent(1)])
        body = httpx.Response(200, json=head).text
        github.add_faults(Fault(path="/git/ref/", answer=Answer(status=200, body=body)))
        state.confirm_lock()
        state.append("run-1", NOON, [intent(2)])

    assert len(state.records()) == 2


def test_folders_of_one_branch_are_states_of_their_own(github: Sandbox) -> None:
    one, other = branch(github, f"{PLACE}?path=a"), branch(github, f"{PLACE}?path=b/c")

    one.create("x", b"1")
    other.create("x", b"2")

    assert (list(one.contents(["x"])), list(other.contents(["x"]))) == ([b"1"], [b"2"])
    assert "b/c/x" in branch(github).names("")


def test_a_text_that_a_query_cuts_is_read_alone_and_whole(github: Sandbox) -> None:
    long = b"0123456789" * 60_000
    branch(github).create("long", long)

    (found,) = branch(github).contents(["long"])

    assert found == long


def test_a_run_deletes_nothing_more_once_another_broke_its_lock(github: Sandbox) -> None:
    hung, breaker = (open_at(Address(PLACE), known(github)).of(WEB) for _ in range(2))

    with (
        hung.lock(holder("run-1")),
        breaker.seize(holder("run-2"), "run-1"),
        pytest.raises(LockedError),
    ):
        hung.confirm_lock()


def test_an_api_that_is_down_is_a_state_that_is_not_durable(github: Sandbox) -> None:
    refusal = Answer(status=404, body='{"message": "Not Found"}')
    github.add_faults(Fault(path="/repos/", times=None, answer=refusal))

    with pytest.raises(StateError, match="answered 404 'Not Found'") as refused:
        open_at(Address(PLACE), known(github)).check_writable()

    assert refused.value.exit_code == 8
    assert "contents: write" in refused.value.hint
