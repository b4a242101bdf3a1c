"""The repositories of a registry that has a catalogue.

Source: distribution, docs/spec/api.md, "Catalog".
"""

from collections.abc import Callable, Iterator, Sequence

import httpx
import structlog

from reconciler.errors import AccessError, InvalidNameError, ProtocolError, ReconcilerError
from reconciler.model.names import Repository
from reconciler.providers.oci_access import DENIED, response_text
from reconciler.providers.oci_names import ask, read_names
from reconciler.transport.credentials import Credential
from reconciler.transport.http import Client

log = structlog.get_logger()

_NO_CATALOGUE = DENIED | {404, 405}


class Catalogue:
    """The repositories of one registry, listed when a pattern first asks for them."""

    def __init__(self, client: Client, credential: Callable[[], Credential]) -> None:
        """Read through a client; `credential` tells what it shows, to be named in errors."""
        self._client = client
        self._credential = credential
        self._listed: tuple[Repository, ...] | ReconcilerError | None = None

    def of(self, registry: str) -> Sequence[Repository]:
        """List all repositories of the registry, by the name that policies have for it.

        Raises: AccessError or EvidenceError, when it shows none, as when it was first asked.
        """
        if self._listed is None:
            try:
                self._listed = tuple(read_catalogue(self._client, registry, self._credential()))
            except ReconcilerError as error:
                self._listed = error
        if isinstance(self._listed, ReconcilerError):
            raise self._listed
        return self._listed

    def knows(self, repository: Repository) -> bool:
        """Whether the catalogue, if anybody asked for it, names a repository."""
        return isinstance(self._listed, tuple) and repository in self._listed


def read_catalogue(client: Client, registry: str, credential: Credential) -> Iterator[Repository]:
    """Yield all repositories that a registry shows to a credential.

    A name outside the grammar can match no policy; it is left out and reported.

    Raises: AccessError or ProtocolError, when it shows none.
    """

    def page(url: str) -> httpx.Response:
        response = ask(client, url)
        if response.status_code != 200:
            raise _refused(response, registry, credential)
        return response

    for name in read_names(page, "/v2/_catalog", "repositories").names:
        try:
            yield Repository(f"{registry}/{name}")
        except InvalidNameError:
            log.warning("repository_name_invalid", registry=registry, name=name)


def _refused(response: httpx.Response, registry: str, credential: Credential) -> ReconcilerError:
    if response.status_code not in _NO_CATALOGUE:
        return ProtocolError(response_text(response))
    kind = AccessError if response.status_code in DENIED else ProtocolError
    return kind(
        f"{registry} shows no catalogue of repositories: {response_text(response)};"
        f" asked with {credential.source}",
        hint="Name the repositories in the policy one by one, without wildcards.",
    )
