"""The container file: what it may do, and its steps run here, in environments of their own."""

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

from tests.support.distribution import ROOT, tracked

TEXT = (ROOT / "Dockerfile").read_text(encoding="utf-8")
SECONDS = 300


def instructions(text: str) -> list[tuple[str, str]]:
    """Return the instructions of a container file, each with its arguments on one line."""
    lines = "\n".join(line for line in text.splitlines() if not line.startswith("#"))
    joined = re.sub(r"\\\n\s*", "", lines)
    return [
        (name, rest.strip())
        for name, _, rest in (line.partition(" ") for line in joined.splitlines() if line)
    ]


STEPS = instructions(TEXT)
LAST = STEPS[max(place for place, (name, _) in enumerate(STEPS) if name == "FROM") :]


def arguments(name: str, steps: list[tuple[str, str]] = STEPS) -> list[str]:
    """Return the arguments of all instructions of one name."""
    return [rest for known, rest in steps if known == name]


def test_it_runs_as_a_user_without_rights_and_answers_help_by_default() -> None:
    assert arguments("USER", LAST) == ["65532:65532"]
    assert arguments("ENTRYPOINT", LAST) == ['["reconciler"]']
    assert arguments("CMD", LAST) == ['["--help"]']


def test_the_image_is_made_of_one_folder_and_runs_nothing_while_it_is_built() -> None:
    assert [name for name, _ in LAST] == [
        *("FROM", "COPY", "ENV", "WORKDIR", "USER", "ENTRYPOINT", "CMD"),
    ]
    assert arguments("COPY", LAST) == ["--from=build /opt/reconciler /opt/reconciler"]
    assert len({image.split()[0] for image in arguments("FROM")}) == 1


def test_all_that_it_installs_is_locked_by_hash() -> None:
    commands = [
        command
        for step in arguments("RUN")
        for command in step.split("&&")
        if " pip " in command or "/pip " in command
    ]

    assert len(commands) == 3
    for command in commands:
        assert "--require-hashes" in command or "--no-deps /source/dist/" in command
    assert "ADD" not in dict(STEPS)


def test_what_it_copies_is_let_through_and_exists() -> None:
    ignored = (ROOT / ".dockerignore").read_text(encoding="utf-8").split()
    copied = {
        name.removeprefix("./")
        for rest in arguments("COPY")
        if "--from" not in rest
        for name in shlex.split(rest)[:-1]
    }

    assert ignored[0] == "*"
    assert copied == {line[2:] for line in ignored if line.startswith("!/")}
    assert [name for name in copied if not (ROOT / name).exists()] == []


def run_here(step: str, root: Path) -> str:
    """Return a RUN step for a folder that stands for the root, with uv in place of pip and venv.

    It takes the same arguments and checks the same hashes, in a tenth of the time.
    """
    uv = shlex.quote(str(Path(sys.executable).parent / "uv"))
    quick = re.sub(r"python -m venv( --without-pip)?", f"{uv} venv --quiet --no-project", step)
    quick = re.sub(r"python -m pip --python (\S+) install", rf"{uv} pip install --python \1", quick)
    quick = re.sub(r"(\S+/python) -m pip install", rf"{uv} pip install --python \1", quick)
    return re.sub(r"(?<=[ =])/(opt|source)/", rf"{root}/\1/", f" {quick}").strip()


def test_its_steps_make_an_environment_that_is_whole_and_runs_where_nothing_can_be_written(
    tmp_path: Path,
) -> None:
    source = tracked(tmp_path / "source")
    program = tmp_path / "opt" / "reconciler" / "bin" / "reconciler"
    nowhere = {"PATH": os.defpath, "HOME": "/proc", "RECONCILER_CACHE": "/proc/reconciler"}
    commands = [(run_here(step, tmp_path), dict(os.environ)) for step in arguments("RUN")]
    commands += [(f"{program} {command}", nowhere) for command in ("--help", "validate")]

    for command, environment in commands:
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", command],
            cwd=source,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=SECONDS,
        )
        assert done.returncode == 0, (command, done.stderr)

    checked = (Path(sys.executable).parent / "uv", "pip", "check", "--quiet", "--python")
    subprocess.run([*map(str, checked), str(program.parent / "python")], check=True)
    packages = {path.name.partition("-")[0] for path in program.parents[1].rglob("*.dist-info")}
    assert {"registry_reconciler", "obstore", "psycopg"} <= packages
    assert {"pip", "hatchling"}.isdisjoint(packages)
