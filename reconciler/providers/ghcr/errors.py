"""Why GitHub refuses a call, and what to do: its own answers leave both to guessing.

Source: GitHub, "About permissions for GitHub Packages" and "Deleting and restoring a package".
"""

from collections.abc import Iterator
from enum import StrEnum

import httpx

from reconciler.errors import AccessError, ProtocolError, ReconcilerError, UnreachableError
from reconciler.github.client import TokenKind, reply_text
from reconciler.transport.limits import github_refusal
from reconciler.transport.replies import place


class Need(StrEnum):
    """What a call needs a right for."""

    READ = "read the package"
    LIST = "list the owner's packages"
    DELETE = "delete versions"
    RESTORE = "restore versions"
    TAG = "attach a tag"


_SCOPES = {
    Need.READ: ("read:packages",),
    Need.LIST: ("read:packages",),
    Need.DELETE: ("read:packages", "delete:packages"),
    Need.RESTORE: ("read:packages", "write:packages"),
    Need.TAG: ("read:packages", "write:packages"),
}
_WORKFLOW_HINTS = {
    Need.READ: "Give the job `permissions: packages: read`.",
    Need.LIST: "Such a token cannot list packages: name them in the policy, without wildcards.",
    Need.DELETE: "Give the job `permissions: packages: write`.",
    Need.RESTORE: "Give the job `permissions: packages: write`.",
    Need.TAG: "Give the job `permissions: packages: write`.",
}
_REFUSED = (400, 401, 403, 404)
_ROLES = {Need.DELETE: "admin", Need.RESTORE: "admin", Need.TAG: "write"}
"""The role on a package that a call needs, where reading is not enough."""


def is_version_absent(response: httpx.Response) -> bool:
    """Whether GitHub says of a version that there is none; a bare 404 may hide it as well."""
    return response.status_code == 404 and reply_text(response).startswith(
        "Package version not found"
    )


def failure(response: httpx.Response, kind: TokenKind, need: Need) -> ReconcilerError:
    """Build the error for an answer that is not the wanted one.

    It is AccessError, when a right is missing; UnreachableError, when a limit refuses still,
    after all waiting; ProtocolError, for every other status.
    """
    if github_refusal(response):
        return UnreachableError(
            f"{place(response)} {reply_text(response)!r}, after all waiting",
            hint="Wait for the limit to pass, or use a token with a higher one.",
        )
    if response.status_code in _REFUSED:
        return refused(response, kind, need)
    return ProtocolError(f"{place(response)} {reply_text(response)!r}")


def refused(response: httpx.Response, kind: TokenKind, need: Need) -> AccessError:
    """Build the error for a call that GitHub refuses: what it was, with what, and the cure."""
    return AccessError(
        f"GitHub refuses to {need}: {place(response)} {reply_text(response)!r}, asked with {kind}",
        hint=" ".join(_hints(response, kind, need)),
    )


def _hints(response: httpx.Response, kind: TokenKind, need: Need) -> Iterator[str]:
    classic = f"a classic personal token with {' and '.join(_SCOPES[need])}"
    if "required" in response.headers.get("x-github-sso", ""):
        yield "The organisation demands single sign-on: authorise the token for it (Configure SSO)."
    elif kind is TokenKind.NONE:
        yield f"Set GITHUB_TOKEN to {classic}, or to the token of the workflow."
    elif kind is TokenKind.FINE_GRAINED:
        yield f"GitHub Packages does not support fine-grained tokens: use {classic}."
    elif response.status_code == 401:
        yield f"GitHub does not know this token: it is expired, revoked or mistyped. Use {classic}."
    elif kind is TokenKind.ACTIONS:
        yield from _workflow_hints(classic, need)
    else:
        yield from _personal_hints(response, need)


def _workflow_hints(classic: str, need: Need) -> Iterator[str]:
    yield _WORKFLOW_HINTS[need]
    if need is Need.LIST:
        yield f"Or use {classic}."
    else:
        role = _ROLES.get(need, "read").capitalize()
        yield (
            f"Give its repository the role {role} on the package:"
            " package settings, Manage Actions access. Check the name, too."
        )


def _personal_hints(response: httpx.Response, need: Need) -> Iterator[str]:
    """Name the scopes that a token lacks, and the role that its owner needs."""
    missing = missing_scopes(response, need)
    if missing:
        yield f"The token lacks {' and '.join(missing)}."
    yield f"Its owner needs the role {_ROLES.get(need, 'read')} on the package."
    if response.status_code == 404:
        yield "Check the name: GitHub answers 404 also for what a token may not see."


def missing_scopes(response: httpx.Response, need: Need) -> list[str]:
    """Return the scopes that a token lacks, none where GitHub does not tell which it has."""
    listed = response.headers.get("x-oauth-scopes")
    if listed is None:
        return []
    granted = {scope.strip() for scope in listed.split(",")}
    if "write:packages" in granted:
        granted.add("read:packages")
    return [scope for scope in _SCOPES[need] if scope not in granted]
