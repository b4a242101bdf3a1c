"""Credentials where docker and podman keep them."""

import base64
import json
from pathlib import Path
from typing import Any

import pytest

from reconciler.errors import SettingsError
from reconciler.transport.credentials import ConfigFile, RegistryCredentials, credential_paths


def entry(user: str, word: str = "s3cret") -> dict[str, str]:
    """Encode a user and password as docker does."""
    return {"auth": base64.b64encode(f"{user}:{word}".encode()).decode()}


def find(tmp_path: Path, document: Any, host: str, repository: str = "acme/web") -> Any:
    """Find the credential of a repository in one file."""
    path = tmp_path / "config.json"
    path.write_text(document if isinstance(document, str) else json.dumps(document))
    return RegistryCredentials(host, [ConfigFile.read(path)])(repository)


def test_a_password_is_read_and_its_place_is_told(tmp_path: Path) -> None:
    found = find(tmp_path, {"auths": {"registry.example": entry("robot")}}, "registry.example")

    assert (found.username, found.password) == ("robot", "s3cret")
    assert found.source == f"the entry registry.example of {tmp_path}/config.json"


@pytest.mark.parametrize(
    ("key", "host"),
    [
        ("registry.example", "registry.example"),
        ("https://registry.example", "registry.example"),
        ("https://registry.example/", "registry.example"),
        ("https://registry.example/v2/", "registry.example"),
        ("http://localhost:5000/v1/", "127.0.0.1:5000"),
        ("Registry.Example", "registry.example"),
        ("https://index.docker.io/v1/", "docker.io"),
        ("registry-1.docker.io", "docker.io"),
        ("index.docker.io:443", "docker.io"),
        ("registry.example/acme", "registry.example"),
        ("registry.example/acme/web", "registry.example"),
    ],
)
def test_a_registry_is_known_by_many_names(tmp_path: Path, key: str, host: str) -> None:
    found = find(tmp_path, {"auths": {key: entry("robot")}}, host)

    assert found.username == "robot"


@pytest.mark.parametrize(
    "key",
    [
        "registry.example:5000",
        "example",
        "registry.example.evil.example",
        "registry.example/ac",
        "registry.example/acme/web/ui",
        "registry.example/other",
    ],
)
def test_a_credential_of_something_else_is_not_taken(tmp_path: Path, key: str) -> None:
    found = find(tmp_path, {"auths": {key: entry("robot")}}, "registry.example")

    assert found.is_anonymous


def test_the_longest_name_wins(tmp_path: Path) -> None:
    auths = {
        "registry.example": entry("everybody"),
        "registry.example/acme/web": entry("web"),
        "registry.example/acme": entry("acme"),
    }

    users = [
        find(tmp_path, {"auths": auths}, "registry.example", repository).username
        for repository in ("acme/web", "acme/web/ui", "acme/api", "other/web", "")
    ]

    assert users == ["web", "web", "acme", "everybody", "everybody"]


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        ({"username": "robot", "password": "s3cret"}, ("robot", "s3cret", "")),
        (entry("robot", "with:colon"), ("robot", "with:colon", "")),
        (entry("robot", "padded\0\0"), ("robot", "padded", "")),
        ({"identitytoken": "r3fresh"}, ("", "", "r3fresh")),
        ({**entry("00000000", ""), "identitytoken": "r3fresh"}, ("00000000", "", "r3fresh")),
        ({}, ("", "", "")),
        ({"auth": ""}, ("", "", "")),
    ],
)
def test_an_entry_may_be_written_in_several_ways(
    tmp_path: Path, document: dict[str, str], expected: tuple[str, str, str]
) -> None:
    found = find(tmp_path, {"auths": {"registry.example": document}}, "registry.example")

    assert (found.username, found.password, found.identity_token) == expected


@pytest.mark.parametrize(
    "document",
    [
        {"auth": "s3cret"},
        {"auth": base64.b64encode(b"s3cret").decode()},
        {"auth": base64.b64encode(b"\xff\xfes3cret:x").decode()},
        {"auth": 7},
        "s3cret",
        ["s3cret"],
    ],
)
def test_an_entry_that_cannot_be_read_is_named_and_not_shown(tmp_path: Path, document: Any) -> None:
    with pytest.raises(SettingsError) as raised:
        find(tmp_path, {"auths": {"registry.example": document}}, "registry.example")

    assert str(raised.value) == (
        f"the entry registry.example of {tmp_path}/config.json cannot be read"
    )
    assert "docker login" in raised.value.hint


@pytest.mark.parametrize(
    "text", ['{"auths": "s3cret', "s3cret", "[]", '{"auths": ["s3cret"]}', '{"credsStore": 7}']
)
def test_a_file_that_cannot_be_read_is_named_and_not_shown(tmp_path: Path, text: str) -> None:
    with pytest.raises(SettingsError) as raised:
        find(tmp_path, text, "registry.example")

    assert str(tmp_path / "config.json") in str(raised.value)
    assert "s3cret" not in str(raised.value)


def test_a_file_that_may_not_be_read_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=f"^{tmp_path} cannot be read: Is a directory"):
        ConfigFile.read(tmp_path)


@pytest.mark.parametrize("text", ["", " \n", "{}", '{"auths": null, "HttpHeaders": {}}'])
def test_a_file_without_credentials_holds_none(tmp_path: Path, text: str) -> None:
    assert find(tmp_path, text, "registry.example").is_anonymous


def test_a_file_that_is_not_there_holds_none(tmp_path: Path) -> None:
    missing = ConfigFile.read(tmp_path / "nowhere" / "config.json")

    assert RegistryCredentials("registry.example", [missing])("acme/web").is_anonymous


def test_the_second_file_is_asked_where_the_first_knows_nothing(tmp_path: Path) -> None:
    docker, podman = tmp_path / "config.json", tmp_path / "auth.json"
    docker.write_text(json.dumps({"auths": {"a.example": entry("docker"), "b.example": {}}}))
    podman.write_text(
        json.dumps({"auths": {host: entry("podman") for host in ("a.example", "b.example")}})
    )
    files = [ConfigFile.read(docker), ConfigFile.read(podman)]

    users = [
        RegistryCredentials(host, files)("web").username for host in ("a.example", "b.example")
    ]

    assert users == ["docker", "podman"]


def test_files_are_looked_for_where_docker_and_podman_put_them() -> None:
    home = Path("/home/robot")

    plain = credential_paths({}, home)
    moved = credential_paths({"DOCKER_CONFIG": "/secrets", "XDG_RUNTIME_DIR": "/run/user/7"}, home)

    assert plain == (Path("/home/robot/.docker/config.json"),)
    assert moved == (
        Path("/secrets/config.json"),
        Path("/run/user/7/containers/auth.json"),
    )


def test_what_a_file_holds_is_not_in_its_text(tmp_path: Path) -> None:
    path = tmp_path / "config.json"
    path.write_text(json.dumps({"auths": {"registry.example": {"password": "s3cret"}}}))

    assert "s3cret" not in repr(RegistryCredentials("registry.example", [ConfigFile.read(path)]))
