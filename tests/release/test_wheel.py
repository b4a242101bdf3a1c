"""The wheel alone, in an environment that has nothing else."""

import json
import os
import subprocess
import sys
import tomllib
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


def run(program: Path, home: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    """Run a program with an empty home, where no checkout is."""
    return subprocess.run(
        [str(program), *arguments],
        cwd=home,
        env={"HOME": str(home), "PATH": os.defpath},
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
