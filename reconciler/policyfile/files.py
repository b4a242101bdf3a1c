"""Which files hold policies, and their bytes."""

import os
from collections.abc import Callable, Iterable
from pathlib import Path, PurePath

from reconciler.model.base import safe
from reconciler.model.language import PolicyProblems, Problem
from reconciler.yamltree.compose import MAX_BYTES

MAX_FILES = 1_000
"""Most policy files of one run."""

CREATE = "Name existing policy files, or create policies/ with `reconciler init`."

_CURE = "put the files themselves there, or name the folder that they lie in"

_SUFFIXES = (".yaml", ".yml")
_TESTS = (".test.yaml", ".test.yml")


def is_policy_file(name: str) -> bool:
    """Whether a file of a directory holds policies: YAML, but not a policy's test."""
    return name.endswith(_SUFFIXES) and not is_test_file(name)


def is_test_file(name: str) -> bool:
    """Whether a file holds the test of a policy."""
    return name.endswith(_TESTS)


def policy_files(paths: Iterable[Path]) -> list[Path]:
    """Return the files that are named, or lie below a directory that is; each once, in order.

    Hidden files and directories are passed over, as shells do.

    Raises: PolicyProblems, for a directory that holds no policy, or far too many.
    """
    return _files(paths, is_policy_file, "policy file (*.yaml or *.yml)")


def files_with_tests(paths: Iterable[Path]) -> list[Path]:
    """Return the tests of policies, found as policies are.

    Raises: PolicyProblems, for a directory without a test, or a file that is none.
    """
    files = _files(paths, is_test_file, "test of a policy (*.test.yaml)")
    strangers = [file for file in files if not is_test_file(file.name)]
    if strangers:
        raise _refusal(strangers[0], "this is no test of a policy: its name ends in .test.yaml")
    return files


def _files(paths: Iterable[Path], wanted: Callable[[str], bool], noun: str) -> list[Path]:
    found: dict[Path, Path] = {}
    for path in paths:
        _refuse_leaving(path)
        for file in _below(path, wanted, noun) if path.is_dir() else [path]:
            found.setdefault(file.resolve(), file)
        if len(found) > MAX_FILES:
            raise _refusal(path, f"this makes more than {MAX_FILES} files; name fewer")
    return list(found.values())


def _refuse_leaving(path: Path) -> None:
    """Refuse a path below the current folder that links lead out of it.

    What lies there may be a stranger's branch. A path that is absolute, or goes up by itself, was
    chosen by whoever wrote it.
    """
    here = Path.cwd()
    lexical = Path(os.path.normpath(path))
    if lexical.is_absolute() or lexical.parts[:1] == ("..",):
        return
    if not path.resolve().is_relative_to(here.resolve()):
        raise _refusal(path, f"links lead from here out of the current folder; {_CURE}")


def read(path: Path) -> bytes:
    """Return the bytes of a policy file; of one that is too large, enough to be refused.

    Raises: PolicyProblems, when it cannot be read.
    """
    try:
        if not path.is_file():
            if path.exists():
                raise _refusal(path, "this is not a regular file")
            raise _refusal(path, "there is no such file or directory", hint=CREATE)
        with path.open("rb") as file:
            return file.read(MAX_BYTES + 1)
    except OSError as error:
        raise _refusal(path, f"this cannot be read: {error.strerror}") from error


def name_of(path: Path) -> str:
    """Return the name of a file as messages and plans show it."""
    return safe(path.as_posix())


def _below(directory: Path, wanted: Callable[[str], bool], noun: str) -> list[Path]:
    listed = [path for path in directory.rglob("*") if not is_hidden(path.relative_to(directory))]
    inside = directory.resolve()
    for path in listed:
        if path.is_symlink() and not path.resolve().is_relative_to(inside):
            raise _refusal(path, f"this is a link that leads out of {name_of(directory)}; {_CURE}")
    files = sorted(path for path in listed if wanted(path.name))
    if not files:
        raise _refusal(directory, f"this directory holds no {noun}", hint=CREATE)
    return files


def is_hidden(path: PurePath) -> bool:
    """Whether a file, or a directory on the way to it, is one that shells do not show."""
    return any(part.startswith(".") for part in path.parts)


def _refusal(path: Path, message: str, *, hint: str = "") -> PolicyProblems:
    return PolicyProblems([Problem(name_of(path), 0, 0, "", message)], hint=hint)
