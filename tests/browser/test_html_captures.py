"""The pages in the documentation, as the program made them, in a real browser."""

from pathlib import Path

import pytest

from tests.captures.make import FOLDER, PAGES
from tests.support.browser import Browser

pytestmark = pytest.mark.server


@pytest.mark.parametrize("name", PAGES)
def test_a_real_report_asks_for_nothing_and_can_be_searched(chromium: Browser, name: str) -> None:
    page = FOLDER / f"{name}.html"

    chromium.open(page)
    chromium.find("input[type=search]")[0].send_keys("nowhere")

    assert [Path(address).name for address in chromium.asked_for()] == [page.name]
    assert chromium.complaints() == []
    assert chromium.texts(".rows tbody tr") == []
