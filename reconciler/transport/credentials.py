"""Find registry credentials in the files of docker and podman, and with credential helpers.

Source: docker/cli, cli/config/configfile; containers/image, docs/containers-auth.json.5.md;
docker/docker-credential-helpers, README.md, "Development".
"""

import base64
import json
import os
import re
import subprocess
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock
from typing import Any, TypeAlias

from reconciler.errors import SettingsError
from reconciler.model.base import HUB, LOOPBACK, canonical_host, safe

MAX_FILE_BYTES = 4 * 1024 * 1024
"""Largest file read, in bytes: far more than a user's registries need."""

_HUB_SERVER = "https://index.docker.io/v1/"
"""The name under which docker keeps the credentials of Docker Hub."""

_URL = re.compile(r"https?://(.*?)(?:/v[12])?/*", re.DOTALL)
_FILE_HINT = "Log in again with `docker login`, or correct the file."

SECONDS = 60.0
"""Longest wait for a helper, in seconds; it may prompt the user."""

_WITHHELD = ("GITHUB_TOKEN", "GH_TOKEN", "GITHUB_ENTERPRISE_TOKEN", "GH_ENTERPRISE_TOKEN")
_WITHHELD_PREFIXES = ("RECONCILER_", "INPUT_", "ACTIONS_", "PG")
"""Credentials of this program and of the workflow, which a helper does not get: it is used for
other registries than GitHub's. It may need those of its own provider (AWS_SECRET_ACCESS_KEY)."""

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_MISSING_TEXT = "credentials not found"
_IDENTITY_TOKEN = "<token>"  # noqa: S105 - the user name that marks an identity token
_HELPER_HINT = "Log in again with `docker login`, or correct or remove its entry in the file."


@dataclass(frozen=True, slots=True)
class Credential:
    """A user name and password, or an identity token; the empty one is anonymous.

    Shape: `source` describes where it was found. Nothing else is ever displayed, not even the
        name, since some registries use the token as user name.
    """

    username: str = field(default="", repr=False)
    password: str = field(default="", repr=False)
    identity_token: str = field(default="", repr=False)
    source: str = "no credentials"

    @property
    def is_anonymous(self) -> bool:
        """Whether it is empty."""
        return not (self.username or self.password or self.identity_token)


ANONYMOUS = Credential()

Credentials: TypeAlias = Callable[[str], Credential]
"""Returns the credential for a repository path in one registry; empty path for the catalogue."""


def anonymous(_: str) -> Credential:
    """Return no credential for any repository."""
    return ANONYMOUS


@dataclass(frozen=True, slots=True)
class Helper:
    """One query to a helper. Shape: `file` configures the helper, `server` is the query."""

    name: str
    server: str
    file: Path

    def ask(self) -> Credential | None:
        """Run the helper; None if it has no credential for the server.

        Raises: SettingsError, with the helper and the file, but never with the helper's output,
            which may be a secret.
        """
        done = self._run()
        if done.returncode != 0:
            if _MISSING_TEXT in done.stdout:
                return None
            raise self._error(f"failed with status {done.returncode}")
        try:
            document = json.loads(done.stdout)
            username, secret = str(document["Username"]), str(document["Secret"])
        except (ValueError, RecursionError, LookupError, TypeError):
            raise self._error("returned an invalid credential") from None
        return self._credential(username, secret)

    def _run(self) -> "subprocess.CompletedProcess[str]":
        # The name becomes part of a program's: with a slash it could be any file.
        if not _NAME.fullmatch(self.name):
            raise self._error("is not a valid name of a helper")
        try:
            return subprocess.run(  # noqa: S603 - docker's own protocol; the user's file names it
                [f"docker-credential-{self.name}", "get"],
                input=self.server,
                capture_output=True,
                check=False,
                text=True,
                timeout=SECONDS,
                env={
                    name: value
                    for name, value in os.environ.items()
                    if name not in _WITHHELD and not name.startswith(_WITHHELD_PREFIXES)
                },
            )
        # `from None`: the cause could quote what the helper printed, which may be a secret.
        except FileNotFoundError:
            raise self._error("is not installed") from None
        except (OSError, ValueError) as error:
            raise self._error(f"cannot be run ({type(error).__name__})") from None
        except subprocess.TimeoutExpired:
            raise self._error(f"did not answer within {SECONDS:.0f} seconds") from None

    def _credential(self, username: str, secret: str) -> Credential:
        source = f"the credential helper {self.name} of {self.file} for {safe(self.server)}"
        if username == _IDENTITY_TOKEN:
            return Credential(identity_token=secret, source=source)
        return Credential(username, secret, source=source)

    def _error(self, what: str) -> SettingsError:
        program = safe(f"docker-credential-{self.name}"[:80])
        return SettingsError(
            f"{self.file}: {program}, queried for {safe(self.server)}, {what}", hint=_HELPER_HINT
        )


