"""Registry tokens of the sandbox: issue them for credentials, and check calls that use them."""

import base64
import binascii
from collections.abc import Set
from datetime import timedelta

from starlette.responses import Response

from reconciler.sandbox.accounts import READ_PACKAGES, WRITE_PACKAGES, Account, SandboxTokenKind
from reconciler.sandbox.call import Call, RefusedError, json_response, registry_refusal
from reconciler.sandbox.world import Grant, World

_SAMPLE = "user/image"
"""The repository that ghcr.io names when it is asked for no particular one."""


class RegistryAccess:
    """Issues tokens for credentials, and checks the tokens of calls."""

    def __init__(self, world: World) -> None:
        """Use the accounts and packages of a world."""
        self._world = world

    def token(self, call: Call) -> Response:
        """Issue a token for those of the requested scopes that the caller may use.

        Raises: RefusedError, with DENIED, when there are none, or the credential is bad.
        """
        account = self._basic_account(call)
        asked = _scopes(call)
        granted = {grant for grant in asked if self._may(account, grant)}
        if asked and not granted:
            raise registry_refusal(403, "DENIED", "requested access to the resource is denied")
        life = self._world.settings.token_seconds
        token = self._world.tokens.issue(granted, self._world.now + timedelta(seconds=life))
        return json_response({"token": token, "expires_in": life})

    def check(self, call: Call, path: str, action: str) -> None:
        """Check that a call may do this to a repository.

        Raises: RefusedError: a challenge without a valid token, DENIED if its scope is too small.
        """
        scheme, credential = call.credential
        # ghcr.io answers Basic here without a challenge, so a client cannot find its way.
        if scheme == "basic":
            raise registry_refusal(403, "DENIED", "invalid token")
        if not scheme:
            raise self._challenge(call, path, action, "authentication required")
        grants = self._world.tokens.grants(credential, self._world.now)
        # ghcr.io also accepts a GitHub token in base64, alone or after a user's name.
        account = self._world.account(_decoded(credential).rpartition(":")[2])
        if grants is None and account is None:
            raise self._challenge(call, path, action, "invalid or expired token")
        grant = (path.lower(), action)
        allowed = grant in grants if grants is not None else self._may(account, grant)
        # `/v2/` itself needs a token, but no right.
        if path and not allowed:
            raise registry_refusal(403, "DENIED", "requested access to the resource is denied")

    def _challenge(self, call: Call, path: str, action: str, message: str) -> RefusedError:
        actions = "pull" if action == "pull" else "pull,push"
        scope = f"repository:{path or _SAMPLE}:{actions}"
        realm = f"{call.base_url}/token"
        challenge = f'Bearer realm="{realm}",service="{call.host}",scope="{scope}"'
        return registry_refusal(401, "UNAUTHORIZED", message, {"www-authenticate": challenge})

    def _basic_account(self, call: Call) -> Account | None:
        scheme, credential = call.credential
        if not scheme:
            return None
        password = _decoded(credential).partition(":")[2] if scheme == "basic" else ""
        account = self._world.account(password)
        # GitHub Packages accepts classic tokens only. Source: GitHub, "About permissions for GitHub
        # Packages".
        if account is None or account.kind is SandboxTokenKind.FINE_GRAINED:
            raise registry_refusal(403, "DENIED", "denied")
        return account

    def _may(self, account: Account | None, grant: Grant) -> bool:
        path, action = grant
        # A public package can be pulled with the wrong scopes and without any account.
        package = self._world.find(path)
        if action == "pull" and package is not None and package.visibility == "public":
            return True
        if account is None:
            return False
        if action == "pull":
            return account.has_scope(READ_PACKAGES) and account.has_role("read", path)
        return account.has_scope(WRITE_PACKAGES) and account.has_role("write", path)


def _scopes(call: Call) -> Set[Grant]:
    """Read `repository:PATH:ACTIONS`, repeated or separated by spaces.

    Source: distribution, docs/content/spec/auth/token.md.
    """
    grants: set[Grant] = set()
    for scope in " ".join(call.query.getlist("scope")).split():
        _, _, rest = scope.partition(":")
        path, _, actions = rest.rpartition(":")
        grants.update((path.lower(), action) for action in actions.split(","))
    return grants


def _decoded(credential: str) -> str:
    try:
        return base64.b64decode(credential, validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        return ""
