"""The quick start: its policy and its commands work as they stand."""

import re
from pathlib import Path

from tests.support.workshop import workshop

PAGE = (Path(__file__).parents[2] / "docs" / "quick-start.md").read_text(encoding="utf-8")
BLOCK = re.compile(r"<!-- (\w+) -->\n```\w+\n(.*?)```", re.DOTALL)


def test_the_commands_of_the_page_run_on_its_policy(tmp_path: Path) -> None:
    blocks = dict(BLOCK.findall(PAGE))
    commands = [line.split("#")[0].split() for line in blocks["commands"].splitlines()]

    with workshop(tmp_path) as web:
        web.reconciler.write_policy(blocks["policy"].replace("ghcr.io/acme/web", web.repository))
        ended = [web.reconciler(*arguments) for _, *arguments in commands]

    assert [arguments for _, *arguments in commands] == [["validate"], ["plan"]]
    # The page says so: the first plan of an old package is usually stopped by a guard.
    assert [one.code for one in ended] == [0, 3]
    assert "3 images expired by previews" in ended[1].stdout
    assert f"--allow max_delete_percent:{web.repository}=" in ended[1].stdout
