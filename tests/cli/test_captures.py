"""The captures of the documentation: the same whenever they are made, and they load nothing."""

import json
import re
from pathlib import Path

from tests.captures import pictures
from tests.captures.make import FOLDER, LOOKS, SOURCES, digests, texts
from tests.captures.scene import scene, typed

LOADED = re.compile(r"(?:href|src)=[\"'](?!#)[^\"']*|url\((?!#)[^)]*\)|@import")
"""What a browser would fetch; `#` is a part of the same file."""


def test_a_capture_is_the_same_every_time() -> None:
    shown = []
    for _ in range(2):
        with scene():
            shown.append(typed("plan", columns=80))

    assert shown[0] == shown[1]
    assert shown[0].endswith("to keep, 0 incomplete.\x1b[0m\n")
    assert "127.0.0.1" not in shown[0]


def test_a_picture_of_a_terminal_loads_nothing_and_breaks_long_lines(tmp_path: Path) -> None:
    path = tmp_path / "long.svg"

    pictures.terminal("\x1b[31m" + "x" * 100 + "\x1b[0m", path, title="long", columns=80)

    drawn = path.read_text()
    assert LOADED.findall(drawn) == []
    assert re.findall(r">(x+)<", drawn) == ["x" * 80, "x" * 20]


def test_no_committed_page_or_picture_would_load_anything() -> None:
    drawn = [path.read_text() for ending in ("svg", "html") for path in FOLDER.glob(f"*.{ending}")]

    assert drawn
    assert [found for text in drawn for found in LOADED.findall(text)] == []


def test_the_committed_captures_are_what_the_program_prints_now(tmp_path: Path) -> None:
    pages = texts(tmp_path)

    made = {path.name: path.read_text() for path in tmp_path.iterdir()}
    committed = {name: (FOLDER / name).read_text() for name in made}
    stale = sorted(name for name in made if made[name] != committed[name])
    again = "python -m tests.captures.make"
    assert stale == [], again
    # Pictures are compared by the pages that they were taken of: letters differ between machines.
    assert json.loads((FOLDER / SOURCES).read_text()) == digests(pages), again
    pictures = {f"{name}{ending}.png" for name in pages for ending in LOOKS} | {"comment.png"}
    assert {path.name for path in FOLDER.iterdir()} == {*made, SOURCES, *pictures}
