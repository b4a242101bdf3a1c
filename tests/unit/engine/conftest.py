"""Every test of this folder has a registry in memory and a state of its own."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from reconciler.errors import StateError
from reconciler.state.local import LocalRepositoryState
from tests.support.scenes import Scene


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """Say where the state is."""
    return tmp_path / "state"


@pytest.fixture
def scene(place: Path) -> Scene:
    """Give a repository like GitHub's, empty."""
    return Scene(place)


@pytest.fixture
def plain(place: Path) -> Scene:
    """Give a repository of a plain OCI registry, empty: it lists tags only."""
    return Scene(place, closed=False)


@pytest.fixture
def asking(place: Path) -> Scene:
    """Give a plain registry that also lists what refers to a digest."""
    return Scene(place, closed=False, referrers=True)


@pytest.fixture
def break_append(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Give a way to have the nth append from now on fail, once, as a full disk would."""

    def breaking(*, nth: int) -> None:
        intact, count = LocalRepositoryState.append, 0

        def append(state: LocalRepositoryState, *entries: Any) -> Any:
            nonlocal count
            count += 1
            if count == nth:
                raise StateError("cannot write to the journal: no space left on device")
            return intact(state, *entries)

        monkeypatch.setattr(LocalRepositoryState, "append", append)

    return breaking
