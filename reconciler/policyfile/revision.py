"""The policy files of a git revision, found as those of the work tree are."""

import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from os import fsdecode
from pathlib import Path

from reconciler.errors import PolicyError
from reconciler.model.display import safe
from reconciler.model.problems import PolicyProblems, Problem
from reconciler.policyfile.files import MAX_FILES, is_hidden, is_policy_file, name_of
from reconciler.policyfile.git import Git
from reconciler.policyfile.loading import load_texts
from reconciler.policyfile.policyset import PolicySet
from reconciler.yamltree.compose import MAX_BYTES

MAX_REFERENCE = 250
"""Longest name of a revision, in characters."""

_ROW = re.compile(r"(\d+) (\w+) ([0-9a-f]+) +(\d+|-)\t(.*)", re.DOTALL)
"""Mode, type, id, size and path of a file, as `git ls-tree --long` prints them."""

_REGULAR = "100"
"""How the mode of a regular file begins; a link to another file has another mode."""

_REFERENCE = re.compile(r"[^\s\x00-\x20\x7f-][^\s\x00-\x20\x7f]*")
"""The name of a revision: no spaces, no controls, and nothing that looks like an option."""


@dataclass(frozen=True, slots=True)
class Revision:
    """The policies of one revision. Shape: `commit` is its full id.

    Where they have `problems` there are no policies: a change may be what corrects them.
    """

    reference: str
    commit: str
    policies: PolicySet
    problems: tuple[Problem, ...] = ()


@dataclass(frozen=True, slots=True)
class _Blob:
    """One policy file of a revision, and the folder in which to ask for it."""

    path: Path
    id: str
    git: Git


def load_revision(paths: Sequence[Path], reference: str) -> Revision:
    """Return the policies that the same paths held in a revision; none, where they did not exist.

    Raises: PolicyError, when git does not know the revision.
    """
    asked = [(Git(path if path.is_dir() else path.parent), path) for path in paths]
    commits = [_commit(git, reference) for git, _ in asked]
    found: dict[Path, _Blob] = {}
    try:
        for (git, path), commit in zip(asked, commits, strict=True):
            found |= {blob.path.resolve(): blob for blob in _blobs(git, path, commit)}
        policies = load_texts(_texts(found.values()))
    except PolicyProblems as error:
        return Revision(reference, commits[0], load_texts([]), error.problems)
    return Revision(reference, commits[0], policies)


def _commit(git: Git, reference: str) -> str:
    """Return the id of the commit that a revision names."""
    if len(reference) > MAX_REFERENCE or not _REFERENCE.fullmatch(reference):
        quoted = safe(reference[:MAX_REFERENCE])
        raise PolicyError(f"{quoted!r} is not a revision", hint="Write one such as origin/main.")
    # Also for git's own words, where it will not look into this folder at all.
    git.text("rev-parse", "--show-toplevel")
    commit = git.answer("rev-parse", "--verify", "--quiet", f"{reference}^{{commit}}")
    if not commit:
        where = safe(git.folder.as_posix())
        raise PolicyError(f"{where}: git has no revision {reference}", hint=_cure(git, reference))
    return commit


def _cure(git: Git, reference: str) -> str:
    """Say how to get a revision that is not here."""
    if git.answer("rev-parse", "--is-shallow-repository") == "true":
        return (
            "This clone is shallow: set `fetch-depth: 0` for actions/checkout, or run"
            " `git fetch --unshallow origin`."
        )
    if git.answer("rev-parse", "--verify", "--quiet", f"origin/{reference}^{{commit}}"):
        return f"Write origin/{reference}: there is no local branch of that name."
    return "Name a branch, a tag or a commit that this clone has; `git fetch origin` brings more."


def _blobs(git: Git, path: Path, commit: str) -> Iterator[_Blob]:
    """Yield the policy files that a path holds in a commit, in the order of their names.

    Raises: PolicyProblems, for one that is too large, or a link.
    """
    prefix = git.text("rev-parse", "--show-prefix")
    wanted = prefix if path.is_dir() else prefix + path.name
    listed = git.output(
        "ls-tree", "-r", "-l", "-z", "--full-tree", commit, *(["--", wanted] if wanted else [])
    )
    for row in fsdecode(listed).split("\0"):
        found = _ROW.fullmatch(row)
        if not found or found[2] != "blob":
            continue
        file = git.folder / found[5].removeprefix(prefix)
        if path.is_dir() and not _is_policy(file.relative_to(path)):
            continue
        _check(file, mode=found[1], size=int(found[4]))
        yield _Blob(file, found[3], git)


def _is_policy(relative: Path) -> bool:
    return is_policy_file(relative.name) and not is_hidden(relative)


def _check(file: Path, *, mode: str, size: int) -> None:
    words = ""
    if not mode.startswith(_REGULAR):
        words = "this is a link there, and links of a revision are not followed"
    elif size > MAX_BYTES:
        words = f"the file is larger than {MAX_BYTES} bytes there; split it"
    if words:
        raise PolicyProblems([Problem(name_of(file), 0, 0, "", words)])


def _texts(blobs: Collection[_Blob]) -> Iterator[tuple[str, bytes]]:
    """Yield the name and the content of each file, those of one folder read at once.

    Raises: PolicyProblems, when they are far too many.
    """
    if len(blobs) > MAX_FILES:
        raise PolicyProblems([Problem("", 0, 0, "", f"these are more than {MAX_FILES} files")])
    by_git: dict[Git, list[_Blob]] = {}
    for blob in blobs:
        by_git.setdefault(blob.git, []).append(blob)
    for git, asked in by_git.items():
        ids = "".join(f"{blob.id}\n" for blob in asked)
        answer = git.output("cat-file", "--batch", given=ids.encode())
        for blob in asked:
            # A line with the size, the content, and a line break.
            heading, _, rest = answer.partition(b"\n")
            size = int(heading.rpartition(b" ")[2])
            yield name_of(blob.path), rest[:size]
            answer = rest[size + 1 :]
