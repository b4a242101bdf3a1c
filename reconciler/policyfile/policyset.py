"""All policies of a run, where each stands, and what two of them may not share."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from reconciler.model.display import safe
from reconciler.model.names import Repository
from reconciler.model.plan import PolicySource
from reconciler.model.policy import Policy, policy_for
from reconciler.model.problems import Problem
from reconciler.policyfile.document import Document


class Origin(NamedTuple):
    """Where a policy or a rule stands. Units: line and column count from 1."""

    path: str
    line: int
    column: int

    def __str__(self) -> str:
        """Write it as editors take it."""
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

        Raises: PolicyError, when two do, with the places of both.
        """
        return policy_for(
            repository, self.policies, described=lambda policy: self._described(policy, repository)
        )

    def source_of(self, policy: Policy) -> PolicySource:
        """Return the file that a policy stands in."""
        path = self.origins[policy.name, ""].path
        return next(source for source in self.sources if source.path == path)

    def _described(self, policy: Policy, repository: Repository) -> str:
        """Name a policy, its place, and how it names a repository that it spells otherwise."""
        glob = next(glob for glob in policy.repositories if glob.matches(repository))
        spelled = f", as {safe(glob.spelled)}" if glob.spelled != glob else ""
        return f"{policy.name} ({self.origins[policy.name, '']}{spelled})"


def gather(documents: Sequence[Document]) -> PolicySet:
    """Put the policies of several files together; between them there are no clashes."""
    return PolicySet(
        policies=tuple(policy for document in documents for policy in document.file.policies),
        sources=tuple(document.source for document in documents),
        origins=dict(origin for document in documents for origin in _origins(document)),
    )


def clashes(documents: Sequence[Document]) -> Iterator[Problem]:
    """Yield policies that have one name, and repositories that two of them name."""
    yield from _shared_names(documents)
    yield from _shared_repositories(documents)


def _shared_names(documents: Sequence[Document]) -> Iterator[Problem]:
    first: dict[str, Origin] = {}
    for document, position, policy in _policies(documents):
        origin = _origin(document, "policies", position, "name")
        if policy.name in first:
            words = f"{first[policy.name]} has a policy of this name, too; give each its own"
            yield Problem(*origin, policy.name, words)
        first.setdefault(policy.name, origin)


def _shared_repositories(documents: Sequence[Document]) -> Iterator[Problem]:
    """Yield repositories that two policies name; patterns can only be compared with a registry."""
    first: dict[Repository, tuple[Policy, Origin, str]] = {}
    for document, position, policy in _policies(documents):
        for entry, glob in enumerate(policy.repositories):
            repository = glob.literal
            if repository is None or not policy.governs(repository):
                continue
            origin = _origin(document, "policies", position, "repositories", entry)
            claim = (policy, origin, glob.spelled)
            owner, place, spelled = first.setdefault(repository, claim)
            if owner is not policy:
                same = f"{glob.spelled} is {spelled}, which" if glob.spelled != spelled else spelled
                words = f"{same} belongs to policy {owner.name} ({place}); remove one claim"
                yield Problem(*origin, policy.name, words)


def _policies(documents: Sequence[Document]) -> Iterator[tuple[Document, int, Policy]]:
    for document in documents:
        for position, policy in enumerate(document.file.policies):
            yield document, position, policy


def _origins(document: Document) -> Iterator[tuple[tuple[str, str], Origin]]:
    for position, policy in enumerate(document.file.policies):
        yield (policy.name, ""), _origin(document, "policies", position)
        for key, parts in (("protect", policy.protect), ("rules", policy.rules)):
            names = [part.name for part in parts]
            for entry, name in enumerate(names):
                yield (policy.name, name), _origin(document, "policies", position, key, entry)


def _origin(document: Document, *location: str | int) -> Origin:
    return Origin(document.path, *document.place(*location))
