"""Errors for the responses of a registry, with the call, the credential and what to do."""

from enum import StrEnum

import httpx

from reconciler.errors import AccessError, ProtocolError, ReconcilerError
from reconciler.providers.heads import message_of
from reconciler.transport.credentials import Credential
from reconciler.transport.replies import place

DENIED = frozenset({401, 403})


class Action(StrEnum):
    """What a call does, named like the right that it needs.

    Source: distribution, docs/spec/auth/scope.md.
    """

    PULL = "pull"
    DELETE = "delete"
    PUSH = "push"


def failure(response: httpx.Response, action: Action, credential: Credential) -> ReconcilerError:
    """Build the error for an unexpected response.

    It is AccessError, when a right is missing, and ProtocolError for every other status.
    """
    text = error_text(response)
    if response.status_code not in DENIED:
        return ProtocolError(text)
    if credential.is_anonymous:
        # With the port: docker stores logins by both.
        host = response.request.url.netloc.decode("ascii")
        hint = f"Run `docker login {host}`, or add the registry to docker's config.json."
    else:
        hint = (
            f"Check that {credential.source} is still valid and has the right `{action}` on this"
            " repository, or run `docker login` again."
        )
    return AccessError(
        f"the registry denies `{action}`: {text}; the request used {credential.source}", hint=hint
    )


def error_text(response: httpx.Response) -> str:
    """Return the call, the status of its response, and the message in it."""
    message = message_of(response)
    return f"{place(response)}: {message}" if message else place(response)
