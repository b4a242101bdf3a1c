"""Every command that the program suggests is a command line that it accepts."""

import ast
import re
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
import typer

import reconciler
from tests.support.command_lines import parsed

SOURCES = Path(str(reconciler.__file__)).parent
COMMAND = re.compile(r"`reconciler ([^`]+)`")


def hints() -> Iterator[tuple[str, str]]:
    """Yield each command in backticks in a text of the source, with its file; values are X."""
    for path in sorted(SOURCES.rglob("*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        documentation = {
            id(node.value)
            for node in ast.walk(tree)
            if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
        }
        for node in ast.walk(tree):
            text = ""
            if isinstance(node, ast.JoinedStr):
                parts = [
                    str(part.value) if isinstance(part, ast.Constant) else "X"
                    for part in node.values
                ]
                text = "".join(parts)
            elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                text = "" if id(node) in documentation else node.value
            for command in COMMAND.findall(text):
                yield path.relative_to(SOURCES).as_posix(), command


@pytest.mark.parametrize(("file", "command"), sorted(set(hints())))
def test_a_hint_is_a_command_line(file: str, command: str) -> None:
    assert file
    # Help ends the program with 0.
    with suppress(typer.Exit):
        parsed(command.split())
