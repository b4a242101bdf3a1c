"""Fixtures that start real servers and stop them again; `tests/conftest.py` exports them."""

from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.support.fault_proxy import FaultProxy, fault_proxy
from tests.support.registry_server import RegistryServer
from tests.support.remote import Remote, remote


class Servers:
    """Starts what a test asks for; all of it ends with the test."""

    def __init__(self, directory: Path, running: ExitStack) -> None:
        """Keep the folder that storage goes to, and the stack that ends everything."""
        self._directory = directory
        self._running = running
        self._started = 0

    def registry(
        self,
        *,
        deletion: bool = True,
        users: Mapping[str, str] | None = None,
        environment: Mapping[str, str] | None = None,
    ) -> RegistryServer:
        """Start a registry of its own, with the options of `RegistryServer`."""
        self._started += 1
        server = RegistryServer(
            self._directory / f"registry-{self._started}",
            deletion=deletion,
            users=users,
            environment=environment,
        )
        self._running.callback(server.stop)
        server.start()
        return server

    def remote(self, url: str, path: str, *, credentials: tuple[str, str] | None = None) -> Remote:
        """Open one repository of the registry at `url`."""
        return self._running.enter_context(remote(url, path, credentials=credentials))

    def proxy(self, upstream: str) -> FaultProxy:
        """Put a fault proxy before the server at `upstream`."""
        return self._running.enter_context(fault_proxy(upstream))


@pytest.fixture
def servers(tmp_path: Path) -> Iterator[Servers]:
    """Start registries, repositories and proxies with the options a test needs."""
    with ExitStack() as running:
        yield Servers(tmp_path, running)


@pytest.fixture
def registry(servers: Servers) -> RegistryServer:
    """Start a real registry that allows deletion and knows no users."""
    return servers.registry()


@pytest.fixture
def web(servers: Servers, registry: RegistryServer) -> Remote:
    """Open the repository `acme/web` of the real registry, still empty."""
    return servers.remote(registry.url, "acme/web")
