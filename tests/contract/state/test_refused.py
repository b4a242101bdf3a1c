"""A place that cannot keep two runs apart is refused, and says why; so is one out of reach."""

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from pydantic import SecretStr

from reconciler.errors import ReconcilerError, SettingsError, StateError
from reconciler.sandbox.accounts import Account
from reconciler.sandbox.server import Sandbox
from reconciler.sandbox.settings import SandboxSettings
from reconciler.session import utc_now
from reconciler.state import opening
from reconciler.state.address import Address
from reconciler.state.opening import BackendSettings, open_state_at
from reconciler.state.pgdatabase import Database
from tests.support.backends import BACKENDS, DATABASE
from tests.support.object_store import BUCKET, ObjectStore
from tests.support.pooler import pooler
from tests.support.states import NOON, WEB, holder, intent

ALONE = BackendSettings(utc_now)
READER = Account.of("ghs_reader", contents=False)


@pytest.fixture
def liar(monkeypatch: pytest.MonkeyPatch) -> Iterator[ObjectStore]:
    """Serve a store that takes every write, whatever its condition."""
    store = ObjectStore(lying=True)
    store.start()
    for name, value in store.environment.items():
        monkeypatch.setenv(name, value)
    yield store
    store.stop()


@pytest.mark.usefixtures("liar")
def test_a_store_that_ignores_if_none_match_is_refused_with_the_reason() -> None:
    state = open_state_at(f"s3://{BUCKET}/lied-to", ALONE)

    with pytest.raises(StateError) as refused:
        state.check_writable()

    assert str(refused.value) == (
        "s3://state/lied-to does not honour the condition If-None-Match:"
        " it overwrites an existing object"
    )
    assert refused.value.hint.startswith(
        "Without conditional writes, two runs could delete at the same time."
    )


@pytest.mark.parametrize("name", BACKENDS)
def test_a_place_that_keeps_them_is_accepted_again_and_again(name: str, tmp_path: Path) -> None:
    state = BACKENDS[name].open(tmp_path)

    state.check_writable()
    state.check_writable()

    assert list(state.repositories()) == []


@pytest.mark.parametrize("address", ["s3://no-such-bucket/x", "s3://no-such-bucket"])
def test_a_bucket_that_does_not_exist_is_named(address: str) -> None:
    state = open_state_at(address, ALONE)

    with pytest.raises(StateError, match="no-such-bucket"):
        state.check_writable()


def test_a_token_that_may_not_write_is_refused_with_the_right_it_lacks() -> None:
    with Sandbox(SandboxSettings(accounts=(READER,))).serve() as github:
        known = BackendSettings(utc_now, github.url, SecretStr("ghs_reader"))
        with pytest.raises(StateError, match="Resource not accessible") as refused:
            open_state_at("github://acme/state/reconciler", known).check_writable()

    assert "permissions: contents: write" in refused.value.hint


@pytest.mark.parametrize(
    ("address", "message"),
    [
        ("ftp://host/state", "ftp:// is not a known state backend"),
        ("github://acme", "is not a valid address of a branch"),
        ("github://acme/state/../x", "is not a valid address of a branch"),
        ("github://acme/state/x?path=../y", "is not a valid address of a branch"),
        ("github://acme/state/x", "needs a token"),
        ("postgresql://user:p@ss@host/db", "the address of the PostgreSQL state is invalid"),
        ("postgresql://[bad", "the address of the PostgreSQL state is invalid"),
    ],
)
def test_an_address_that_leads_nowhere_is_refused_without_showing_a_password(
    address: str, message: str
) -> None:
    with pytest.raises(SettingsError, match=message) as refused:
        open_state_at(address, ALONE)

    assert "p@ss" not in f"{refused.value} {refused.value.hint}"


def test_what_a_database_says_is_told_without_the_password() -> None:
    state = open_state_at("postgresql://octocat:secret@127.0.0.1:1/db", ALONE)

    with pytest.raises(StateError, match=r"postgresql://127.0.0.1/db: .*refused") as refused:
        state.check_writable()

    assert "secret" not in repr(refused.value)
    assert "secret" not in repr(Database.at(Address("postgresql://octocat:secret@127.0.0.1:1/db")))


def test_a_pooler_that_lends_sessions_for_single_transactions_is_refused() -> None:
    with (
        pooler(os.environ[DATABASE], "transaction") as address,
        pytest.raises(StateError, match="is a pooler in transaction mode") as refused,
    ):
        open_state_at(address, ALONE).check_writable()

    assert refused.value.hint.startswith("Use the address of the database itself")


def test_a_pooler_that_lends_whole_sessions_is_accepted() -> None:
    with pooler(os.environ[DATABASE], "session") as address:
        open_state_at(address, ALONE).check_writable()


def test_a_library_that_is_missing_is_named_with_the_command_that_installs_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def gone(_: str) -> None:
        raise ModuleNotFoundError(name="obstore")

    monkeypatch.setattr(opening, "import_module", gone)

    with pytest.raises(SettingsError, match="s3://... needs obstore, which is not") as refused:
        opening.BACKENDS["s3"].open_at(Address("s3://bucket"), ALONE)

    assert refused.value.hint == (
        f"Install it with: {sys.executable} -m pip install 'obstore>=0.8'"
    )


def test_a_run_whose_session_ends_stops_and_its_lock_is_free(tmp_path: Path) -> None:
    state = BACKENDS["postgresql"].open(tmp_path)
    web = state.of(WEB)

    with web.lock(holder("run-1")):
        web.append("run-1", NOON, [intent(1)])
        with psycopg.connect(BACKENDS["postgresql"].address(tmp_path)) as admin:
            admin.execute(
                "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity "
                "WHERE application_name = 'reconciler' AND pid <> pg_backend_pid() "
                "AND query NOT LIKE '%pg_stat_activity%'"
            )
        with pytest.raises(ReconcilerError):
            web.confirm_lock()
        with state.of(WEB).lock(holder("run-2")):
            pass
        with pytest.raises(ReconcilerError):
            web.append("run-1", NOON, [intent(2)])

    assert len(state.of(WEB).records()) == 1
