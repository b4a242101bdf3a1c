"""The wheel alone, in an environment that has nothing else."""

import json
import os
import re
import shlex
import subprocess
import sys
import time
import tomllib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.support.distribution import ROOT

SECONDS = 300


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give the folder of programs of a new environment with the wheel and what it requires."""
    folder = tmp_path_factory.mktemp("environment")
    uv = str(Path(sys.executable).parent / "uv")
    python = folder / "bin" / "python"
    for command in (
        [uv, "venv", "--quiet", "--no-project", "--python", sys.executable, str(folder)],
        # The locked versions, with their hashes; the wheel says which of them.
        [
            *(uv, "pip", "install", "--quiet", "--python", str(python), "--no-build"),
            *("--no-config", "--constraint", str(ROOT / "requirements.lock"), str(wheel)),
        ],
    ):
        done = subprocess.run(
            command, cwd=folder, capture_output=True, text=True, check=False, timeout=SECONDS
        )
        assert done.returncode == 0, done.stderr
    return folder / "bin"


def run(
    program: Path, home: Path, *arguments: str, more: Mapping[str, str] | None = None
) -> "subprocess.CompletedProcess[str]":
    """Run a program with an empty home, where no checkout is, and `more` variables."""
    return subprocess.run(
        [str(program), *arguments],
        cwd=home,
        env={"HOME": str(home), "PATH": os.defpath, **(more or {})},
        capture_output=True,
        text=True,
        check=False,
        timeout=SECONDS,
    )


def test_the_demo_runs(installed: Path, tmp_path: Path) -> None:
    done = run(installed / "reconciler", tmp_path, "demo")

    assert (done.returncode, done.stderr) == (0, "")
    assert "tagged images, 0 of them broken.\n" in done.stdout


def test_only_what_it_requires_is_there(installed: Path, tmp_path: Path) -> None:
    code = (
        "import json, reconciler\nfrom importlib.metadata import distributions\n"
        "print(json.dumps([reconciler.__file__, [one.name for one in distributions()]]))"
    )
    where, names = json.loads(run(installed / "python", tmp_path, "-c", code).stdout)
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    required = {canonicalize_name(Requirement(text).name) for text in project["dependencies"]}

    assert Path(where).is_relative_to(installed.parent)
    assert required | {"registry-reconciler"} <= set(map(canonicalize_name, names))
    assert {"pytest", "hatchling", "obstore", "psycopg"}.isdisjoint(names)


@pytest.mark.parametrize(
    ("place", "library"),
    [("s3://bucket/state", "obstore>=0.8"), ("postgresql://a@b/c", "psycopg[binary]>=3.2")],
)
def test_a_missing_library_is_one_sentence_with_the_cure(
    installed: Path, tmp_path: Path, place: str, library: str
) -> None:
    done = run(installed / "reconciler", tmp_path, "state", "doctor", "--state", place)

    assert done.returncode == 78
    assert "Traceback" not in done.stderr
    assert f"{installed / 'python'} -m pip install '{library}'" in done.stderr.replace("\n", " ")


def test_init_asks_where_its_action_is_only_if_it_was_not_released(
    installed: Path, tmp_path: Path
) -> None:
    done = run(installed / "reconciler", tmp_path, "init", "127.0.0.1:9/acme/web")

    workflow = tmp_path / ".github" / "workflows" / "retention.yml"
    assert done.returncode == 0, done.stderr
    assert f"@{'0123456789' * 4}  # v" in workflow.read_text(encoding="utf-8")


@contextmanager
def sandbox(program: Path, home: Path) -> Iterator[dict[str, str]]:
    """Serve the package of a lifelike project, and give the variables that it prints."""
    with subprocess.Popen(
        [str(program), "sandbox"],
        cwd=home,
        env={"HOME": str(home), "PATH": os.defpath},
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout
        try:
            # `export NAME='value'`, as a shell evaluates it.
            lines = [shlex.split(process.stdout.readline())[1] for _ in range(2)]
            yield dict(line.split("=", 1) for line in lines)
        finally:
            process.terminate()


def test_a_newcomer_sees_the_answer_in_a_minute_and_a_safe_plan_in_five(
    installed: Path, tmp_path: Path
) -> None:
    program = installed / "reconciler"
    with sandbox(program, tmp_path) as variables:
        (host,) = json.loads(variables["RECONCILER_REGISTRIES"])
        command, times = ["diagnose", f"{host}/acme/web"], []
        began = time.monotonic()
        # Only what a command itself says to do next is typed.
        for _ in range(3):
            ended = run(program, tmp_path, *command, more=variables)
            times.append(time.monotonic() - began)
            assert ended.returncode == 0, ended.stderr
            if len(times) == 1:
                assert re.match(r"\d+% of 1,022 versions, .* are needed by nothing", ended.stdout)
            nexts = [line for line in ended.stderr.splitlines() if "reconciler " in line]
            command = shlex.split(nexts[-1].partition("reconciler ")[2].partition("  (")[0])

    plan = json.loads((tmp_path / "plan.json").read_text(encoding="utf-8"))
    assert plan["summary"]["delete"] > 0
    # The moving tags, and a floor of images for each family, stay.
    (part,) = plan["repositories"]
    deleted = {tag for change in part["changes"] for tag in change["observed"]["tags"]}
    assert deleted.isdisjoint({"latest", "main"})
    # What is promised; it takes a few seconds each.
    assert times[0] < 60
    assert times[-1] < 300
    assert command[:2] == ["apply", "plan.json"]
