"""One browser for all tests of pages."""

from collections.abc import Iterator

import pytest

from tests.support.browser import Browser, browser


@pytest.fixture(scope="session")
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """Start it once; it takes longer than most tests."""
    with browser(tmp_path_factory.mktemp("chromium")) as started:
        yield started
