"""What a release would publish, built once."""

from pathlib import Path

import pytest

from tests.support.distribution import release


@pytest.fixture(scope="session")
def stamped(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a clean copy of this tree, stamped for a release."""
    return release(tmp_path_factory)[0]


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give the wheel of the release."""
    (path,) = release(tmp_path_factory)[1].glob("*.whl")
    return path


@pytest.fixture(scope="session")
def sdist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give the sdist of the release."""
    (path,) = release(tmp_path_factory)[1].glob("*.tar.gz")
    return path
