"""Why a registry refuses a call, and what to do: which call, with which credential."""

from enum import StrEnum

import httpx

from reconciler.errors import AccessError, ProtocolError, ReconcilerError
from reconciler.providers.heads import message_of
from reconciler.transport.credentials import Credential
from reconciler.transport.replies import place

DENIED = frozenset({401, 403})


class Action(StrEnum):
    """What a call does, by the registry's name of the right that it needs."""

    PULL = "pull"
    DELETE = "delete"
    PUSH = "push"


def failure(response: httpx.Response, action: Action, credential: Credential) -> ReconcilerError:
    """Build the error for an answer that is not the wanted one.

    It is AccessError, when a right is missing, and ProtocolError for every other status.
    """
    said = response_text(response)
    if response.status_code not in DENIED:
        return ProtocolError(said)
    return AccessError(
        f"the registry refuses the action `{action}`: {said}; asked with {credential.source}",
        hint=_cure(response.request.url.host, action, credential),
    )


def response_text(response: httpx.Response) -> str:
    """Say which call was answered how, and in which words."""
    words = message_of(response)
    return f"{place(response)}: {words}" if words else place(response)


def _cure(host: str, action: Action, credential: Credential) -> str:
    if credential.is_anonymous:
        return f"Run `docker login {host}`, or add the registry to docker's config.json."
    return (
        f"Check that {credential.source} is still valid, and that it has the right"
        f" `{action}` there; or run `docker login` again."
    )
