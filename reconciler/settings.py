"""Settings from the environment: state, cache, registries and credentials.

A variable may set what is displayed, where the state is and which token is used. No variable may
cause more deletions.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from platformdirs import user_cache_path
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SecretStr,
    ValidationError,
    model_validator,
)
from pydantic_core import ErrorDetails
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from reconciler.errors import InvalidNameError, SettingsError, did_you_mean
from reconciler.model.base import is_loopback
from reconciler.model.names import Repository
from reconciler.model.patterns import RepositoryGlob
from reconciler.project import STATE, find_project
from reconciler.variables import PREFIX, header_value, is_word, refuse_misspelt, token_in

GITHUB_HOST = "ghcr.io"
GITHUB_API = "https://api.github.com"

_LONGEST = 200
"""Longest value of a workflow variable that is recorded, in characters."""

_MAX_VALUE = 80
"""Longest value quoted in an error, in characters."""

_CURES = {
    "RECONCILER_REGISTRIES": (
        'Write JSON such as {"containers.acme.example":'
        ' {"kind": "ghcr", "api": "https://acme.example/api/v3"}}, or unset it.'
    ),
    "GITHUB_API_URL": f"Write a URL such as {GITHUB_API}, or unset it.",
    "GITHUB_TOKEN": "Set GITHUB_TOKEN to the token alone, on one line.",
    "GH_TOKEN": "Set GH_TOKEN to the token alone, on one line.",
}


def _plain_url(text: str) -> str:
    """Accept the URL of an API, without credentials or query; remove the final slash."""
    # The token is sent to this host: in `https://github.com@other/` that would be `other`.
    if set("@?#") & set(text):
        raise ValueError("the URL must not have a user, password, query or fragment")
    parts = urlsplit(text)
    known = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    if not known or not is_word(text):
        raise ValueError(f"{text[:_MAX_VALUE]!r} is not an http or https URL")
    return text.rstrip("/")


def _secure_url(text: str) -> str:
    """Refuse plain HTTP to another machine: it would send the token unencrypted."""
    parts = urlsplit(text)
    if parts.scheme == "http" and not is_loopback(parts.netloc):
        raise ValueError(f"{text[:_MAX_VALUE]!r} is plain HTTP to another machine; write https")
    return text


def _decode(value: object) -> object:
    """Parse JSON if the value comes from the environment."""
    return json.loads(value) if isinstance(value, str) else value


def _hosts(registries: Mapping[str, "RegistrySettings"]) -> dict[str, "RegistrySettings"]:
    """Use the canonical name of each host, as repositories do."""
    named: dict[str, RegistrySettings] = {}
    spelled: dict[str, str] = {}
    for host, settings in registries.items():
        try:
            name = Repository(f"{host}/any/any").registry
        except InvalidNameError as error:
            raise ValueError(f"{host!r} is not a host, or host:port") from error
        if name in named:
            raise ValueError(f"{spelled[name]!r} and {host!r} are the same host; write it once")
        named[name], spelled[name] = settings, host
    return named


ApiUrl = Annotated[str, AfterValidator(_plain_url)]
Token = Annotated[SecretStr, AfterValidator(header_value)]
# Truncated and not refused: a value that is only recorded must never fail a run.
ShortText = Annotated[str, AfterValidator(lambda text: text[:_LONGEST])]


class RegistrySettings(BaseModel):
    """How to connect to one registry. Shape: kind `ghcr` requires `api`, kind `oci` has none."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Literal["ghcr", "oci"]
    api: ApiUrl | None = None
    plain_http: bool = False
    """Whether to use HTTP without TLS; `api` may then use it too."""

    points_per_minute: Annotated[int, Field(ge=5, le=1_000_000)] = 900
    """Points of GitHub's secondary rate limit; an Enterprise Server may have another."""

    token_variable: Annotated[str, Field(pattern=r"^(?:[A-Z][A-Z0-9_]*)?$")] = ""
    """The variable with the token of this host, where it is not that of GitHub."""

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.token_variable and self.kind != "ghcr":
            raise ValueError("kind oci has no 'token_variable': it uses `docker login`")
        if (self.kind == "ghcr") != (self.api is not None):
            raise ValueError("kind ghcr needs 'api', and kind oci has none")
        if self.api and not self.plain_http:
            _secure_url(self.api)
        return self


