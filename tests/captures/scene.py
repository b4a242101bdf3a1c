"""Commands on a made-up package, at a fixed hour, seen as a person at a terminal sees them.

Nothing here is real but the commands. The stand-in registry takes the place of ghcr.io, and what
differs from run to run (the hour, the names of runs, the machine and how fast it answers) is
always the same.
"""

import getpass
import json
import os
import secrets
import socket
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, chdir, contextmanager
from datetime import UTC, datetime, tzinfo
from io import StringIO
from pathlib import Path
from typing import Any, Self
from unittest.mock import patch

from reconciler import clock
from reconciler.__main__ import run
from reconciler.sandbox.generate import lifelike, stated_size
from reconciler.sandbox.server import Sandbox
from reconciler.sandbox.settings import UNLIMITED, SandboxSettings
from reconciler.transport.client import Client
from tests.support.sandbox_commands import CLASSIC, POINTS_PER_MINUTE

NOW = datetime(2026, 11, 24, 2, 0, tzinfo=UTC)
LATENCY = 0.1
"""How long an answer takes, as estimates are told, in seconds."""

REGISTRY = "ghcr.io"
POLICY = """\
version: 1
policies:
  - name: web
    repositories: ["ghcr.io/acme/web"]
    protect:
      - {name: moving, match: {tags: [latest, edge, main]}}
    rules:
      - {name: releases, match: {semver: ">=0", prerelease: include}, keep: {all: true}}
      - {name: previews, match: {tags: ["pr-*"]}, keep: {within: 14d}}
      - {name: commits, match: {tags: ["sha-*"]}, keep: {within: 30d, last: 20}}
      - {name: dangling, match: {untagged: true}, keep: {within: 120d}}
    guards: {max_delete: 500, max_delete_percent: 70}
"""
_connect = socket.create_connection


class Screen(StringIO):
    """A terminal that remembers what was written."""

    def isatty(self) -> bool:
        """Say that somebody looks."""
        return True


class FixedHour(datetime):
    """A clock that stands still."""

    @classmethod
    def now(cls, tz: tzinfo | None = None) -> Self:
        """Return the hour of all captures."""
        return cls.fromtimestamp(NOW.timestamp(), tz)


@contextmanager
def scene() -> Iterator[Path]:
    """Serve a package of about a thousand versions as ghcr.io, and give a folder with a policy."""
    settings = SandboxSettings(limits=UNLIMITED, now=lambda: NOW)
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        sandbox = stack.enter_context(Sandbox(settings, [lifelike(NOW, weigh=stated_size)]).serve())
        stack.enter_context(chdir(folder))
        stack.enter_context(patch.dict(os.environ, _environment(sandbox, folder)))
        stack.enter_context(patch.object(socket, "create_connection", _leads_to(sandbox)))
        stack.enter_context(patch.object(clock, "datetime", FixedHour))
        stack.enter_context(patch.object(Client, "latency", LATENCY))
        stack.enter_context(patch.object(secrets, "token_hex", lambda _: "5eed1e55"))
        stack.enter_context(patch.object(socket, "gethostname", lambda: "runner"))
        stack.enter_context(patch.object(getpass, "getuser", lambda: "ci"))
        (folder / "policies").mkdir()
        (folder / "policies" / "web.yaml").write_text(POLICY)
        yield folder


def typed(arguments: str, *, columns: int, **variables: str) -> str:
    """Run a command on a terminal so wide, with more variables, and return what it shows there."""
    screen = Screen()
    with (
        patch.dict(os.environ, {"COLUMNS": str(columns), "TERM": "xterm", **variables}),
        patch.object(sys, "stdout", screen),
    ):
        run(arguments.split())
    return screen.getvalue()


def piped(arguments: str) -> str:
    """Run a command whose result goes to a file, and return it."""
    with patch.object(sys, "stdout", StringIO()) as written:
        run(arguments.split())
    return written.getvalue()


def _environment(sandbox: Sandbox, folder: Path) -> dict[str, str]:
    told = {
        "kind": "ghcr",
        "api": sandbox.url,
        "plain_http": True,
        "points_per_minute": POINTS_PER_MINUTE,
    }
    return {
        "RECONCILER_CACHE": str(folder / "cache"),
        "RECONCILER_REGISTRIES": json.dumps({REGISTRY: told}),
        "GITHUB_TOKEN": CLASSIC,
    }


def _leads_to(sandbox: Sandbox) -> Any:
    """Connect to the stand-in, whoever is asked for."""
    host, _, port = sandbox.host.partition(":")

    def connect(_: tuple[str, int], *arguments: Any, **options: Any) -> socket.socket:
        return _connect((host, int(port)), *arguments, **options)

    return connect
