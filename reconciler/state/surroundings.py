"""What a state backend is given besides its address."""

from dataclasses import dataclass

from pydantic import SecretStr

from reconciler.model.ports import Clock


@dataclass(frozen=True, slots=True)
class BackendSettings:
    """The clock, and GitHub as the environment names it."""

    clock: Clock
    github_api: str = ""
    github_token: SecretStr | None = None
