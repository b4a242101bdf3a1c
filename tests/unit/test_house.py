"""The source keeps its measures: a limit here may be lowered, and is never raised."""

from pathlib import Path
from statistics import median

from tests.support.house import clashing_classes, modules, private_functions, vague_names

SOURCES = modules(Path(__file__).parents[2] / "reconciler")

MOST_VAGUE_NAMES = 69
"""Vague words in all names of the package together."""

MOST_USED_ONCE = 0.5
"""Of the private functions, the share that one place uses: such a function must earn its name."""

MOST_LINES = 399
MOST_LONG_FILES = 13
LONG = 300
"""Lines from which on a file is long."""


def test_names_say_what_they_stand_for() -> None:
    vague = vague_names(SOURCES)

    assert sum(vague.values()) <= MOST_VAGUE_NAMES, vague


def test_a_public_class_name_stands_for_one_class() -> None:
    assert clashing_classes(SOURCES) == {}


def test_private_functions_earn_their_names() -> None:
    uses = private_functions(SOURCES)
    once = [name for name, count in uses.items() if count == 1]

    assert len(once) <= MOST_USED_ONCE * len(uses), once


def test_files_are_neither_too_short_nor_too_long() -> None:
    lines = {source.name: source.lines for source in SOURCES if source.lines > 1}

    assert 120 <= median(lines.values()) <= 200
    assert max(lines.values()) <= MOST_LINES
    assert sum(count > LONG for count in lines.values()) <= MOST_LONG_FILES
