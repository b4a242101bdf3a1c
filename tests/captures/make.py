"""Make the pictures and texts of `docs/captures` anew: `python -m tests.captures.make`.

They show what the program prints, on a package that is the same every time; so they change when
the program does, and then they are made again and committed with it.
"""

import tempfile
from pathlib import Path

from tests.captures import pictures
from tests.captures.comment import as_page, comment
from tests.captures.scene import piped, scene, typed
from tests.support.browser import browser

FOLDER = Path(__file__).parents[2] / "docs" / "captures"
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

WIDE = ("plan", "apply")
"""Those that are shown on a wide terminal, too."""

PAGES = {"plan": "plan", "diagnose": "diagnose ghcr.io/acme/web"}
"""The captures of pages."""


def main() -> None:
    """Make everything that this machine has the programs for."""
    texts(FOLDER)
    with tempfile.TemporaryDirectory() as profile, browser(Path(profile)) as shown:
        for name in PAGES:
            pictures.page(shown, FOLDER / f"{name}.html", FOLDER / f"{name}.png", 1000, 1000)
        posted = Path(profile) / "comment.html"
        posted.write_text(as_page((FOLDER / "comment.md").read_text()))
        pictures.page(shown, posted, FOLDER / "comment.png", 1000, 560)


def texts(folder: Path) -> None:
    """Make what needs no browser: terminals at 80 and 140 columns, Markdown and HTML."""
    folder.mkdir(parents=True, exist_ok=True)
    for columns in (80, 140):
        with scene():
            for name, arguments in COMMANDS.items():
                shown = typed(arguments, columns=columns)
                if columns == 80 or name in WIDE:
                    path = folder / f"{name}-{columns}.svg"
                    title = f"reconciler {arguments}"
                    pictures.terminal(shown, path, title=title, columns=columns)
    with scene():
        (folder / "plan.md").write_text(piped("plan --format markdown"))
        for name, arguments in PAGES.items():
            (folder / f"{name}.html").write_text(piped(f"{arguments} --format html"))
    with scene() as here:
        (folder / "comment.md").write_text(comment(here))


if __name__ == "__main__":
    main()