class Settings(BaseSettings):
    """All settings of the environment. Build it with `Settings.load`."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, env_ignore_empty=True, frozen=True, hide_input_in_errors=True
    )

    state: Annotated[str, BeforeValidator(str)] = STATE
    """Where the state is: a directory, or the URL of a backend."""

    cache: Path | None = None
    registries: Annotated[
        dict[str, RegistrySettings], NoDecode, BeforeValidator(_decode), AfterValidator(_hosts)
    ] = {}
    github_token: Token | None = Field(None, validation_alias="GITHUB_TOKEN")
    gh_token: Token | None = Field(None, validation_alias="GH_TOKEN")
    github_api: Annotated[ApiUrl, AfterValidator(_secure_url)] = Field(
        GITHUB_API, validation_alias="GITHUB_API_URL"
    )
    commit: ShortText = Field("", validation_alias="GITHUB_SHA")
    workflow_repository: ShortText = Field("", validation_alias="GITHUB_REPOSITORY")
    workflow_run: ShortText = Field("", validation_alias="GITHUB_RUN_ID")
    workflow_server: ShortText = Field("", validation_alias="GITHUB_SERVER_URL")

    @classmethod
    def load(cls) -> Self:
        """Read the environment, and the settings file of the project.

        Raises: SettingsError, naming each variable or line that cannot be used, and what to write.
        """
        settings = cls._of_environment()
        if "state" in settings.model_fields_set:
            return settings
        return settings.model_copy(update={"state": find_project(Path.cwd()).state})

    @classmethod
    def _of_environment(cls) -> Self:
        refuse_misspelt(cls.model_fields)
        try:
            return cls()
        except ValidationError as error:
            problems = error.errors(include_url=False)
            variables = dict.fromkeys(_variable(problem) for problem in problems)
            hint = " ".join(_CURES.get(variable, f"Correct {variable}.") for variable in variables)
            # The validation error is dropped from the traceback: it quotes values.
            raise SettingsError("; ".join(map(_explain, problems)), hint=hint) from None

    @property
    def cache_path(self) -> Path:
        """The directory of the manifest cache, by default that of the user."""
        return self.cache or user_cache_path("reconciler", appauthor=False)

    @property
    def provenance(self) -> dict[str, str]:
        """Commit, repository and run of a GitHub workflow, for the journal; empty elsewhere."""
        variables = {
            "commit": self.commit,
            "workflow_repository": self.workflow_repository,
            "workflow_run": self.workflow_run,
        }
        return {name: text for name, text in variables.items() if text}

    @property
    def run_page(self) -> str:
        """The URL of the current workflow run; empty outside of a workflow."""
        parts = (self.workflow_server, self.workflow_repository, "actions/runs", self.workflow_run)
        return "/".join(parts) if all(parts) else ""

    def registry_for(self, host: str) -> RegistrySettings:
        """Return how to connect to a host: configured, built in, or any OCI registry.

        Shape: `host` is canonical, as that of a `Repository`.

        Raises: SettingsError, for a host with its default port: it would be a second name of the
            same registry, with other locks and another state.
        """
        registry = self._registry_for(host)
        name, _, port = host.rpartition(":")
        is_same = registry.plain_http == self._registry_for(name).plain_http
        if name and port == _default_port(registry) and is_same:
            raise SettingsError(
                f"{host} is {name}, whose port is {port} by RECONCILER_REGISTRIES",
                hint=f"Write {name}/... without the port.",
            )
        return registry

    def check_host(self, pattern: RepositoryGlob) -> None:
        """Refuse a pattern whose first part is no host, as in `acme/web`.

        Raises: SettingsError, with what it may mean.
        """
        if error := RepositoryGlob.misspelt(pattern.spelled, self.registries):
            raise SettingsError(
                f"a policy names a repository that {error.reason}: {pattern.spelled}",
                hint=f"{did_you_mean(error.candidates)} If"
                f" {pattern.registry} is the host of a registry, add it to RECONCILER_REGISTRIES.",
            )

    def check_port(self, pattern: RepositoryGlob) -> None:
        """Refuse a pattern whose port is dropped from its host, if that then means another port.

        Raises: SettingsError.
        """
        host = pattern.spelled.partition("/")[0]
        port = host.rpartition(":")[2].lstrip("0")
        dropped = port in _DEFAULT_PORTS and not pattern.registry.endswith(f":{port}")
        if dropped and port != (default := _default_port(self._registry_for(pattern.registry))):
            raise SettingsError(
                f"{host}: by RECONCILER_REGISTRIES, {pattern.registry} is on port {default},"
                f" so it cannot also be on port {port}",
                hint=f"Write {pattern.registry}/... without the port, or correct `plain_http`.",
            )

    def _registry_for(self, host: str) -> RegistrySettings:
        configured = self.registries.get(host)
        if configured:
            return configured
        if host == GITHUB_HOST:
            return RegistrySettings(kind="ghcr", api=self.github_api)
        # A registry on this machine usually has no certificate, and traffic does not leave it.
        return RegistrySettings(kind="oci", plain_http=is_loopback(host))

    def token_for(self, host: str) -> SecretStr | None:
        """Return the token of a host that belongs to GitHub: its own, or else that of GitHub.

        None for any other host, and if there is none.

        Raises: SettingsError, for a text that no token is.
        """
        registry = self.registry_for(host)
        if registry.kind != "ghcr":
            return None
        if registry.token_variable:
            return token_in(registry.token_variable)
        return self.github_token or self.gh_token or None


_DEFAULT_PORTS = ("80", "443")


def _default_port(registry: RegistrySettings) -> str:
    """Return the port of a registry whose name has none."""
    return "80" if registry.plain_http else "443"


def _variable(problem: ErrorDetails) -> str:
    name = str(problem["loc"][0])
    return name if name.isupper() else f"{PREFIX}{name.upper()}"


def _explain(problem: ErrorDetails) -> str:
    """Explain one problem; a value is quoted only if it cannot be a secret."""
    where = [_variable(problem), *map(str, problem["loc"][1:])]
    reason = problem["msg"].removeprefix("Value error, ")
    if problem["type"] == "literal_error":
        reason += f", not {str(problem['input'])[:_MAX_VALUE]!r}"
    return ": ".join([*where, reason])