def credential_paths(environment: Mapping[str, str], home: Path) -> tuple[Path, ...]:
    """Return the files to search for credentials, docker's own first."""
    docker = environment.get("DOCKER_CONFIG")
    paths = [(Path(docker) if docker else home / ".docker") / "config.json"]
    if runtime := environment.get("XDG_RUNTIME_DIR"):
        paths.append(Path(runtime) / "containers" / "auth.json")
    return tuple(paths)


@dataclass(frozen=True, slots=True)
class ConfigFile:
    """One file of credentials. Shape: its entries are not parsed yet."""

    path: Path
    auths: Mapping[str, Any] = field(repr=False)
    helpers: Mapping[str, Any]
    store: str

    @classmethod
    def read(cls, path: Path) -> "ConfigFile":
        """Read a file; a missing or empty one has no credentials.

        Raises: SettingsError, with the path of the file, but never with its content.
        """
        document = _json(path)
        auths, helpers = document.get("auths") or {}, document.get("credHelpers") or {}
        store = document.get("credsStore") or ""
        if not (isinstance(auths, dict) and isinstance(helpers, dict) and isinstance(store, str)):
            raise SettingsError(f"{path} is not a file of docker's credentials", hint=_FILE_HINT)
        return cls(path, auths, helpers, store)

    def offers(self, host: str, repository: str) -> Iterator[Credential | Helper]:
        """Yield the possible credentials of a repository, the most specific first."""
        # An entry may name the repository, one of its parents, or the registry.
        parts = [host, *filter(None, repository.split("/"))]
        for length in range(len(parts), 0, -1):
            name = "/".join(parts[:length])
            for key, helper in self.helpers.items():
                if _normal(key) == name:
                    yield Helper(str(helper), key, self.path)
            for key, entry in self.auths.items():
                if _normal(key) == name:
                    yield self._credential(key, entry)
        if self.store:
            yield Helper(self.store, _HUB_SERVER if host == HUB else host, self.path)
            # Users may have logged in under either name of this machine.
            name, colon, port = host.partition(":")
            if name == LOOPBACK:
                yield Helper(self.store, f"localhost{colon}{port}", self.path)

    def _credential(self, key: str, entry: Any) -> Credential:
        source = f"the entry {safe(key)} of {self.path}"
        try:
            username, password = _user(entry)
            identity = str(entry.get("identitytoken") or "")
        except (AttributeError, TypeError, ValueError):
            raise SettingsError(f"{source} cannot be read", hint=_FILE_HINT) from None
        return Credential(username, password, identity, source)


@dataclass
class RegistryCredentials:
    """Finds the credentials for the repositories of one registry; runs each helper once."""

    host: str
    files: Sequence[ConfigFile]
    _lock: Lock = field(default_factory=Lock, repr=False)
    _answers: dict[Helper, Credential | None] = field(default_factory=dict, repr=False)

    def __call__(self, repository: str) -> Credential:
        """Return the credential of a repository, the anonymous one if there is none.

        Raises: SettingsError, when a helper fails or an entry cannot be read.
        """
        with self._lock:
            for file in self.files:
                for offer in file.offers(self.host, repository):
                    if isinstance(offer, Helper) and offer not in self._answers:
                        self._answers[offer] = offer.ask()
                    credential = self._answers[offer] if isinstance(offer, Helper) else offer
                    if credential and not credential.is_anonymous:
                        return credential
        return ANONYMOUS


def _json(path: Path) -> Mapping[str, Any]:
    try:
        # A file that is longer is cut off, and then it is not JSON: an error.
        with path.open("rb") as stream:
            document = json.loads(stream.read(MAX_FILE_BYTES).strip() or b"{}")
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except OSError as error:
        raise SettingsError(f"{path} cannot be read: {error.strerror}") from error
    except (ValueError, RecursionError):
        raise SettingsError(f"{path} is not JSON", hint=_FILE_HINT) from None
    if not isinstance(document, dict):
        raise SettingsError(f"{path} is not a file of docker's credentials", hint=_FILE_HINT)
    return document


def _user(entry: Mapping[str, Any]) -> tuple[str, str]:
    """Read a user and password, encoded together or as separate members.

    Raises: ValueError, when the encoded text is not a user and password.
    """
    encoded = entry.get("auth")
    if not encoded:
        return str(entry.get("username") or ""), str(entry.get("password") or "")
    username, colon, password = base64.b64decode(encoded, validate=True).decode().partition(":")
    if not (username and colon):
        raise ValueError("no user and password")
    # As docker's own decoding does.
    return username, password.strip("\0")


def _normal(key: str) -> str:
    """Return the name that a key stands for: old versions of docker wrote URLs of the v1 API."""
    url = _URL.fullmatch(key)
    host, slash, path = (url[1] if url else key.rstrip("/")).partition("/")
    try:
        return f"{canonical_host(host)}{slash}{path}"
    except ValueError:
        return f"{host.lower()}{slash}{path}"
