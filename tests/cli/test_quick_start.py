"""The quick start: its policy and its commands work as they stand."""

import re
from collections.abc import Iterator
from pathlib import Path

from tests.support.cli_harness import served_package

PAGE = (Path(__file__).parents[2] / "docs" / "quick-start.md").read_text(encoding="utf-8")
BLOCK = re.compile(r"<!-- ([\w ]+) -->\n```\w+\n(.*?)```", re.DOTALL)


def with_yes(commands: list[list[str]]) -> Iterator[list[str]]:
    """Answer beforehand what the page lets a person answer."""
    for command in commands:
        yield [*command, *(["--yes"] if command[0] in ("apply", "undo") else [])]


def test_the_commands_of_the_page_run_on_its_policy(tmp_path: Path) -> None:
    blocks = dict(BLOCK.findall(PAGE))
    commands = [line.split("#")[0].split() for line in blocks["commands"].splitlines()]

    with served_package(tmp_path) as web:
        web.reconciler.write_policy(blocks["policy"].replace("ghcr.io/acme/web", web.repository))
        ended = [web.reconciler(*arguments) for _, *arguments in commands]

    assert [arguments for _, *arguments in commands] == [["validate"], ["plan"]]
    # The page says so: the first plan of an old package is usually stopped by a guard.
    assert [one.code for one in ended] == [0, 3]
    assert "3 images expired by previews" in ended[1].stdout
    assert f"--allow max_delete_percent:{web.repository}=" in ended[1].stdout


def test_the_first_time_is_allowed_with_the_words_of_the_page(tmp_path: Path) -> None:
    blocks = dict(BLOCK.findall(PAGE))
    said, *commands = blocks["first time"].splitlines()

    with served_package(tmp_path) as web:
        allow = said.partition('"')[2].rstrip('"').replace("ghcr.io/acme/web", web.repository)
        web.reconciler.write_policy(blocks["policy"].replace("ghcr.io/acme/web", web.repository))
        given = [line.split("#")[0].replace("$allow", allow).split()[1:] for line in commands]
        planned, applied, undone = (web.reconciler(*one) for one in with_yes(given))

    assert (planned.code, applied.code, undone.code) == (0, 0, 0)
    assert "7 deleted" in applied.last_line
    assert "7 restored" in undone.last_line
