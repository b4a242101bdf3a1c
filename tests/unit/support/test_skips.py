"""The plugin that makes a skip visible where nobody watches."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

_SKIPS = """
import pytest

def test_one():
    pytest.skip("no server")

@pytest.mark.skip(reason="later")
def test_two(): ...

@pytest.mark.xfail(reason="known", strict=True)
def test_three():
    raise AssertionError
"""


@pytest.mark.parametrize(
    ("ci", "ending"),
    [("true", "1 failed, 1 xfailed, 2 errors in"), ("", "3 skipped, 1 xfailed in")],
)
def test_a_skip_fails_in_ci_and_nowhere_else(ci: str, ending: str, tmp_path: Path) -> None:
    (tmp_path / "test_skips.py").write_text(_SKIPS)
    (tmp_path / "test_module.py").write_text("import pytest\npytest.importorskip('absent')\n")
    options = ["-p", "tests.support.skips", "--continue-on-collection-errors", str(tmp_path)]

    ran = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", *options],
        env={**os.environ, "CI": ci},
        capture_output=True,
        check=False,
        text=True,
        timeout=60,
    )

    assert ending in ran.stdout.splitlines()[-1]
