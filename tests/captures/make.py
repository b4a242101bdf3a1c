"""Make the pictures and texts of `docs/captures` anew: `python -m tests.captures.make`.

They show what the program prints, on a package that is the same every time; so they change when
the program does, and then they are made again and committed with it. A test compares the texts, and
the pages that the pictures were taken of, with what the program writes now.
"""

import json
import tempfile
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple

from tests.captures import pictures
from tests.captures.comment import as_page, comment
from tests.captures.scene import piped, scene, typed
from tests.support.browser import Browser, browser

FOLDER = Path(__file__).parents[2] / "docs" / "captures"
SOURCES = "pictures.json"
"""The file with the sha256 of the page that each picture was taken of."""

COMMANDS = {
    "plan": "plan --out plan.json",
    "explain": "explain ghcr.io/acme/web:edge",
    "diagnose": "diagnose ghcr.io/acme/web",
    "apply": "apply plan.json --yes",
    "log": "log list",
    "check": "check",
    "undo": "undo --last --yes",
}
"""The captures of a terminal, in the order in which the commands are typed."""

WIDE = ("plan", "apply", "diagnose")
"""Those that are shown on a wide terminal, too."""

PLAIN = ("plan", "diagnose")
"""Those that are shown without colours, and as another program gets them."""

PAGES = {"plan": "plan", "diagnose": "diagnose ghcr.io/acme/web"}
"""The captures of pages."""


class Look(NamedTuple):
    """How a picture is taken. Units: CSS pixels."""

    width: int
    height: int
    dark: bool = False
    paper: bool = False


LOOKS = {
    "": Look(1280, 1100),
    "-390": Look(390, 1600),
    "-dark": Look(1280, 1100, dark=True),
    "-print": Look(800, 1130, paper=True),
}
"""The pictures of each page, by the ending of their names."""


def main() -> None:
    """Make everything that this machine has the programs for."""
    pages = texts(FOLDER)
    with tempfile.TemporaryDirectory() as folder, browser(Path(folder)) as shown:
        for name, content in pages.items():
            page = Path(folder) / f"{name}.html"
            page.write_text(content)
            for ending, look in LOOKS.items():
                take(shown, page, FOLDER / f"{name}{ending}.png", look)
        posted = Path(folder) / "comment.html"
        posted.write_text(as_page((FOLDER / "comment.md").read_text()))
        take(shown, posted, FOLDER / "comment.png", Look(1000, 560))
    (FOLDER / SOURCES).write_text(f"{json.dumps(digests(pages), indent=2)}\n")


def digests(pages: Mapping[str, str]) -> Mapping[str, str]:
    """Return the sha256 of each page by its name."""
    return {name: sha256(content.encode()).hexdigest() for name, content in pages.items()}


def take(shown: Browser, page: Path, picture: Path, look: Look) -> None:
    """Take the picture of one page."""
    shown.look(dark=look.dark, paper=look.paper)
    pictures.page(shown, page, picture, look.width, look.height)


def texts(folder: Path) -> Mapping[str, str]:
    """Make what needs no browser: terminals, Markdown and HTML; return the pages by their names."""
    folder.mkdir(parents=True, exist_ok=True)
    for columns in (80, 140):
        with scene():
            for name, arguments in COMMANDS.items():
                shown = typed(arguments, columns=columns)
                if columns == 80 or name in WIDE:
                    path = folder / f"{name}-{columns}.svg"
                    title = f"reconciler {arguments}"
                    pictures.terminal(shown, path, title=title, columns=columns)
    pages = {}
    with scene():
        (folder / "plan.md").write_text(piped("plan --format markdown"))
        for name, arguments in PAGES.items():
            pages[name] = piped(f"{arguments} --format html")
            (folder / f"{name}.html").write_text(pages[name])
        for name in PLAIN:
            arguments = COMMANDS[name].partition(" --out")[0]
            (folder / f"{name}-piped.txt").write_text(piped(arguments))
            shown = typed(arguments, columns=80, NO_COLOR="1")
            (folder / f"{name}-no-color.txt").write_text(shown)
        piped("apply --yes")
        piped("report --out site")
        pages["report"] = Path("site/index.html").read_text()
        pages["report-log"] = Path("site/ghcr.io/acme/web/log.html").read_text()
    with scene() as here:
        (folder / "comment.md").write_text(comment(here))
    return pages


if __name__ == "__main__":
    main()
