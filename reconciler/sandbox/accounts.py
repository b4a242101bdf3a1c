"""Accounts of the sandbox: tokens, their kinds, scopes and roles."""

from collections.abc import Mapping
from enum import StrEnum
from fnmatch import fnmatchcase
from typing import Any, Literal, Self

from pydantic import SecretStr, model_validator

from reconciler.model.base import Frozen

Role = Literal["read", "write", "admin"]
_ROLES: tuple[Role, ...] = ("read", "write", "admin")

READ_PACKAGES = "read:packages"
WRITE_PACKAGES = "write:packages"
DELETE_PACKAGES = "delete:packages"

ANONYMOUS_HOURLY = 60
"""Requests an hour without a token. Source: GitHub, "Rate limits for the REST API"."""


class SandboxTokenKind(StrEnum):
    """The kinds of token, which GitHub marks by their prefix."""

    CLASSIC = "ghp_"
    ACTIONS = "ghs_"
    FINE_GRAINED = "github_pat_"


# Source: GitHub, "Rate limits for the REST API".
_HOURLY = {
    SandboxTokenKind.CLASSIC: 5000,
    SandboxTokenKind.ACTIONS: 1000,
    SandboxTokenKind.FINE_GRAINED: 5000,
}


class Account(Frozen):
    """One token and its rights.

    Shape: `roles` maps globs over `owner/name` to the role on those packages; the greatest
        match applies. `scopes` count only for a classic token.
    Units: `hourly` in requests; by default GitHub's limit for the kind of token.
    """

    token: SecretStr
    login: str = "octocat"
    scopes: frozenset[str] = frozenset({READ_PACKAGES, WRITE_PACKAGES, DELETE_PACKAGES})
    roles: Mapping[str, Role] = {"*": "admin"}
    hourly: int | None = None
    contents: bool = True
    """Whether the token may write files of repositories, as `contents: write` allows."""

    may_comment: bool = True
    """Whether the token may write comments, as `pull-requests: write` allows."""

    @classmethod
    def of(cls, token: str, **members: Any) -> Self:
        """Create an account from plain values, validated like those of a settings file."""
        return cls.model_validate({"token": token, **members})

    @model_validator(mode="after")
    def _has_a_known_prefix(self) -> Self:
        if not self.token.get_secret_value().startswith(tuple(SandboxTokenKind)):
            raise ValueError(f"a token begins with one of {', '.join(SandboxTokenKind)}")
        return self

    @property
    def kind(self) -> SandboxTokenKind:
        """The kind of token, by its prefix."""
        token = self.token.get_secret_value()
        return next(kind for kind in SandboxTokenKind if token.startswith(kind))

    @property
    def hourly_limit(self) -> int:
        """Requests an hour against the primary limit."""
        return self.hourly or _HOURLY[self.kind]

    @property
    def quota(self) -> str:
        """The key of the hourly limit: tokens of one user share it, a job token has its own."""
        own = self.kind is SandboxTokenKind.ACTIONS
        return self.token.get_secret_value() if own else self.login

    def has_scope(self, scope: str) -> bool:
        """Whether the token has a scope; writing includes reading."""
        if self.kind is SandboxTokenKind.ACTIONS:
            return True
        reading = scope == READ_PACKAGES and WRITE_PACKAGES in self.scopes
        return scope in self.scopes or reading

    def has_role(self, role: Role, package: str) -> bool:
        """Whether the account's role on `owner/name` is at least the given one."""
        enough = _ROLES[_ROLES.index(role) :]
        return any(
            granted in enough for glob, granted in self.roles.items() if fnmatchcase(package, glob)
        )


CLASSIC = Account.of("ghp_sandbox")
"""A personal token with all rights; the default when no accounts are configured."""

ACTIONS = Account.of("ghs_sandbox", login="github-actions[bot]")
"""A workflow's token with the admin role on every package."""
