"""Find the repositories that a misspelt name may mean, where the registry lists them."""

from collections.abc import Sequence
from difflib import get_close_matches

from reconciler.errors import (
    AccessError,
    EvidenceError,
    HiddenError,
    PolicyError,
    did_you_mean,
)
from reconciler.model.names import Repository
from reconciler.model.patterns import RepositoryGlob
from reconciler.model.ports import Listing, RegistryReader

_MOST = 10_000
"""Most repositories that a name is compared with."""

_SUGGESTED = 3


def similar(reader: RegistryReader, name: RepositoryGlob | Repository) -> Sequence[str]:
    """List a few existing repositories with a similar name, the most similar first.

    Empty if there is none, if the repository itself exists, and if the registry does not list its
    repositories to these credentials.
    """
    host, _, path = name.partition("/")
    owner, slash, _ = path.partition("/")
    patterns = [f"{host}/**"]
    if slash and "*" not in owner:
        # A registry with millions of repositories lists those of one owner only.
        patterns.append(f"{host}/{owner}/**")
    for pattern in patterns:
        try:
            listed = reader.repositories(RepositoryGlob(pattern))[:_MOST]
        except (AccessError, EvidenceError, PolicyError):
            continue
        return () if name in listed else get_close_matches(name, listed, n=_SUGGESTED, cutoff=0.8)
    return ()


def listing_of(reader: RegistryReader, repository: Repository) -> Listing:
    """List a repository; the error for one that seems not to exist suggests similar names.

    Raises: as `RegistryReader.listing`.
    """
    try:
        return reader.listing(repository)
    except HiddenError as error:
        error.hint = with_similar(error.hint, reader, repository)
        raise


def with_similar(hint: str, reader: RegistryReader, repository: Repository) -> str:
    """Add the similar names of a repository that seems not to exist to a hint."""
    return f"{hint} {did_you_mean(similar(reader, repository))}".strip()
