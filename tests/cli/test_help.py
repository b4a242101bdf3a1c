"""`--help` is quick, names every command, and fits the terminal."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from reconciler.__main__ import answer, run
from reconciler.commands._group import LazyCommands
from reconciler.commands._overview import COMMANDS, EXAMPLES, EXIT_CODES, OPTIONS, VARIABLES
from reconciler.errors import ExitCode
from reconciler.logs import FORMAT
from reconciler.settings import Settings
from tests.support.command_lines import parsed
from tests.support.plans import image, part, plan

HEAVY = {
    *("deepdiff", "httpcore", "httpx", "jinja2", "pydantic", "rich", "structlog", "yaml"),
    *("reconciler.engine", "reconciler.providers", "reconciler.session", "reconciler.settings"),
}
"""What help and completion must not load: a command loads it when it runs."""

MOST_OF_OURS = 12
"""Modules of this package that the help of one command may load."""

LOADED = """
import json, sys
from reconciler.__main__ import run
from reconciler.commands._overview import COMMANDS

loaded = {}
for name in [None, *COMMANDS]:
    for module in [module for module in sys.modules if module.startswith("reconciler.commands")]:
        del sys.modules[module]
    run([name, "--help"] if name else ["--help"])
    loaded[name or ""] = list(sys.modules)
print(json.dumps(loaded), file=sys.stderr)
"""
"""The help of every command in one process, and the modules that were loaded after each."""


@pytest.fixture(autouse=True)
def narrow(monkeypatch: pytest.MonkeyPatch) -> None:
    """Look at it on a terminal of 80 columns."""
    monkeypatch.setenv("COLUMNS", "80")


def test_help_names_every_command_and_loads_nothing_that_commands_work_with() -> None:
    done = subprocess.run(
        [sys.executable, "-c", LOADED], capture_output=True, text=True, check=True, timeout=60
    )
    loaded: dict[str, list[str]] = json.loads(done.stderr)

    assert all(name in done.stdout for name in COMMANDS)
    assert {name: HEAVY & set(modules) for name, modules in loaded.items()} == {
        name: set() for name in ("", *COMMANDS)
    }
    ours = {
        name: [module for module in modules if module.startswith("reconciler.")]
        for name, modules in loaded.items()
    }
    assert {name: found for name, found in ours.items() if len(found) > MOST_OF_OURS} == {}


def test_completion_of_an_option_loads_as_little() -> None:
    environment = {
        **os.environ,
        "_RECONCILER_COMPLETE": "complete_bash",
        "COMP_WORDS": "reconciler plan --ag",
        "COMP_CWORD": "2",
    }
    code = (
        "import sys\nfrom reconciler.__main__ import main\nsys.argv = ['reconciler']\n"
        "try:\n    main()\n"
        "finally:\n    print(*sys.modules, file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
        env=environment,
    )

    assert "--against" in done.stdout
    assert not HEAVY & set(done.stderr.split())


@pytest.mark.parametrize("argument", ["--help", "--version"])
def test_the_help_and_the_version_alone_load_not_even_what_reads_command_lines(
    argument: str,
) -> None:
    code = (
        f"import sys\nsys.argv = ['reconciler', {argument!r}]\n"
        "from reconciler.__main__ import main\nmain()\n"
        "print(*sys.modules, file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )

    assert not {"typer", *HEAVY} & set(done.stderr.split())


def test_show_and_validate_load_no_session_and_no_log(tmp_path: Path) -> None:
    (tmp_path / "plan.json").write_bytes(plan(part([image("v1")], versions=3)).to_bytes())
    code = (
        "import sys\nfrom reconciler.__main__ import run\n"
        "codes = [run(['show', 'plan.json']), run(['validate', sys.argv[1]])]\n"
        "print(*sys.modules, file=sys.stderr)\nsys.exit(max(codes))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(Path("policies").resolve())],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
        cwd=tmp_path,
    )

    assert not (HEAVY - {"pydantic", "rich", "yaml"}) & set(done.stderr.split())


@pytest.mark.parametrize("columns", ["50", "66", "80", "200"])
def test_the_overview_has_all_that_the_library_would_write(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, columns: str
) -> None:
    monkeypatch.setenv("COLUMNS", columns)
    run(["--help"])
    printed = capsys.readouterr().out
    with monkeypatch.context() as patch:
        patch.delattr(LazyCommands, "format_help")
        run(["-h"])

    assert printed == answer(["--help"]) == answer(["-h"]) == answer([])
    assert max(map(len, printed.splitlines())) <= max(int(columns), 66)
    words = " ".join(printed.split())
    written = capsys.readouterr().out
    names = re.findall(r"^  (?:-h, )?(-*\w[\w-]+)  ", written, re.MULTILINE)
    assert set(names) == {*OPTIONS, *COMMANDS}
    assert [text for text in (*OPTIONS.values(), *COMMANDS.values()) if text not in words] == []


def test_the_overview_explains_every_exit_code_and_every_setting() -> None:
    assert {int(code) for code in EXIT_CODES} == set(ExitCode)
    named = {name for names in VARIABLES for name in names.split(", ")}
    ours = {
        f"RECONCILER_{name.upper()}"
        for name, field in Settings.model_fields.items()
        if field.validation_alias is None
    }
    assert named >= {*ours, FORMAT, "GITHUB_TOKEN", "GH_TOKEN"}


@pytest.mark.parametrize("example", EXAMPLES)
def test_each_example_is_a_command_line(example: str) -> None:
    program, *arguments = example.split()

    assert program == "reconciler"
    parsed(arguments)


@pytest.mark.parametrize("group", ["log", "state", "lock"])
def test_a_group_without_a_command_is_a_question(
    capsys: pytest.CaptureFixture[str], group: str
) -> None:
    assert run([group]) == ExitCode.OK

    printed = capsys.readouterr()
    assert printed.out.startswith(f"Usage: reconciler {group}")
    assert printed.err == ""


@pytest.mark.parametrize("name", COMMANDS)
def test_each_command_has_the_short_option_for_help(
    capsys: pytest.CaptureFixture[str], name: str
) -> None:
    assert run([name, "-h"]) == ExitCode.OK

    short = capsys.readouterr().out
    assert run([name, "--help"]) == ExitCode.OK
    assert short == capsys.readouterr().out


def test_the_version_is_the_same_before_other_arguments(
    capsys: pytest.CaptureFixture[str],
) -> None:
    run(["--version", "plan"])

    assert capsys.readouterr().out == answer(["--version"])


@pytest.mark.parametrize("name", COMMANDS)
def test_each_command_says_in_80_columns_what_it_does(
    capsys: pytest.CaptureFixture[str], name: str
) -> None:
    code = run([name, "--help"])

    lines = capsys.readouterr().out.splitlines()
    assert code == 0
    assert lines[0].startswith(f"Usage: reconciler {name}")
    assert max(map(len, lines)) <= 80


def test_the_terminal_breaks_the_lines_of_a_paragraph(capsys: pytest.CaptureFixture[str]) -> None:
    run(["undo", "--help"])

    printed = capsys.readouterr().out
    assert (
        "  A tag that another image has now is not moved back. Restored images are\n"
        "  held: no plan deletes them until they are released with --release."
    ) in printed
