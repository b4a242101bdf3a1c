"""The wheel and the sdist of this tree, built once for all workers of a test session."""

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest
from filelock import FileLock

ROOT = Path(__file__).parents[2]
_SECONDS = 180


def tracked(folder: Path) -> Path:
    """Copy what a clean clone of this tree has, uncommitted changes included, to a folder."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    for name in filter(None, listed.stdout.split("\0")):
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(ROOT / name, folder / name)
    return folder


def build(source: Path, folder: Path, variables: Mapping[str, str] | None = None) -> None:
    """Build the wheel and the sdist of a source tree into a folder, as a release does."""
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "--directory", str(folder)],
        cwd=source,
        env={**os.environ, **(variables or {})},
        capture_output=True,
        check=True,
        timeout=_SECONDS,
    )


def release(
    tmp_path_factory: pytest.TempPathFactory, commit: str = "0123456789" * 4
) -> tuple[Path, Path]:
    """Return a clean copy of this tree, stamped for a release, and the folder of what it builds.

    Workers share both: the first one to come builds.
    """
    base = tmp_path_factory.getbasetemp()
    # Each worker has a folder of its own below that of the session.
    shared = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base
    source, built = shared / "release-source", shared / "release-built"
    with FileLock(shared / "release.lock"):
        if not built.exists():
            tracked(source)
            subprocess.run(
                [sys.executable, "-m", "tools.release", "stamp", commit],
                cwd=source,
                check=True,
                capture_output=True,
                timeout=_SECONDS,
            )
            build(source, built)
    return source, built
