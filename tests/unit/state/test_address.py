"""Where a state is: whatever goes wrong there, no secret of its address is shown."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.__main__ import run
from reconciler.errors import ReconcilerError
from reconciler.state.address import Address
from reconciler.state.opening import BACKENDS, open_state_at
from tests.support.backend_settings import known
from tests.support.states import WEB

SECRET = "hunter2-S3CRET"
ADDRESSES = [
    *(f"{scheme}://key:{SECRET}@127.0.0.1:1/acme/state" for scheme in (*BACKENDS, "https")),
    *(f"{scheme}://{SECRET}@127.0.0.1:1/acme/state" for scheme in ("s3", "gs", "az", "github")),
    *(f"{scheme}://127.0.0.1:1/acme/state?sig={SECRET}" for scheme in ("s3", "gs", "az", "github")),
    f"postgresql://127.0.0.1:1/db?password={SECRET}&sslmode=disable",
    f"postgresql://octocat:{SECRET}@[::1/db",
    f"postgresql://octocat:{SECRET}@127.0.0.1:port/db",
    f"s3://key:half?{SECRET}@bucket/state",
    f"s3://key:half/{SECRET}@bucket/state",
    f"s3://key:half@{SECRET}@bucket/state",
    f"s3://bucket/state#{SECRET}",
    f"host=127.0.0.1 port=1 password={SECRET} dbname=db",
    f"host=127.0.0.1 PASSWORD = '{SECRET}'",
]

signs = st.text("abcXYZ019:@/?#%&=+-_.~!", min_size=4, max_size=20)


@given(st.sampled_from(("s3", "postgresql", "github", "x")), signs, st.booleans())
def test_no_place_shows_its_password(scheme: str, secret: str, is_alone: object) -> None:
    hidden = f"Q{secret}Q"
    user = hidden if is_alone else f"user:{hidden}"

    address = Address(f"{scheme}://{user}@host.example/folder")

    assert hidden not in str(address)
    assert "Q" not in str(address)
    assert hidden not in repr(address)
    assert hidden not in address.without_secrets(f"cannot use {address.text}: no {hidden} here")


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (".reconciler", ".reconciler"),
        ("s3://bucket/prefix", "s3://bucket/prefix"),
        ("github://acme/web/state?path=a/b", "github://acme/web/state?path=a/b"),
        ("postgresql://octocat@db.example/name?sslmode=require", "postgresql://db.example/name"),
    ],
)
def test_a_place_is_shown_as_far_as_it_is_public(text: str, shown: str) -> None:
    assert str(Address(text)) == shown


@pytest.mark.parametrize("address", ADDRESSES)
def test_no_error_of_a_backend_shows_a_secret(address: str, tmp_path: Path) -> None:
    told = []
    for step in (
        lambda: open_state_at(address, known()),
        lambda: open_state_at(address, known()).check_writable(),
        lambda: list(open_state_at(address, known()).of(WEB).records()),
    ):
        try:
            step()
        except ReconcilerError as error:
            told.append(f"{error} {error.hint} {error!r}")

    assert told
    assert SECRET not in " ".join(told)


@pytest.mark.parametrize("address", ADDRESSES)
@pytest.mark.parametrize("command", [["state", "init"], ["state", "doctor"], ["log", "list"]])
def test_no_command_shows_a_secret_of_the_place_of_the_state(
    command: list[str], address: str, capsys: pytest.CaptureFixture[str]
) -> None:
    code = run([*command, "--state", address])

    printed = capsys.readouterr()
    assert code != 0
    assert SECRET not in printed.out + printed.err
