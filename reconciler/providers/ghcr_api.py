"""GitHub's REST API: how it is called.

Source: GitHub's OpenAPI description.
"""

from collections.abc import Mapping

import httpx

from reconciler.providers.ghcr_access import Need, failure
from reconciler.transport.github import HEADERS, TokenKind
from reconciler.transport.http import Client

_WANTED = (200, 304)


class GitHubApi:
    """Calls with one token. Shape: paths begin with a slash and are encoded."""

    def __init__(self, client: Client, kind: TokenKind) -> None:
        """Call through a client that shows a token of this kind."""
        self.client = client
        self.kind = kind

    def get(self, path: str, headers: Mapping[str, str] | None = None) -> httpx.Response:
        """Read a path; any status comes back."""
        return self.client.get(path, headers={**HEADERS, **(headers or {})})

    def read(
        self, path: str, need: Need = Need.READ, headers: Mapping[str, str] | None = None
    ) -> httpx.Response:
        """Read a path whose answer must be a 200, or a 304 where that was asked for.

        Raises: AccessError, UnreachableError, ProtocolError.
        """
        response = self.get(path, headers)
        if response.status_code not in _WANTED:
            raise failure(response, self.kind, need)
        return response

    def write(self, method: str, path: str) -> httpx.Response:
        """Send a change at once and only once; any status comes back but a limit's refusal.

        Raises: PostponedError, where it was not carried out; UnreachableError.
        """
        return self.client.write_at_once(method, path, headers=HEADERS)
