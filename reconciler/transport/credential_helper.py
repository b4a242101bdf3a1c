"""Docker's credential helpers: programs that keep credentials and tell them on request.

Source: docker/docker-credential-helpers, README.md, "Development".
"""

import json
import os
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

from reconciler.errors import SettingsError
from reconciler.model.display import safe
from reconciler.transport.credentials import Credential

SECONDS = 60.0
"""Longest wait for a helper, in seconds; it may be asking a person."""

_WITHHELD = ("GITHUB_TOKEN", "GH_TOKEN", "GITHUB_ENTERPRISE_TOKEN", "GH_ENTERPRISE_TOKEN")
_WITHHELD_PREFIXES = ("RECONCILER_", "INPUT_", "ACTIONS_", "PG")
"""Credentials that are ours or the workflow's. A helper is asked about other registries than
GitHub's; those of its own provider, as AWS_SECRET_ACCESS_KEY is, it may need."""

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_NOT_FOUND = "credentials not found"
_IDENTITY_TOKEN = "<token>"  # noqa: S105 - the user name that says so
_HINT = "Log in again with `docker login`, or correct or remove its entry in the file."


@dataclass(frozen=True, slots=True)
class Helper:
    """One question to a helper. Shape: `file` is where it is named, `server` what it is asked."""

    name: str
    server: str
    file: Path

    def ask(self) -> Credential | None:
        """Run the helper; None when it has no credential for the server.

        Raises: SettingsError, naming the helper and the file; never what the helper said, which
            may be a secret.
        """
        done = self._run()
        if done.returncode != 0:
            if _NOT_FOUND in done.stdout:
                return None
            raise self._error(f"failed with status {done.returncode}")
        try:
            document = json.loads(done.stdout)
            username, secret = str(document["Username"]), str(document["Secret"])
        except (ValueError, RecursionError, LookupError, TypeError):
            raise self._error("gave no credential that can be read") from None
        return self._credential(username, secret)

    def _run(self) -> "subprocess.CompletedProcess[str]":
        if not _NAME.fullmatch(self.name):
            raise self._error("is not the name of a helper")
        try:
            return subprocess.run(  # noqa: S603 - docker's own protocol; the user's file names it
                [f"docker-credential-{self.name}", "get"],
                input=self.server,
                capture_output=True,
                check=False,
                text=True,
                timeout=SECONDS,
                env=_environment(),
            )
        except FileNotFoundError:
            raise self._error("is not installed") from None
        except (OSError, ValueError) as error:
            raise self._error(f"cannot be run ({type(error).__name__})") from None
        except subprocess.TimeoutExpired:
            raise self._error(f"gave no answer within {SECONDS:.0f} seconds") from None

    def _credential(self, username: str, secret: str) -> Credential:
        source = f"the credential helper {self.name} of {self.file} for {safe(self.server)}"
        if username == _IDENTITY_TOKEN:
            return Credential(identity_token=secret, source=source)
        return Credential(username, secret, source=source)

    def _error(self, what: str) -> SettingsError:
        program = safe(f"docker-credential-{self.name}"[:80])
        return SettingsError(
            f"{self.file}: {program}, asked for {safe(self.server)}, {what}", hint=_HINT
        )


def _environment() -> dict[str, str]:
    """Return the variables that a helper finds."""
    return {
        name: value
        for name, value in os.environ.items()
        if name not in _WITHHELD and not name.startswith(_WITHHELD_PREFIXES)
    }
