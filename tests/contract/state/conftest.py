"""Every test of this folder runs for each state backend, unless it names those it is for."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from reconciler.model.ports import State
from tests.support.backends import BACKENDS, Backend
from tests.support.state_servers import state_servers

__all__ = ["state_servers"]


@pytest.fixture(params=BACKENDS)
def backend_name(request: pytest.FixtureRequest) -> str:
    """Name the backend under test."""
    return str(request.param)


@pytest.fixture(autouse=True)
def servers_of_backends(state_servers: Mapping[str, str]) -> None:
    """Start the servers."""


@pytest.fixture
def backend(backend_name: str) -> Backend:
    """Give the backend under test."""
    return BACKENDS[backend_name]


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """Say where the state is."""
    return tmp_path / "state"


@pytest.fixture
def address(backend: Backend, place: Path) -> str:
    """Say where the state is, as users do."""
    return backend.address(place)


@pytest.fixture
def state(backend: Backend, place: Path) -> State:
    """Open the state under test, which is empty."""
    return backend.open(place)
