"""Find the files that contain policies or their tests, and read their bytes."""

import os
from collections.abc import Callable, Iterable
from pathlib import Path, PurePath

from reconciler.model.base import safe
from reconciler.model.language import PolicyProblems, Problem
from reconciler.yamltree.compose import MAX_BYTES

MAX_FILES = 1_000
"""Most policy files of one run."""

CREATE = "Name existing policy files, or create policies/ with `reconciler init`."

_REMEDY = "put the files themselves there, or name the folder that contains them"

_SUFFIXES = (".yaml", ".yml")
_TESTS = (".test.yaml", ".test.yml")


def is_policy_file(name: str) -> bool:
    """Whether a file of a directory contains policies: YAML, but not a policy's test."""
    return name.endswith(_SUFFIXES) and not is_test_file(name)


def is_test_file(name: str) -> bool:
    """Whether a file contains the test of a policy."""
    return name.endswith(_TESTS)


def policy_files(paths: Iterable[Path]) -> list[Path]:
    """Return the files that are named, or are below a directory that is; each once, in order.

    Hidden files and directories are skipped, as shells do.

    Raises: PolicyProblems, for a directory that contains no policy, or too many.
    """
    return _files(paths, is_policy_file, "policy file (*.yaml or *.yml)")


def files_with_tests(paths: Iterable[Path]) -> list[Path]:
    """Return the tests of policies, found as policies are.

    Raises: PolicyProblems, for a directory without a test, or a file that is not one.
    """
    files = _files(paths, is_test_file, "test of a policy (*.test.yaml)")
    other_files = [file for file in files if not is_test_file(file.name)]
    if other_files:
        raise _refusal(
            other_files[0], "this is not a test of a policy: the name of a test ends in .test.yaml"
        )
    return files


def _files(paths: Iterable[Path], wanted: Callable[[str], bool], noun: str) -> list[Path]:
    files: dict[Path, Path] = {}
    for path in paths:
        # Checked before anything behind a link is listed or read.
        _refuse_leaving(path)
        for file in _below(path, wanted, noun) if path.is_dir() else [path]:
            # Two paths may name one file; read twice, its policies would clash with themselves.
            files.setdefault(file.resolve(), file)
        if len(files) > MAX_FILES:
            raise _refusal(path, f"there are more than {MAX_FILES} files; name fewer")
    return list(files.values())


def _refuse_leaving(path: Path) -> None:
    """Refuse a relative path that symbolic links lead out of the current folder.

    The current folder may be a checkout of a stranger's branch, which can contain such links. An
    absolute path, or one that begins with `..`, was chosen by the user.
    """
    here = Path.cwd()
    lexical = Path(os.path.normpath(path))
    if lexical.is_absolute() or lexical.parts[:1] == ("..",):
        return
    if not path.resolve().is_relative_to(here.resolve()):
        raise _refusal(path, f"symbolic links lead out of the current folder; {_REMEDY}")


def read(path: Path) -> bytes:
    """Return the bytes of a policy file; of one that is too large, enough that it is refused.

    Raises: PolicyProblems, when it cannot be read.
    """
    try:
        # A pipe or a device might never end.
        if not path.is_file():
            if path.exists():
                raise _refusal(path, "this is not a regular file")
            raise _refusal(path, "there is no such file or directory", hint=CREATE)
        with path.open("rb") as file:
            # One byte more than allowed is enough for the parser to refuse the file.
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
        # A pull request can add a link to any file of the machine, which a message could then
        # quote.
        if path.is_symlink() and not path.resolve().is_relative_to(inside):
            raise _refusal(
                path,
                f"this is a symbolic link to a place outside of {name_of(directory)}; {_REMEDY}",
            )
    files = sorted(path for path in listed if wanted(path.name))
    if not files:
        raise _refusal(directory, f"this directory contains no {noun}", hint=CREATE)
    return files


def is_hidden(path: PurePath) -> bool:
    """Whether the name of a file, or of a directory above it, begins with a dot."""
    return any(part.startswith(".") for part in path.parts)


def _refusal(path: Path, message: str, *, hint: str = "") -> PolicyProblems:
    return PolicyProblems([Problem(name_of(path), 0, 0, "", message)], hint=hint)
