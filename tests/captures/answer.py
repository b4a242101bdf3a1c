"""Put a real answer of `diagnose` into the page of questions: `python -m tests.captures.answer`.

It is made from the package of the other captures, so that whoever reads on finds it again.
"""

import re
from pathlib import Path

from tests.captures.scene import piped, scene

PAGE = Path(__file__).parents[2] / "docs" / "faq.md"
COMMAND = "diagnose ghcr.io/acme/web"

_ENDS_BEFORE = "\n\n  Versions not needed"
"""What the page leaves to whoever runs the command: examples, changes, growth, and a policy."""

_PLACE = re.compile(r"(<!-- diagnose -->\n).*(<!-- /diagnose -->)", re.DOTALL)


def main() -> None:
    """Write the answer into its place."""
    PAGE.write_text(answered(PAGE.read_text()))


def answered(page: str) -> str:
    """Return the page with the answer as the command gives it now.

    Raises: ValueError, when the page has no place for it.
    """
    if not _PLACE.search(page):
        raise ValueError(f"{PAGE.name} has no place for the answer")
    told = f"```console\n$ reconciler {COMMAND}\n{_answer()}\n```\n"
    return _PLACE.sub(lambda place: f"{place[1]}{told}{place[2]}", page)


def _answer() -> str:
    with scene():
        return piped(COMMAND).partition(_ENDS_BEFORE)[0]


if __name__ == "__main__":
    main()
