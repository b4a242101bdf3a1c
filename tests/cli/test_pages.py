"""Every shell block of every page runs, in a bare environment, with a sandbox as the registry.

Before a block, a comment in the source of the page may say how: `<!-- run: HOW -->`, with one of
the situations below, or `<!-- not run: REASON -->`. A block with another name before it belongs to
a test of its own.
"""

import re
import subprocess
import sys
from collections.abc import Callable, Mapping
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import pytest
from markdown_it import MarkdownIt

from tests.support.cli import SECONDS
from tests.support.cli_harness import CliHarness, served_package

ROOT = Path(__file__).parents[2]
PAGES = (
    "README.md",
    *sorted(f"docs/{path.name}" for path in ROOT.glob("docs/*.md")),
)
COMMENT = re.compile(r"<!-- (.+) -->")
SHELL = ("sh", "bash", "console")
ELSEWHERE = {
    "demo": "tests/cli/test_demo.py",
    "tests": ".ci/run",
    "diagnose": "tests/captures/answer.py",
    "registries": "tests/unit/docs/test_pages.py",
    "commands": "tests/cli/test_quick_start.py",
    "first time": "tests/cli/test_quick_start.py",
    **dict.fromkeys(
        ("copy", "serve", "rehearse", "after", "steer"), "tests/cli/test_sandbox_page.py"
    ),
}
"""The names of blocks that other tests run, with those tests."""

MOST_NOT_RUN = 8
"""Blocks that cannot run here; a new one needs a reason that is better than none."""

FINDINGS = 2
"""The exit code of `check` when it found something, as the pages say."""


class Block(NamedTuple):
    """A block of a page. Shape: `mark` is the comment before it, without signs."""

    page: str
    mark: str
    language: str
    text: str

    @property
    def name(self) -> str:
        """A name for the test."""
        first = self.text.strip().partition("\n")[0]
        return f"{Path(self.page).stem}: {first[:50]}"


def blocks() -> list[Block]:
    """Return the blocks of shell of all pages."""
    found = []
    for page in PAGES:
        tokens = MarkdownIt("commonmark").parse((ROOT / page).read_text(encoding="utf-8"))
        for before, token in pairwise(tokens):
            if token.type == "fence" and token.info in SHELL:
                mark = COMMENT.fullmatch(before.content.strip())
                found.append(Block(page, mark[1] if mark else "", token.info, token.content))
    return found


BLOCKS = blocks()
NOT_RUN = [block for block in BLOCKS if block.mark.startswith("not run: ")]
RUN = [
    block
    for block in BLOCKS
    if block.language != "console" and block not in NOT_RUN and block.mark not in ELSEWHERE
]
TYPED = [block for block in BLOCKS if block.language == "console"]


def nothing(_: CliHarness) -> None:
    """Begin with a policy and a registry."""


def saved(web: CliHarness) -> None:
    """Save a plan."""
    assert web.reconciler("plan", "--out", "plan.json").code == 0


def applied(web: CliHarness) -> None:
    """Apply the policy."""
    assert web.reconciler("apply", "--yes").code == 0


SITUATIONS: Mapping[str, Callable[[CliHarness], None]] = {
    "": nothing,
    "run: with a saved plan": saved,
    "run: each line after an apply": applied,
}


def adapted(text: str, web: CliHarness) -> str:
    """Put the sandbox in the place of the registries that pages name, and answer beforehand."""
    text = text.replace("ghcr.io/", f"{web.repository.registry}/").replace("pr-481", "pr-8")
    text = text.replace(
        "GITHUB_TOKEN=...", f"GITHUB_TOKEN={web.reconciler.environment['GITHUB_TOKEN']}"
    )
    text = re.sub(r"s3://[a-z/-]+", str(web.folder / "elsewhere"), text)
    text = re.sub(
        r"^(?!#)(.*reconciler (?:apply|undo)\b(?!.*--(?:yes|out)).*?)( *#.*)?$",
        r"\1 --yes",
        text,
        flags=re.MULTILINE,
    )
    if "RUN" in text:
        text = re.sub(r"\bRUN\b", web.run, text)
    return text


def play(script: str, web: CliHarness) -> "subprocess.CompletedProcess[str]":
    """Run a script in a shell that knows nothing but where the command is."""
    home = web.folder / "home"
    home.mkdir(exist_ok=True)
    path = f"{Path(sys.executable).parent}:/usr/bin:/bin"
    bare = {"HOME": str(home), "PATH": path, **web.reconciler.environment}
    return subprocess.run(
        ["bash", "-eo", "pipefail", "-c", script],
        cwd=web.folder,
        env=bare,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )


def prepare(web: CliHarness) -> None:
    """Make what pages take for granted: a test of the policy, a workflow in a folder beside."""
    example = "policy: web\nnow: 2026-03-02T12:00:00Z\nimages: [{age: 1h}]\n"
    (web.folder / "policies" / "example.test.yaml").write_text(example)
    workflow = web.folder / ".." / "web" / ".github" / "workflows" / "image.yml"
    workflow.parent.mkdir(parents=True, exist_ok=True)
    workflow.write_text("on: push\njobs: {}\n")


@pytest.mark.parametrize("block", RUN, ids=[block.name for block in RUN])
def test_a_block_of_a_page_runs_as_it_is_written(tmp_path: Path, block: Block) -> None:
    alone = block.mark.startswith("run: each line")
    scripts = block.text.splitlines() if alone else [block.text]
    for number, script in enumerate(scripts):
        folder = tmp_path / str(number) / "here"
        folder.mkdir(parents=True)
        with served_package(folder) as web:
            prepare(web)
            SITUATIONS[block.mark](web)

            ended = play(adapted(script, web), web)

        known = (0, FINDINGS) if script.rstrip().endswith("look") else (0,)
        assert ended.returncode in known, f"{script}\n{ended.stdout}\n{ended.stderr}"


@pytest.mark.parametrize("block", TYPED, ids=[block.name for block in TYPED])
def test_what_a_page_shows_as_typed_is_a_command_line_of_ours(tmp_path: Path, block: Block) -> None:
    typed = re.findall(r"^\$ (reconciler .*)$", block.text, re.MULTILINE)

    with served_package(tmp_path) as web:
        ended = [play(adapted(line, web), web) for line in typed]

    assert typed or block.mark
    # The images of the page are others: a command may not find them, and must know its options.
    wrong = ("No such", "Traceback")
    assert [one.stderr for one in ended if any(text in one.stderr for text in wrong)] == []


def test_blocks_that_do_not_run_are_few_and_have_reasons() -> None:
    assert len(NOT_RUN) <= MOST_NOT_RUN
    assert [block.name for block in NOT_RUN if len(block.mark) < len("not run: because")] == []
    assert [test for test in ELSEWHERE.values() if not (ROOT / test).exists()] == []


def test_every_mark_is_one_that_this_test_knows() -> None:
    marks = {block.mark for block in BLOCKS if not block.mark.startswith("not run: ")}

    assert marks - set(ELSEWHERE) - set(SITUATIONS) == set()
