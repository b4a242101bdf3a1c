"""Recordings hold no secret, say where they come from, and can be made anew by one command."""

import re
from pathlib import Path

import pytest

from tests.cassette.record import record_sandbox
from tests.cassette.taped import calls
from tests.cassette.tapes import FOLDER, MAX_BYTES, Origin

TAPES = sorted(FOLDER.glob("*.yaml"))
SECRETS = re.compile(
    r"""gh[a-z]_[A-Za-z0-9]          # tokens of GitHub
    | github_pat_
    | \bBearer\s+(?!realm=)\S        # but not a challenge, which only names the scheme
    | \bBasic\s+(?!realm=)\S
    | ^\s*-?\s*(?:authorization|proxy-authorization|cookie|set-cookie)\s*:
    | eyJ[A-Za-z0-9_-]{10,}          # a JSON web token
    """,
    re.IGNORECASE | re.MULTILINE | re.VERBOSE,
)


@pytest.fixture(params=TAPES, ids=lambda tape: tape.name)
def tape(request: pytest.FixtureRequest) -> Path:
    """Take each recording in turn."""
    path: Path = request.param
    return path


def test_no_recording_holds_a_credential(tape: Path) -> None:
    assert SECRETS.search(tape.read_text()) is None


def test_tokens_that_servers_gave_are_taken_out(tape: Path) -> None:
    given = [call.json for call in calls(tape) if call.path.endswith("/token")]

    assert all(answer == {"token": "recorded"} for answer in given)


@pytest.mark.parametrize(
    "secret",
    [
        "authorization:\n      - Bearer abc",
        "Authorization: Basic dG9rZW46Z2hw",
        "set-cookie:\n      - session=1",
        "string: ghp_0123456789abcdef",
        "string: ghs_0123456789abcdef",
        "string: github_pat_11AAAA",
        '{"token":"eyJhbGciOiJSUzI1NiIsInR5cCI6IkpXVCJ9.e30.x"}',
        "bearer QUJDREVGRw==",
    ],
)
def test_the_search_finds_what_it_is_for(secret: str) -> None:
    assert SECRETS.search(f"    {secret}\n")


def test_a_challenge_is_no_credential() -> None:
    assert not SECRETS.search('- Bearer realm="https://ghcr.io/token",service="ghcr.io"')


def test_every_recording_says_what_it_was_made_against(tape: Path) -> None:
    origin = Origin.of(tape)

    readme = (FOLDER / "README.md").read_text()
    assert f"`{tape.name}`" in readme
    assert origin.against in readme or origin.against == "GitHub"
    assert ("sandbox" in tape.name) == ("sandbox" in origin.against)


def test_every_recording_is_small_and_names_no_machine(tape: Path) -> None:
    assert tape.stat().st_size <= MAX_BYTES
    assert "127.0.0.1" not in tape.read_text()


def test_recording_anew_keeps_no_token_and_no_address(tmp_path: Path) -> None:
    fresh = record_sandbox(tmp_path)

    text = fresh.read_text()
    assert SECRETS.search(text) is None
    assert "127.0.0.1" not in text
    assert [(call.method, call.path) for call in calls(fresh)][:2] == [
        ("GET", "/users/acme"),
        ("GET", "/orgs/acme/packages/container/web"),
    ]
