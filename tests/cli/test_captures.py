"""The captures of the documentation: the same whenever they are made, and they load nothing."""

import re
from pathlib import Path

from tests.captures import pictures
from tests.captures.make import FOLDER
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
