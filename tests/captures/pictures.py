"""Pictures: of a terminal as SVG, of a page as PNG."""

import re
from io import StringIO
from pathlib import Path

from rich._export_format import CONSOLE_SVG_FORMAT
from rich.console import Console
from rich.terminal_theme import MONOKAI
from rich.text import Text

from tests.support.browser import Browser

_FRAME = re.sub(r"@font-face \{\{.*?\n {4}\}\}\n", "", CONSOLE_SVG_FORMAT, flags=re.DOTALL)
"""The frame of a terminal without the fonts that rich would load from elsewhere."""


def terminal(shown: str, path: Path, *, title: str, columns: int) -> None:
    """Draw what a terminal shows."""
    console = Console(record=True, width=columns, file=StringIO(), color_system="standard")
    for line in map(Text.from_ansi, shown.splitlines()):
        # A terminal breaks a line that is too long wherever its edge is.
        for part in line.divide(range(columns, len(line), columns)):
            console.print(part, soft_wrap=True)
    picture = console.export_svg(
        title=title, theme=MONOKAI, code_format=_FRAME, unique_id=path.stem
    )
    path.write_text("".join(f"{line.rstrip()}\n" for line in picture.splitlines()))


def page(browser: Browser, file: Path, path: Path, width: int, height: int) -> None:
    """Draw the top of a page as a browser shows it."""
    browser.open(file)
    browser.picture(path, width, height)
