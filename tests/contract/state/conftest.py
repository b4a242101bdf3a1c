"""Every test of this folder runs once for each state backend."""

from pathlib import Path

import pytest

from reconciler.model.ports import State
from tests.support.states import BACKENDS, Backend


@pytest.fixture(params=BACKENDS)
def backend_name(request: pytest.FixtureRequest) -> str:
    """Name the backend under test."""
    return str(request.param)


@pytest.fixture
def backend(backend_name: str) -> Backend:
    """Give the backend under test."""
    return BACKENDS[backend_name]


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """Say where the state is."""
    return tmp_path / "state"


@pytest.fixture
def state(backend: Backend, place: Path) -> State:
    """Open the state under test, which is empty."""
    return backend.open(place)
