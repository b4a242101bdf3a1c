"""The environment says where things are and who we are; a wrong value is explained."""

import json
from pathlib import Path

import pytest

from reconciler.errors import ExitCode, SettingsError
from reconciler.model.base import is_loopback
from reconciler.model.names import Repository
from reconciler.model.patterns import RepositoryGlob
from reconciler.settings import RegistrySettings, Settings

ENTERPRISE = {"kind": "ghcr", "api": "https://acme.example/api/v3/"}


def set_registries(monkeypatch: pytest.MonkeyPatch, **registries: object) -> None:
    """Describe registries as a user does; `_` in a name stands for a dot."""
    described = {host.replace("_", "."): value for host, value in registries.items()}
    monkeypatch.setenv("RECONCILER_REGISTRIES", json.dumps(described))


def test_an_empty_environment_gives_the_defaults(empty_home: Path) -> None:
    settings = Settings.load()

    assert settings.state == ".reconciler"
    assert settings.cache_path == empty_home / "xdg_cache_home" / "reconciler"
    assert settings.registry_for("ghcr.io") == RegistrySettings(
        kind="ghcr", api="https://api.github.com"
    )
    assert settings.token_for("ghcr.io") is None


def test_state_and_cache_are_where_the_environment_puts_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("RECONCILER_STATE", "/var/lib/reconciler")
    monkeypatch.setenv("RECONCILER_CACHE", "/var/cache/reconciler")

    settings = Settings.load()

    assert settings.state == "/var/lib/reconciler"
    assert settings.cache_path == Path("/var/cache/reconciler")


