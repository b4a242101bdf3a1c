"""Docker's credential helpers: asked as docker asks them, and quoted by nobody."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from reconciler.errors import SettingsError
from reconciler.transport import credentials as credential_helper
from reconciler.transport.credentials import ConfigFile, RegistryCredentials

Install = Callable[[str, str], None]
Known = Callable[[dict[str, object]], RegistryCredentials]

PRINTS = """echo '{"ServerURL": "x", "Username": "robot", "Secret": "s3cret"}'"""


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Install:
    """Install a helper as a small shell script."""
    monkeypatch.setenv("PATH", str(tmp_path / "bin"), prepend=":")
    (tmp_path / "bin").mkdir()

    def write(name: str, script: str) -> None:
        path = tmp_path / "bin" / f"docker-credential-{name}"
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(0o755)

    return write


@pytest.fixture
def known(tmp_path: Path) -> Known:
    """Write docker's file."""

    def write(document: dict[str, object]) -> RegistryCredentials:
        path = tmp_path / "config.json"
        path.write_text(json.dumps(document))
        return RegistryCredentials("registry.example", [ConfigFile.read(path)])

    return write


@pytest.mark.parametrize(
    "document", [{"credHelpers": {"registry.example": "vault"}}, {"credsStore": "vault"}]
)
def test_a_helper_tells_a_password(
    install: Install, known: Known, document: dict[str, object], tmp_path: Path
) -> None:
    install("vault", PRINTS)

    found = known(document)("acme/web")

    assert (found.username, found.password) == ("robot", "s3cret")
    assert found.source == (
        f"the credential helper vault of {tmp_path}/config.json for registry.example"
    )


def test_a_helper_is_asked_on_its_input_and_once(
    install: Install, known: Known, tmp_path: Path
) -> None:
    install("vault", f'echo "$*:$(cat)" >> {tmp_path}/asked\n{PRINTS}')
    credentials = known({"credsStore": "vault"})

    for repository in ("acme/web", "acme/api", ""):
        credentials(repository)

    assert (tmp_path / "asked").read_text() == "get:registry.example\n"


def test_docker_hub_is_asked_for_by_the_name_that_docker_gives_it(
    install: Install, tmp_path: Path
) -> None:
    install("vault", f"cat > {tmp_path}/asked\n{PRINTS}")
    (tmp_path / "config.json").write_text('{"credsStore": "vault"}')

    RegistryCredentials("docker.io", [ConfigFile.read(tmp_path / "config.json")])("library/web")

    assert (tmp_path / "asked").read_text() == "https://index.docker.io/v1/"


def test_a_helper_may_tell_an_identity_token(install: Install, known: Known) -> None:
    install("vault", """echo '{"Username": "<token>", "Secret": "r3fresh"}'""")

    found = known({"credsStore": "vault"})("acme/web")

    assert (found.username, found.password, found.identity_token) == ("", "", "r3fresh")


def test_a_helper_for_one_registry_goes_before_the_store(install: Install, known: Known) -> None:
    install("own", """echo '{"Username": "own", "Secret": "x"}'""")
    install("store", """echo '{"Username": "store", "Secret": "x"}'""")

    found = known({"credHelpers": {"registry.example": "own"}, "credsStore": "store"})("web")

    assert found.username == "own"


def test_a_helper_that_knows_nothing_leaves_us_anonymous(install: Install, known: Known) -> None:
    install("vault", "echo 'credentials not found in native keychain'; exit 1")

    assert known({"credsStore": "vault"})("acme/web").is_anonymous


@pytest.mark.parametrize(
    ("script", "what"),
    [
        ("echo s3cret; echo s3cret >&2; exit 3", "failed with status 3"),
        ("echo s3cret", "returned an invalid credential"),
        ("""echo '{"Secret": "s3cret"}'""", "returned an invalid credential"),
        ("""echo '["s3cret"]'""", "returned an invalid credential"),
        ("printf '\\377\\376'", "cannot be run (UnicodeDecodeError)"),
    ],
)
def test_a_helper_that_fails_is_an_error_that_shows_nothing_of_what_it_said(
    install: Install, known: Known, tmp_path: Path, script: str, what: str
) -> None:
    install("vault", script)

    with pytest.raises(SettingsError) as raised:
        known({"credsStore": "vault"})("acme/web")

    assert str(raised.value) == (
        f"{tmp_path}/config.json: docker-credential-vault, queried for registry.example, {what}"
    )
    assert raised.value.__cause__ is None


@pytest.mark.parametrize(
    ("name", "what"),
    [
        ("nowhere", "is not installed"),
        ("../../evil", "is not a valid name of a helper"),
        ("a b", "is not a valid name of a helper"),
    ],
)
def test_a_helper_that_cannot_be_run_is_an_error(
    install: Install, known: Known, name: str, what: str
) -> None:
    with pytest.raises(SettingsError, match=what):
        known({"credsStore": name})("acme/web")


def test_a_helper_that_does_not_answer_is_given_up(
    install: Install, known: Known, monkeypatch: pytest.MonkeyPatch
) -> None:
    install("vault", "exec sleep 60")
    monkeypatch.setattr(credential_helper, "SECONDS", 0.05)

    with pytest.raises(SettingsError, match="did not answer within 0 seconds"):
        known({"credsStore": "vault"})("acme/web")


def test_a_helper_finds_its_providers_variables_and_no_token_of_ours(
    install: Install, known: Known, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = tmp_path / "seen"
    install("vault", f"env > '{seen}'\n{PRINTS}")
    ours = ("GITHUB_TOKEN", "GH_TOKEN", "RECONCILER_STATE", "ACTIONS_RUNTIME_TOKEN", "PGPASSWORD")
    for name in ours:
        monkeypatch.setenv(name, "hidden")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "its own")

    known({"credsStore": "vault"})("acme/web")

    assert "hidden" not in seen.read_text()
    assert "AWS_SECRET_ACCESS_KEY=its own" in seen.read_text()
