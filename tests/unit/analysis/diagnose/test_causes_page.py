"""The page on `diagnose` tells the causes in the order in which they are looked for."""

import re
from pathlib import Path

from reconciler.analysis.diagnose.causes import VersionCause

PAGE = Path(__file__).parents[4] / "docs" / "diagnose.md"


def test_the_page_lists_every_cause_in_the_order_of_precedence() -> None:
    page = PAGE.read_text(encoding="utf-8")

    told = re.findall(r"^\| `([a-z-]+)` \|", page, re.MULTILINE)

    assert told[: len(VersionCause)] == list(VersionCause)
