"""A real pooler before a PostgreSQL server: Debian's pgbouncer."""

import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

from tests.support.loopback import free_port
from tests.support.programs import program

_SECONDS_TO_START = 20.0
_GLANCE = 0.02


@contextmanager
def pooler(server: str, mode: str) -> Iterator[str]:
    """Lend sessions with the server at an address for a `mode`; give the address of the pooler."""
    parts, port = urlsplit(server), free_port()
    folder = Path(tempfile.mkdtemp(prefix="reconciler-pgbouncer-"))
    folder.chmod(0o755)  # the program gives up the rights of root
    settings = folder / "pgbouncer.ini"
    settings.write_text(
        "[databases]\n"
        f"postgres = host={parts.hostname} port={parts.port} user={parts.username}\n"
        "[pgbouncer]\n"
        f"listen_addr = 127.0.0.1\nlisten_port = {port}\nunix_socket_dir =\n"
        f"auth_type = any\npool_mode = {mode}\n"
        "ignore_startup_parameters = extra_float_digits\n"
    )
    owner = ["-u", "postgres"] if os.geteuid() == 0 else []
    command = [program("pgbouncer"), "-q", *owner, str(settings)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            _await(port, process)
            yield f"postgresql://{parts.username}@127.0.0.1:{port}/postgres"
        finally:
            process.kill()
            shutil.rmtree(folder)


def _await(port: int, process: "subprocess.Popen[bytes]") -> None:
    """Wait until it takes connections."""
    deadline = time.monotonic() + _SECONDS_TO_START
    while True:
        try:
            socket.create_connection(("127.0.0.1", port)).close()
        except ConnectionRefusedError:
            assert process.poll() is None, "the pooler did not start"
            assert time.monotonic() < deadline, "the pooler does not listen"
            time.sleep(_GLANCE)
        else:
            return
