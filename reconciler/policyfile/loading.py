"""Policy files in, policies out; or every problem of every file, at once."""

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TypeVar

from reconciler.model.problems import PolicyProblems, Problem
from reconciler.policyfile.document import Document, read_document
from reconciler.policyfile.files import name_of, policy_files, read
from reconciler.policyfile.policyset import PolicySet, clashes, gather

Source = TypeVar("Source")


def load_policies(paths: Sequence[Path]) -> PolicySet:
    """Return the policies of the files named, and of all files below the directories named.

    Raises: PolicyProblems, with all problems of all files.
    """
    return _load(policy_files(paths), lambda path: read_document(name_of(path), read(path)))


def load_texts(texts: Iterable[tuple[str, bytes]]) -> PolicySet:
    """Return the policies of files that lie in memory: each a name and its bytes.

    Raises: PolicyProblems, with all problems of all files.
    """
    return _load(texts, lambda text: read_document(*text))


def load_text(name: str, content: bytes) -> PolicySet:
    """Return the policies of one file that lies in memory.

    Raises: PolicyProblems, with all its problems.
    """
    return load_texts([(name, content)])


def _load(sources: Iterable[Source], document: Callable[[Source], Document]) -> PolicySet:
    documents: list[Document] = []
    problems: list[Problem] = []
    for source in sources:
        try:
            documents.append(document(source))
        except PolicyProblems as error:
            problems.extend(error.problems)
    problems.extend(clashes(documents))
    if problems:
        raise PolicyProblems(problems)
    return gather(documents)
