"""The servers behind the state backends, started once for all tests of a process."""

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager

import pytest

from reconciler.sandbox.server import Sandbox
from reconciler.sandbox.settings import UNLIMITED, SandboxSettings
from tests.support.backend_settings import GITHUB
from tests.support.backends import DATABASE
from tests.support.object_store import ObjectStore
from tests.support.postgres_server import PostgresServer


@pytest.fixture(scope="session")
def state_servers() -> Iterator[Mapping[str, str]]:
    """Start them; give the environment that leads there, which is that of this process, too."""
    with serving() as environment, pytest.MonkeyPatch.context() as patch:
        for name, value in environment.items():
            patch.setenv(name, value)
        yield environment


@contextmanager
def serving() -> Iterator[Mapping[str, str]]:
    """Start an object store, a database and a GitHub."""
    with ExitStack() as stack:
        bucket, database = ObjectStore(), PostgresServer()
        for server in (bucket, database):
            stack.callback(server.stop)
            server.start()
        github = stack.enter_context(Sandbox(SandboxSettings(limits=UNLIMITED)).serve())
        yield {**bucket.environment, DATABASE: database.address, GITHUB: github.url}
