"""A real registry on loopback: Debian's build of the CNCF distribution, one process each."""

import json
import re
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import bcrypt

from tests.support.programs import program

_SECONDS_TO_START = 20.0
_SECONDS_TO_STOP = 10.0
_LISTENING = re.compile(r"listening on (127\.0\.0\.1:\d+)")


class RegistryServer:
    """One registry process and its storage; it keeps its port and content when restarted."""

    def __init__(
        self,
        directory: Path,
        *,
        deletion: bool = True,
        users: Mapping[str, str] | None = None,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        """Keep the options; nothing runs until `start`.

        Shape: `users` maps names to passwords, and without it everybody may do everything;
            `environment` holds settings of the server itself, `REGISTRY_...`.
        """
        self._directory = directory
        self._deletion = deletion
        self._users = dict(users or {})
        self._environment = dict(environment or {})
        self._process: subprocess.Popen[bytes] | None = None
        self.host = "127.0.0.1:0"  # the first start finds a free port

    @property
    def url(self) -> str:
        """The address of the server, for clients that want a scheme."""
        return f"http://{self.host}"

    @property
    def storage(self) -> Path:
        """The folder that holds all the server was ever sent."""
        return self._directory / "storage"

    def start(self) -> None:
        """Start the process and wait until it listens."""
        self._directory.mkdir(parents=True, exist_ok=True)
        configuration = self._directory / "config.yml"
        configuration.write_text(json.dumps(self._configuration()))  # JSON is YAML, too
        log = self._directory / "server.log"
        with log.open("wb") as stream:
            self._process = subprocess.Popen(
                [program("docker-registry"), "serve", str(configuration)],
                env={"OTEL_TRACES_EXPORTER": "none", **self._environment},
                stdout=stream,
                stderr=subprocess.STDOUT,
            )
        self.host = self._wait_for_port(self._process, log)

    def stop(self) -> None:
        """End the process, so that its port refuses connections; harmless when it has ended."""
        if self._process is None:
            return
        self._process.terminate()
        try:
            self._process.wait(_SECONDS_TO_STOP)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process = None

    def _configuration(self) -> dict[str, Any]:
        """Describe the server. Source: distribution, docs/configuration.md."""
        configuration: dict[str, Any] = {
            "version": "0.1",
            "log": {"level": "info", "accesslog": {"disabled": True}},
            "storage": {
                "filesystem": {"rootdirectory": str(self.storage)},
                "delete": {"enabled": self._deletion},
            },
            "http": {"addr": self.host},
        }
        if self._users:
            configuration["auth"] = {
                "htpasswd": {"realm": "tests", "path": str(self._write_passwords())}
            }
        return configuration

    def _write_passwords(self) -> Path:
        """Write the users in the only form that the server reads: bcrypt hashes."""
        path = self._directory / "htpasswd"
        path.write_text("".join(f"{name}:{_hashed(word)}\n" for name, word in self._users.items()))
        return path

    @staticmethod
    def _wait_for_port(process: subprocess.Popen[bytes], log: Path) -> str:
        """Read from the log where the server listens.

        Raises: RuntimeError, with the log, when it ends first or takes too long.
        """
        deadline = time.monotonic() + _SECONDS_TO_START
        while time.monotonic() < deadline and process.poll() is None:
            if listening := _LISTENING.search(log.read_text()):
                return listening[1]
            time.sleep(0.01)
        process.kill()
        process.wait()
        raise RuntimeError(f"the registry did not start:\n{log.read_text()}")


def _hashed(password: str) -> str:
    # Few rounds: the server checks the password again with every request.
    return bcrypt.hashpw(password.encode(), bcrypt.gensalt(rounds=4)).decode()
