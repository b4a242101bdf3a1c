"""Read the policy files of a git revision by the same rules as those of the work tree."""

import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from os import fsdecode
from pathlib import Path, PurePosixPath

from reconciler.errors import GitError, PolicyError
from reconciler.git import WorkTree, work_tree_of
from reconciler.model.base import safe
from reconciler.model.language import PolicyProblems, Problem
from reconciler.policyfile.files import MAX_FILES, is_hidden, is_policy_file, name_of
from reconciler.policyfile.load import PolicySet, load_texts
from reconciler.yamltree.compose import MAX_BYTES

MAX_REFERENCE = 250
"""Longest name of a revision, in characters."""

_ROW = re.compile(r"(\d+) (\w+) ([0-9a-f]+) +(\d+|-)\t(.*)", re.DOTALL)
"""Mode, type, id, size and path of a file, as `git ls-tree --long` prints them."""

_REGULAR = "100"
"""How the mode of a regular file begins; a link to another file has another mode."""

_REFERENCE = re.compile(r"[^\s\x00-\x20\x7f-][^\s\x00-\x20\x7f]*")
"""The name of a revision: no spaces, no controls, and nothing that looks like an option."""

_RUN_IN_CLONE = "Run it in the clone that contains the policies."

_PARTIAL_CLONE = (
    "This is a partial clone, and nothing is fetched while a plan is made: clone without"
    " `--filter`, or run `git fetch --refetch --no-filter origin`."
)


@dataclass(frozen=True, slots=True)
class Revision:
    """The policies of one revision. Shape: `commit` is its full id.

    With `problems` there are no policies and no error: the change under review may fix them.
    """

    reference: str
    commit: str
    policies: PolicySet
    problems: tuple[Problem, ...] = ()


@dataclass(frozen=True, slots=True)
class _Blob:
    """One policy file of a revision."""

    path: Path
    id: str


def load_revision(paths: Sequence[Path], reference: str) -> Revision:
    """Return the policies that the same paths had in a revision; none, where they did not exist.

    The revision is read from the work tree of the current folder; `reconciler.git` explains why
    git runs in no other folder.

    Raises: PolicyError, when git does not know the revision, or a path is outside; GitError.
    """
    tree = work_tree_of(Path.cwd())
    if tree is None:
        where = safe(Path.cwd().as_posix())
        raise PolicyError(f"{where}: this is not inside a git clone", hint=_RUN_IN_CLONE)
    names = []
    for path in paths:
        name = tree.path_of(path)
        if name is None:
            there = safe(tree.top.as_posix())
            raise PolicyError(
                f"{name_of(path)}: this is outside of the clone {there}", hint=_RUN_IN_CLONE
            )
        names.append(name)
    commit = _commit(tree, reference)
    blobs: dict[str, _Blob] = {}
    try:
        for path, name in zip(paths, names, strict=True):
            blobs |= _blobs(tree, path, name, commit)
        # Read in one call of git, after all sizes were checked.
        policies = load_texts(_texts(tree, blobs.values()))
    except PolicyProblems as error:
        # Not an error: the change under review may be the one that corrects them.
        return Revision(reference, commit, load_texts([]), error.problems)
    return Revision(reference, commit, policies)


def _commit(tree: WorkTree, reference: str) -> str:
    """Return the id of the commit that a revision names."""
    # The name is an argument of git and comes from a workflow, so it must not be read as an option.
    if len(reference) > MAX_REFERENCE or not _REFERENCE.fullmatch(reference):
        quoted = safe(reference[:MAX_REFERENCE])
        raise PolicyError(f"{quoted!r} is not a revision", hint="Write one such as origin/main.")
    # `^{commit}` follows annotated tags, and refuses names of trees and blobs.
    commit = tree.answer("rev-parse", "--verify", "--quiet", f"{reference}^{{commit}}")
    if not commit:
        where = safe(tree.top.as_posix())
        raise PolicyError(
            f"{where}: git has no revision {reference}", hint=_remedy(tree, reference)
        )
    return commit


def _remedy(tree: WorkTree, reference: str) -> str:
    """Return a hint how to get a revision that this clone does not have."""
    # The usual cause in CI: actions/checkout fetches one commit.
    if tree.answer("rev-parse", "--is-shallow-repository") == "true":
        return (
            "This clone is shallow: set `fetch-depth: 0` for actions/checkout, or run"
            " `git fetch --unshallow origin`."
        )
    if tree.answer("rev-parse", "--verify", "--quiet", f"origin/{reference}^{{commit}}"):
        return f"Write origin/{reference}: there is no local branch of that name."
    return "Name a branch, a tag or a commit that this clone has; `git fetch origin` brings more."


def _blobs(tree: WorkTree, path: Path, name: str, commit: str) -> dict[str, _Blob]:
    """Return the policy files below a path in a commit, by their names in git.

    Raises: PolicyProblems, for a file that is too large, or a symbolic link.
    """
    wanted = ["--", name] if name else []
    # With -z git does not quote unusual names; the tree is listed from its top wherever git runs.
    listed = _read(tree, "ls-tree", "-r", "-l", "-z", "--full-tree", commit, *wanted)
    blobs: dict[str, _Blob] = {}
    for row in fsdecode(listed).split("\0"):
        part = _ROW.fullmatch(row)
        if not part or part[2] != "blob":
            continue
        inner = PurePosixPath(part[5]).relative_to(name)
        # A path that was a symbolic link in that commit is refused below. Read as a folder without
        # policies it would hide what the change removes.
        is_itself = inner == PurePosixPath()
        is_policy = is_policy_file(inner.name) and not is_hidden(inner)
        if path.is_dir() and not is_policy and not (is_itself and _is_link(part[1])):
            continue
        message = ""
        if _is_link(part[1]):
            message = "this is a symbolic link in that revision, and such links are not followed"
        # The size is checked before anything is read, because a branch may have a file of any size.
        elif int(part[4]) > MAX_BYTES:
            message = f"the file is larger than {MAX_BYTES} bytes in that revision; split it"
        if message:
            raise PolicyProblems([Problem(name_of(path / inner), 0, 0, "", message)])
        blobs[part[5]] = _Blob(path / inner, part[3])
    return blobs


def _read(tree: WorkTree, *arguments: str, given: bytes = b"") -> bytes:
    """Read objects from git; in a partial clone the error explains what is missing.

    Raises: GitError.
    """
    try:
        return tree.output(*arguments, given=given)
    except GitError as error:
        if tree.answer("config", "--get-regexp", r"^remote\..*\.promisor$"):
            raise GitError(str(error), hint=_PARTIAL_CLONE) from error
        raise


def _is_link(mode: str) -> bool:
    return not mode.startswith(_REGULAR)


def _texts(tree: WorkTree, blobs: Collection[_Blob]) -> Iterator[tuple[str, bytes]]:
    """Yield the name and the content of each file, all read at once.

    Raises: PolicyProblems, when they are far too many.
    """
    if len(blobs) > MAX_FILES:
        raise PolicyProblems(
            [Problem("", 0, 0, "", f"there are more than {MAX_FILES} policy files")]
        )
    ids = "".join(f"{blob.id}\n" for blob in blobs)
    answer = _read(tree, "cat-file", "--batch", given=ids.encode())
    for blob in blobs:
        # `cat-file --batch` prints a line that ends with the size, then the content and a newline.
        heading, _, rest = answer.partition(b"\n")
        size = int(heading.rpartition(b" ")[2])
        yield name_of(blob.path), rest[:size]
        answer = rest[size + 1 :]
