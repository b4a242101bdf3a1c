"""The rights that calls of GitHub Packages need, and what to do when one is missing.

GitHub's own responses do not say which right is missing. Source: GitHub, "About permissions for
GitHub Packages" and "Deleting and restoring a package".
"""

from collections.abc import Iterator
from enum import StrEnum

import httpx

from reconciler.github.client import UNKNOWN_TOKEN, TokenKind, reply_text


class Need(StrEnum):
    """The purposes of calls, each of which needs another right."""

    READ = "read the package"
    LIST = "list the owner's packages"
    DELETE = "delete versions"
    RESTORE = "restore versions"
    TAG = "attach a tag"

    @property
    def denied(self) -> frozenset[int]:
        """The statuses that stand for a missing right: 404 hides it, and 400 may report it."""
        return frozenset({400, 401, 403, 404})

    def hint(self, response: httpx.Response, kind: TokenKind) -> str:
        """Return which scope, permission or role is missing, as far as it is known."""
        return " ".join(_hints(response, kind, self))


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
_ROLES = {Need.DELETE: "admin", Need.RESTORE: "admin", Need.TAG: "write"}
"""The role on a package that a call needs, where reading is not enough."""


def is_version_absent(response: httpx.Response) -> bool:
    """Whether GitHub reports that a version does not exist; any other 404 may hide it."""
    return response.status_code == 404 and reply_text(response).startswith(
        "Package version not found"
    )


def _hints(response: httpx.Response, kind: TokenKind, need: Need) -> Iterator[str]:
    classic = f"a classic personal token with {' and '.join(_SCOPES[need])}"
    if "required" in response.headers.get("x-github-sso", ""):
        yield "The organisation requires single sign-on: authorise the token there (Configure SSO)."
    elif kind is TokenKind.NONE:
        yield f"Set GITHUB_TOKEN to {classic}, or to the token of the workflow."
    elif kind is TokenKind.FINE_GRAINED:
        yield f"GitHub Packages does not support fine-grained tokens: use {classic}."
    elif response.status_code == 401:
        yield f"{UNKNOWN_TOKEN} Use {classic}."
    elif kind is TokenKind.ACTIONS:
        yield _WORKFLOW_HINTS[need]
        if need is Need.LIST:
            yield f"Or use {classic}."
        else:
            role = _ROLES.get(need, "read").capitalize()
            yield (
                f"Give its repository the role {role} on the package:"
                " package settings, Manage Actions access. Check the name, too."
            )
    else:
        yield from _personal_hints(response, need)


def _personal_hints(response: httpx.Response, need: Need) -> Iterator[str]:
    """Return the scopes that the token lacks, and the role that its owner needs."""
    missing = missing_scopes(response, need)
    if missing:
        yield f"The token lacks {' and '.join(missing)}."
    yield f"Its owner needs the role {_ROLES.get(need, 'read')} on the package."
    if response.status_code == 404:
        yield "Check the name: GitHub also answers 404 if the token may not see the package."


def missing_scopes(response: httpx.Response, need: Need) -> list[str]:
    """Return the scopes that the token lacks; none if GitHub does not report its scopes."""
    listed = response.headers.get("x-oauth-scopes")
    if listed is None:
        return []
    granted = {scope.strip() for scope in listed.split(",")}
    # Source: GitHub, "Scopes for OAuth apps": write:packages includes read:packages.
    if "write:packages" in granted:
        granted.add("read:packages")
    return [scope for scope in _SCOPES[need] if scope not in granted]
