"""Credentials from docker's `config.json` and podman's `auth.json`.

Source: docker/cli, cli/config/configfile; containers/image, docs/containers-auth.json.5.md.
"""

import base64
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock
from typing import Any

from reconciler.errors import SettingsError
from reconciler.model.display import safe
from reconciler.model.hosts import HUB, LOOPBACK, canonical_host
from reconciler.transport.credential_helper import Helper
from reconciler.transport.credentials import ANONYMOUS, Credential

MAX_FILE_BYTES = 4 * 1024 * 1024
"""Largest file read, in bytes."""

_HUB_SERVER = "https://index.docker.io/v1/"
"""The name under which docker keeps the credentials of Docker Hub."""

_URL = re.compile(r"https?://(.*?)(?:/v[12])?/*", re.DOTALL)
_HINT = "Log in again with `docker login`, or correct the file."


def credential_paths(environment: Mapping[str, str], home: Path) -> tuple[Path, ...]:
    """Name the files that credentials are looked for in, docker's own first."""
    docker = environment.get("DOCKER_CONFIG")
    paths = [(Path(docker) if docker else home / ".docker") / "config.json"]
    if runtime := environment.get("XDG_RUNTIME_DIR"):
        paths.append(Path(runtime) / "containers" / "auth.json")
    return tuple(paths)


@dataclass(frozen=True, slots=True)
class ConfigFile:
    """One file of credentials. Shape: nothing in it was looked at yet but its outline."""

    path: Path
    auths: Mapping[str, Any] = field(repr=False)
    helpers: Mapping[str, Any]
    store: str

    @classmethod
    def read(cls, path: Path) -> "ConfigFile":
        """Read a file; one that is not there, or empty, holds nothing.

        Raises: SettingsError, naming the file and never its content.
        """
        document = _json(path)
        auths, helpers = document.get("auths") or {}, document.get("credHelpers") or {}
        store = document.get("credsStore") or ""
        if not (isinstance(auths, dict) and isinstance(helpers, dict) and isinstance(store, str)):
            raise SettingsError(f"{path} is not a file of docker's credentials", hint=_HINT)
        return cls(path, auths, helpers, store)

    def offers(self, host: str, repository: str) -> Iterator[Credential | Helper]:
        """Yield what may be the credential of a repository, the most specific first."""
        for name in _names(host, repository):
            for key, helper in self.helpers.items():
                if _normal(key) == name:
                    yield Helper(str(helper), key, self.path)
            for key, entry in self.auths.items():
                if _normal(key) == name:
                    yield self._credential(key, entry)
        if self.store:
            for server in _servers(host):
                yield Helper(self.store, server, self.path)

    def _credential(self, key: str, entry: Any) -> Credential:
        source = f"the entry {safe(key)} of {self.path}"
        try:
            username, password = _user(entry)
            identity = str(entry.get("identitytoken") or "")
        except (AttributeError, TypeError, ValueError):
            raise SettingsError(f"{source} cannot be read", hint=_HINT) from None
        return Credential(username, password, identity, source)


@dataclass
class RegistryCredentials:
    """Finds the credentials for the repositories of one registry; asks each helper once."""

    host: str
    files: Sequence[ConfigFile]
    _lock: Lock = field(default_factory=Lock, repr=False)
    _answers: dict[Helper, Credential | None] = field(default_factory=dict, repr=False)

    def __call__(self, repository: str) -> Credential:
        """Return the credential of a repository, the anonymous one where there is none.

        Raises: SettingsError, when a helper fails or an entry cannot be read.
        """
        with self._lock:
            for file in self.files:
                for offer in file.offers(self.host, repository):
                    found = self._ask(offer) if isinstance(offer, Helper) else offer
                    if found and not found.is_anonymous:
                        return found
        return ANONYMOUS

    def _ask(self, helper: Helper) -> Credential | None:
        if helper not in self._answers:
            self._answers[helper] = helper.ask()
        return self._answers[helper]


def _json(path: Path) -> Mapping[str, Any]:
    try:
        with path.open("rb") as stream:
            document = json.loads(stream.read(MAX_FILE_BYTES).strip() or b"{}")
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except OSError as error:
        raise SettingsError(f"{path} cannot be read: {error.strerror}") from error
    except (ValueError, RecursionError):
        raise SettingsError(f"{path} is not JSON", hint=_HINT) from None
    if not isinstance(document, dict):
        raise SettingsError(f"{path} is not a file of docker's credentials", hint=_HINT)
    return document


def _user(entry: Mapping[str, Any]) -> tuple[str, str]:
    """Read a user and password, encoded together or written apart.

    Raises: ValueError, when what is encoded is no user and password.
    """
    encoded = entry.get("auth")
    if not encoded:
        return str(entry.get("username") or ""), str(entry.get("password") or "")
    username, colon, password = base64.b64decode(encoded, validate=True).decode().partition(":")
    if not (username and colon):
        raise ValueError("no user and password")
    return username, password.strip("\0")


def _servers(host: str) -> Iterator[str]:
    """Yield the names under which a store of docker's may keep the credentials of a registry."""
    yield _HUB_SERVER if host == HUB else host
    name, colon, port = host.partition(":")
    if name == LOOPBACK:
        yield f"localhost{colon}{port}"


def _names(host: str, repository: str) -> Iterator[str]:
    """Yield the names a credential may have: the repository, what it lies in, the registry."""
    parts = [host, *filter(None, repository.split("/"))]
    for length in range(len(parts), 0, -1):
        yield "/".join(parts[:length])


def _normal(key: str) -> str:
    """Return the name that a key stands for: old docker wrote whole URLs of its first API."""
    url = _URL.fullmatch(key)
    host, slash, path = (url[1] if url else key.rstrip("/")).partition("/")
    try:
        return f"{canonical_host(host)}{slash}{path}"
    except ValueError:
        return f"{host.lower()}{slash}{path}"
