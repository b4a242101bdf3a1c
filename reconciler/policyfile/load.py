"""Load policy files: all policies with their places, or every problem of every file at once."""

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, TypeVar

from reconciler.core.lint import lint
from reconciler.model.base import safe
from reconciler.model.language import PolicyProblems, Problem
from reconciler.model.names import Repository
from reconciler.model.policy import Policy, PolicyFile, policy_for
from reconciler.model.sources import PolicySource
from reconciler.policyfile.files import name_of, policy_files, read
from reconciler.policyfile.validate import find, validate
from reconciler.yamltree.compose import compose
from reconciler.yamltree.tree import MapNode, Node, Place

Source = TypeVar("Source")


@dataclass(frozen=True, slots=True)
class Document:
    """A policy file that was accepted."""

    source: PolicySource
    root: Node
    file: PolicyFile

    @property
    def path(self) -> str:
        """The file's name, as the user gave it."""
        return self.source.path

    def place(self, *location: str | int) -> Place:
        """Return the line and column of a part of the file."""
        return find(self.root, location).node.place


def read_document(path: str, content: bytes) -> Document:
    """Read one file from exactly the bytes that are hashed.

    Raises: PolicyProblems, with everything that is wrong with it.
    """
    root = read_map(path, content, "a policy file starts with version: 1, then policies:")
    source = PolicySource(path=path, sha256=hashlib.sha256(content).hexdigest())
    return Document(source, root, validate(path, root))


def read_map(path: str, content: bytes, opening: str) -> MapNode:
    """Return the keys and values of a file; `opening` is the message for a file without any.

    Raises: PolicyProblems, when it has no keys, or is not YAML.
    """
    root = compose(path, content)
    if isinstance(root, MapNode) and root.entries:
        return root
    raise PolicyProblems([Problem(path, *(root.place if root else Place(1, 1)), "", opening)])


class Origin(NamedTuple):
    """The place of a policy or a rule. Units: line and column count from 1."""

    path: str
    line: int
    column: int

    def __str__(self) -> str:
        """Write it as `path:line`, which editors can open."""
        return f"{self.path}:{self.line}"


@dataclass(frozen=True, slots=True)
class PolicySet:
    """The policies of all files given.

    Shape: `origins` is keyed by (policy, "") and by (policy, name of a rule or protection).
    """

    policies: tuple[Policy, ...]
    sources: tuple[PolicySource, ...]
    origins: Mapping[tuple[str, str], Origin]

    def policy_for(self, repository: Repository) -> Policy | None:
        """Return the one policy that governs a repository, None if none does.

        Raises: PolicyError, when two do; the message has the places of both.
        """
        return policy_for(
            repository, self.policies, described=lambda policy: self._described(policy, repository)
        )

    def source_of(self, policy: Policy) -> PolicySource:
        """Return the file that a policy is in."""
        path = self.origins[policy.name, ""].path
        return next(source for source in self.sources if source.path == path)

    def _described(self, policy: Policy, repository: Repository) -> str:
        """Name a policy with its place, and its spelling of the repository if that differs."""
        glob = next(glob for glob in policy.repositories if glob.matches(repository))
        spelled = f", as {safe(glob.spelled)}" if glob.spelled != glob else ""
        return f"{policy.name} ({self.origins[policy.name, '']}{spelled})"


def gather(documents: Sequence[Document]) -> PolicySet:
    """Combine the policies of several files, which must not clash."""
    origins: dict[tuple[str, str], Origin] = {}
    for document, position, policy in _policies(documents):
        origins[policy.name, ""] = _origin(document, "policies", position)
        for key, parts in (("protect", policy.protect), ("rules", policy.rules)):
            names = [part.name for part in parts]
            for entry, name in enumerate(names):
                place = _origin(document, "policies", position, key, entry)
                origins[policy.name, name] = place
    return PolicySet(
        policies=tuple(policy for document in documents for policy in document.file.policies),
        sources=tuple(document.source for document in documents),
        origins=origins,
    )


def clashes(documents: Sequence[Document]) -> Iterator[Problem]:
    """Yield policies that have one name, and repositories that two of them name."""
    first: dict[str, Origin] = {}
    for document, position, policy in _policies(documents):
        origin = _origin(document, "policies", position, "name")
        if policy.name in first:
            message = f"{first[policy.name]} also has a policy of this name; give each its own name"
            yield Problem(*origin, policy.name, message)
        # Of three equal names, the second and the third refer to the first.
        first.setdefault(policy.name, origin)
    yield from _shared_repositories(documents)


def _shared_repositories(documents: Sequence[Document]) -> Iterator[Problem]:
    """Yield repositories that two policies name; patterns can only be compared with a registry."""
    first: dict[Repository, tuple[Policy, Origin, str]] = {}
    for document, position, policy in _policies(documents):
        for entry, glob in enumerate(policy.repositories):
            repository = glob.literal
            # A pattern, or a repository that the policy itself excludes.
            if repository is None or not policy.governs(repository):
                continue
            origin = _origin(document, "policies", position, "repositories", entry)
            claim = (policy, origin, glob.spelled)
            owner, place, spelled = first.setdefault(repository, claim)
            if owner is not policy:
                same = f"{glob.spelled} is {spelled}, which" if glob.spelled != spelled else spelled
                message = (
                    f"{same} belongs to policy {owner.name} ({place}); remove it from one of them"
                )
                yield Problem(*origin, policy.name, message)


def _policies(documents: Sequence[Document]) -> Iterator[tuple[Document, int, Policy]]:
    for document in documents:
        for position, policy in enumerate(document.file.policies):
            yield document, position, policy


def _origin(document: Document, *location: str | int) -> Origin:
    return Origin(document.path, *document.place(*location))


def load_policies(paths: Sequence[Path]) -> PolicySet:
    """Return the policies of the files named, and of all files below the directories named.

    Raises: PolicyProblems, with all problems of all files.
    """
    return _load(policy_files(paths), lambda path: read_document(name_of(path), read(path)))


def load_texts(texts: Iterable[tuple[str, bytes]]) -> PolicySet:
    """Return the policies of files in memory, each given as a name and its bytes.

    Raises: PolicyProblems, with all problems of all files.
    """
    return _load(texts, lambda text: read_document(*text))


def load_text(name: str, content: bytes) -> PolicySet:
    """Return the policies of one file in memory.

    Raises: PolicyProblems, with all its problems.
    """
    return load_texts([(name, content)])


def _load(sources: Iterable[Source], document: Callable[[Source], Document]) -> PolicySet:
    documents: list[Document] = []
    problems: list[Problem] = []
    hints: set[str] = set()
    for source in sources:
        try:
            documents.append(document(source))
        except PolicyProblems as error:
            problems.extend(error.problems)
            hints.add(error.hint)
    # Files with problems take no part, so a clash with one of them is found by the next run.
    problems.extend(clashes(documents))
    if problems:
        # A hint about one file would mislead where files have different problems.
        raise PolicyProblems(problems, hint=hints.pop() if len(hints) == 1 else "")
    return gather(documents)


def remarks_on(policies: PolicySet) -> tuple[Problem, ...]:
    """Return remarks on accepted policies, such as rules without effect; they stop nothing."""
    return tuple(
        Problem(
            *policies.origins[remark.policy, remark.rule],
            where="/".join(name for name in (remark.policy, remark.rule) if name),
            message=remark.message,
        )
        for policy in policies.policies
        for remark in lint(policy)
    )