def test_a_variable_set_to_nothing_counts_as_unset(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("RECONCILER_STATE", "RECONCILER_REGISTRIES", "GITHUB_API_URL", "GITHUB_TOKEN"):
        monkeypatch.setenv(name, "")
    monkeypatch.setenv("GH_TOKEN", "second")

    settings = Settings.load()

    assert settings.state == ".reconciler"
    assert settings.registry_for("ghcr.io").api == "https://api.github.com"
    token = settings.token_for("ghcr.io")
    assert token is not None
    assert token.get_secret_value() == "second"


def test_the_api_of_ghcr_follows_the_workflow_that_runs_us(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("GITHUB_API_URL", "http://127.0.0.1:8080/")

    registry = Settings.load().registry_for("ghcr.io")

    assert registry == RegistrySettings(kind="ghcr", api="http://127.0.0.1:8080")
    assert not registry.plain_http


@pytest.mark.parametrize("host", ["localhost", "localhost:5000", "127.0.0.1:5000", "[::1]:5000"])
def test_a_registry_on_this_machine_needs_no_tls(host: str) -> None:
    assert Settings.load().registry_for(host) == RegistrySettings(kind="oci", plain_http=True)


def test_a_host_that_nobody_described_is_a_registry_with_tls() -> None:
    assert Settings.load().registry_for("registry.example.com:5000") == RegistrySettings(kind="oci")


def test_a_described_host_is_found_in_any_case(monkeypatch: pytest.MonkeyPatch) -> None:
    set_registries(monkeypatch, Containers_acme_example=ENTERPRISE)

    host = Repository("CONTAINERS.acme.example/acme/web").registry
    registry = Settings.load().registry_for(host)

    assert registry == RegistrySettings(kind="ghcr", api="https://acme.example/api/v3")


def test_the_github_token_is_for_hosts_of_github_only(monkeypatch: pytest.MonkeyPatch) -> None:
    set_registries(monkeypatch, containers_acme_example=ENTERPRISE)
    monkeypatch.setenv("GITHUB_TOKEN", "first\n")
    monkeypatch.setenv("GH_TOKEN", "second")

    settings = Settings.load()

    for host in ("ghcr.io", "GHCR.IO", "ghcr.io:443", "containers.acme.example"):
        token = settings.token_for(Repository(f"{host}/acme/web").registry)
        assert token is not None
        assert token.get_secret_value() == "first"
    for host in ("ghcr.io.evil.example", "api.github.com", "127.0.0.1:5000", "ghcr.io:80"):
        assert settings.token_for(host) is None


def test_settings_can_be_printed_without_showing_a_token(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GITHUB_TOKEN", "ghs_hidden")

    shown = f"{Settings.load()!r} {Settings.load()}"

    assert "ghs_hidden" not in shown


@pytest.mark.parametrize(
    ("registries", "message"),
    [
        (
            '{"password": "hidden"',
            "Expecting ',' delimiter: line 1 column 22 (char 21)",
        ),
        ("[1]", "Input should be a valid dictionary"),
        (
            '{"acme.example": {"kind": "docker"}}',
            "acme.example: kind: Input should be 'ghcr' or 'oci', not 'docker'",
        ),
        (
            '{"acme.example": {"kind": "ghcr"}}',
            "acme.example: kind ghcr needs 'api', and kind oci has none",
        ),
        (
            '{"acme.example": {"kind": "oci", "password": "hidden"}}',
            "acme.example: password: Extra inputs are not permitted",
        ),
        (
            '{"https://acme.example": {"kind": "oci"}}',
            "'https://acme.example' is not a host, or host:port",
        ),
        (
            '{"acme.example": {"kind": "ghcr", "api": "HTTP://acme.example"}}',
            "acme.example: 'HTTP://acme.example' is plain HTTP to another machine; write https",
        ),
    ],
)
def test_a_wrong_description_of_registries_is_explained(
    monkeypatch: pytest.MonkeyPatch, registries: str, message: str
) -> None:
    monkeypatch.setenv("RECONCILER_REGISTRIES", registries)

    with pytest.raises(SettingsError) as raised:
        Settings.load()

    assert str(raised.value) == f"RECONCILER_REGISTRIES: {message}"
    assert raised.value.hint == (
        'Write JSON such as {"containers.acme.example":'
        ' {"kind": "ghcr", "api": "https://acme.example/api/v3"}}, or unset it.'
    )
    assert raised.value.exit_code is ExitCode.BAD_POLICY


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("api.github.com", "'api.github.com' is not an http or https URL"),
        ("ftp://h", "'ftp://h' is not an http or https URL"),
        ("https://h:0", "'https://h:0' is not an http or https URL"),
        ("https://h:99999", "Port out of range 0-65535"),
        ("http://h", "'http://h' is plain HTTP to another machine; write https"),
        ("https://me:hidden@h", "the URL must not have a user, password, query or fragment"),
        ("https://h/?token=hidden", "the URL must not have a user, password, query or fragment"),
    ],
)
def test_a_wrong_api_is_explained_without_its_secrets(
    monkeypatch: pytest.MonkeyPatch, url: str, message: str
) -> None:
    monkeypatch.setenv("GITHUB_API_URL", url)

    with pytest.raises(SettingsError) as raised:
        Settings.load()

    assert str(raised.value) == f"GITHUB_API_URL: {message}"


@pytest.mark.parametrize("variable", ["GITHUB_TOKEN", "GH_TOKEN"])
def test_a_token_that_fits_in_no_header_is_named_but_not_shown(
    monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    monkeypatch.setenv(variable, "ghs_hidden\nsecond line")

    with pytest.raises(SettingsError) as raised:
        Settings.load()

    assert str(raised.value) == (
        f"{variable}: the token contains a space or a character that no token has"
    )
    assert raised.value.hint == f"Set {variable} to the token alone, on one line."
    assert raised.value.__cause__ is None


def test_two_wrong_variables_are_reported_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RECONCILER_REGISTRIES", "[]")
    monkeypatch.setenv("GITHUB_API_URL", "ftp://h")

    with pytest.raises(SettingsError) as raised:
        Settings.load()

    assert str(raised.value) == (
        "RECONCILER_REGISTRIES: Input should be a valid dictionary;"
        " GITHUB_API_URL: 'ftp://h' is not an http or https URL"
    )


@pytest.mark.parametrize("host", ["localhost.evil.example", "128.0.0.1", "[::2]:80", "[bad", ""])
def test_other_hosts_are_not_taken_for_this_machine(host: str) -> None:
    assert not is_loopback(host)


def test_a_workflow_says_which_commit_and_which_run_of_which_repository_it_is(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("GITHUB_SHA", "f00dcafe")
    monkeypatch.setenv("GITHUB_RUN_ID", "77")
    monkeypatch.setenv("GITHUB_REPOSITORY", "acme/" + "x" * 900)

    told = Settings.load().provenance

    assert told == {
        "commit": "f00dcafe",
        "workflow_run": "77",
        "workflow_repository": "acme/" + "x" * 195,
    }


def test_outside_of_a_workflow_nothing_is_said_of_one() -> None:
    assert Settings.load().provenance == {}


@pytest.mark.parametrize(
    "registries",
    [
        {"ghcr.io": ENTERPRISE, "GHCR.io": ENTERPRISE},
        {"localhost:5000": {"kind": "oci"}, "127.0.0.1:5000": {"kind": "oci"}},
        {"registry.example": {"kind": "oci"}, "registry.example:443": {"kind": "oci"}},
    ],
)
def test_a_host_that_is_described_twice_is_refused(
    monkeypatch: pytest.MonkeyPatch, registries: dict[str, object]
) -> None:
    monkeypatch.setenv("RECONCILER_REGISTRIES", json.dumps(registries))

    with pytest.raises(SettingsError, match="are the same host; write it once"):
        Settings.load()


@pytest.mark.parametrize(
    ("registries", "host"),
    [
        ({"registry.example": True, "registry.example:80": True}, "registry.example:80"),
        ({"localhost": False, "localhost:443": False}, "127.0.0.1:443"),
    ],
)
def test_a_port_that_goes_without_saying_by_the_settings_is_refused(
    monkeypatch: pytest.MonkeyPatch, registries: dict[str, bool], host: str
) -> None:
    told = {name: {"kind": "oci", "plain_http": plain} for name, plain in registries.items()}
    monkeypatch.setenv("RECONCILER_REGISTRIES", json.dumps(told))

    with pytest.raises(SettingsError, match=f"{host} is .*, whose port is"):
        Settings.load().registry_for(host)


@pytest.mark.parametrize(
    ("registries", "pattern", "is_refused"),
    [
        ({"registry.example": True}, "registry.example:443/*", True),
        ({"registry.example": True}, "registry.example/*", False),
        ({"registry.example": True}, "registry.example:80/*", False),
        ({"localhost": False}, "localhost:80/*", True),
        ({}, "registry.example:443/*", False),
        ({}, "LOCALHOST:080/*", False),
    ],
)
def test_a_port_that_no_registry_is_on_is_refused(
    monkeypatch: pytest.MonkeyPatch, registries: dict[str, bool], pattern: str, is_refused: object
) -> None:
    told = {name: {"kind": "oci", "plain_http": plain} for name, plain in registries.items()}
    monkeypatch.setenv("RECONCILER_REGISTRIES", json.dumps(told))
    settings = Settings.load()

    if not is_refused:
        settings.check_port(RepositoryGlob(pattern))
        return
    with pytest.raises(SettingsError, match="without the port|so it cannot also be on port"):
        settings.check_port(RepositoryGlob(pattern))


def test_a_host_may_have_a_token_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    described = {"kind": "ghcr", "api": "https://h.example/api", "token_variable": "H_TOKEN"}
    monkeypatch.setenv("RECONCILER_REGISTRIES", json.dumps({"h.example": described}))
    monkeypatch.setenv("GITHUB_TOKEN", "ghp_github")

    assert Settings.load().token_for("h.example") is None
    monkeypatch.setenv("H_TOKEN", "ghp_own\n")
    settings = Settings.load()
    own, github = settings.token_for("h.example"), settings.token_for("ghcr.io")
    assert own
    assert github
    assert (own.get_secret_value(), github.get_secret_value()) == ("ghp_own", "ghp_github")
    monkeypatch.setenv("H_TOKEN", "two words")
    with pytest.raises(SettingsError, match="H_TOKEN: the token contains a space"):
        Settings.load().token_for("h.example")
