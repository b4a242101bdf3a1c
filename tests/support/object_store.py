"""An S3 server on loopback: moto's, in a process of its own, one request at a time.

`python -m tests.support.object_store` serves and prints its port. With `--lying` it takes every
write, whatever conditions it comes with.
"""

import os
import subprocess
import sys
from collections.abc import Callable, Iterable, Mapping
from threading import Lock
from typing import IO, Any

import httpx

BUCKET = "state"
_CONDITIONS = ("HTTP_IF_MATCH", "HTTP_IF_NONE_MATCH")
_Wsgi = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]


class ObjectStore:
    """One server process with one bucket."""

    def __init__(self, *, lying: bool = False) -> None:
        """Keep what it is to be like; nothing runs until `start`."""
        self._lying = lying
        self._process: subprocess.Popen[str] | None = None
        self.url = ""

    def start(self) -> None:
        """Start the server, and make the bucket."""
        arguments = [sys.executable, "-m", __name__, *(["--lying"] if self._lying else [])]
        self._process = subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True)
        self.url = f"http://127.0.0.1:{_line(self._process.stdout)}"
        httpx.put(f"{self.url}/{BUCKET}", trust_env=False).raise_for_status()

    def stop(self) -> None:
        """End the server."""
        if self._process:
            self._process.kill()
            self._process.communicate()

    @property
    def environment(self) -> Mapping[str, str]:
        """What leads clients there."""
        return {
            "AWS_ACCESS_KEY_ID": "tests",
            "AWS_SECRET_ACCESS_KEY": "tests",
            "AWS_REGION": "us-east-1",
            "AWS_ENDPOINT_URL": self.url,
        }


def _line(stream: IO[str] | None) -> str:
    assert stream is not None, "the server is started with a pipe"
    return stream.readline().strip()


def _in_turn(serve: _Wsgi, *, lying: bool) -> _Wsgi:
    """Serve one request after the other, as moto looks and writes without a lock of its own."""
    turn = Lock()

    def application(environment: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
        if lying:
            for condition in _CONDITIONS:
                environment.pop(condition, None)
        with turn:
            return list(serve(environment, start))

    return application


def _serve(*, lying: bool) -> None:
    from moto.moto_server.werkzeug_app import (  # noqa: PLC0415 - slow
        DomainDispatcherApplication,
        create_backend_app,
    )
    from werkzeug.serving import WSGIRequestHandler, make_server  # noqa: PLC0415 - slow

    class Silent(WSGIRequestHandler):
        """Serves without a word."""

        def log(self, *_: Any) -> None:
            """Keep it to itself."""

    os.environ.setdefault("MOTO_S3_ALLOW_CROSSACCOUNT_ACCESS", "true")
    moto: Any = DomainDispatcherApplication(create_backend_app)
    application = _in_turn(moto, lying=lying)
    server = make_server("127.0.0.1", 0, application, threaded=True, request_handler=Silent)
    sys.stdout.write(f"{server.server_port}\n")
    sys.stdout.flush()
    server.serve_forever()


if __name__ == "__main__":
    _serve(lying="--lying" in sys.argv)
