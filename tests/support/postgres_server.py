"""A real PostgreSQL server on loopback: Debian's build, with its files in a folder of the test."""

import os
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path

from tests.support.loopback import free_port
from tests.support.programs import program

_USER = "postgres"
_SECONDS_TO_START = 30.0
_GLANCE = 0.05


class PostgresServer:
    """One server process; it runs as somebody who is not root, for it refuses to be."""

    def __init__(self) -> None:
        """Make a folder; nothing runs until `start`."""
        # Not below a folder that only the user of the tests may enter.
        self._directory = Path(tempfile.mkdtemp(prefix="reconciler-postgres-"))
        self._owner = _USER if os.geteuid() == 0 else None
        self._process: subprocess.Popen[bytes] | None = None
        self.port = free_port()

    @property
    def address(self) -> str:
        """Where its one database is."""
        return f"postgresql://{_USER}@127.0.0.1:{self.port}/postgres"

    def start(self) -> None:
        """Make a database, start the server and wait until it takes connections."""
        if self._owner:
            shutil.chown(self._directory, self._owner)
        files = self._directory / "files"
        self._run("initdb", "-D", str(files), "-U", _USER, "-A", "trust", "--no-sync", "-E", "UTF8")
        log = self._directory / "server.log"
        with log.open("wb") as stream:
            self._process = subprocess.Popen(
                [_binary("postgres"), "-D", str(files), *self._options],
                user=self._owner,
                cwd=self._directory,
                stdout=stream,
                stderr=stream,
            )
        deadline = time.monotonic() + _SECONDS_TO_START
        while "ready to accept connections" not in log.read_text():
            assert time.monotonic() < deadline, log.read_text()
            assert self._process.poll() is None, log.read_text()
            time.sleep(_GLANCE)

    def stop(self) -> None:
        """End the server at once, and remove its files."""
        if self._process:
            self._process.send_signal(signal.SIGINT)  # ends every session, and waits for none
            self._process.wait(_SECONDS_TO_START)
        shutil.rmtree(self._directory)

    @property
    def _options(self) -> list[str]:
        settings = {
            "listen_addresses": "127.0.0.1",
            "port": str(self.port),
            "unix_socket_directories": "",
            # What the tests write need not outlive the machine.
            "fsync": "off",
            "max_connections": "200",
        }
        return [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]

    def _run(self, name: str, *arguments: str) -> None:
        subprocess.run(
            [_binary(name), *arguments],
            user=self._owner,
            cwd=self._directory,
            check=True,
            capture_output=True,
        )


def _binary(name: str) -> str:
    """Find a program of the server; Debian keeps them out of PATH, by version."""
    found = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"))
    if not found and shutil.which(name) is None:
        program("pg_createcluster")
        found = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"))
    return str(found[-1]) if found else name
