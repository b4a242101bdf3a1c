"""Which files hold policies, and their bytes."""

from collections.abc import Iterable
from pathlib import Path

from reconciler.model.display import safe
from reconciler.model.problems import PolicyProblems, Problem
from reconciler.policyfile.compose import MAX_BYTES

MAX_FILES = 1_000
"""Most policy files of one run."""

_SUFFIXES = (".yaml", ".yml")
_TESTS = (".test.yaml", ".test.yml")


def is_policy_file(name: str) -> bool:
    """Whether a file of a directory holds policies: YAML, but not a policy's test."""
    return name.endswith(_SUFFIXES) and not name.endswith(_TESTS)


def policy_files(paths: Iterable[Path]) -> list[Path]:
    """Return the files that are named, or lie below a directory that is; each once, in order.

    Hidden files and directories are passed over, as shells do.

    Raises: PolicyProblems, for a directory that holds no policy, or far too many.
    """
    found: dict[Path, Path] = {}
    for path in paths:
        for file in _below(path) if path.is_dir() else [path]:
            found.setdefault(file.resolve(), file)
        if len(found) > MAX_FILES:
            raise _refusal(path, f"this makes more than {MAX_FILES} policy files; name fewer")
    return list(found.values())


def read(path: Path) -> bytes:
    """Return the bytes of a policy file; of one that is too large, enough to be refused.

    Raises: PolicyProblems, when it cannot be read.
    """
    try:
        if not path.is_file():
            there = path.exists()
            words = "this is not a regular file" if there else "there is no such file or directory"
            raise _refusal(path, words)
        with path.open("rb") as file:
            return file.read(MAX_BYTES + 1)
    except OSError as error:
        raise _refusal(path, f"this cannot be read: {error.strerror}") from error


def name_of(path: Path) -> str:
    """Return the name of a file as messages and plans show it."""
    return safe(path.as_posix())


def _below(directory: Path) -> list[Path]:
    files = sorted(
        path
        for path in directory.rglob("*")
        if is_policy_file(path.name) and not _hidden(path.relative_to(directory))
    )
    if not files:
        raise _refusal(directory, "this directory holds no policy file (*.yaml or *.yml)")
    return files


def _hidden(path: Path) -> bool:
    return any(part.startswith(".") for part in path.parts)


def _refusal(path: Path, message: str) -> PolicyProblems:
    return PolicyProblems([Problem(name_of(path), 0, 0, "", message)])
