"""A policy: the repositories it governs, what it protects, its rules and its guards."""

from collections.abc import Iterable
from typing import Annotated, Literal, Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import Field, StrictBool, StrictInt, field_validator, model_validator

from reconciler.errors import PolicyError
from reconciler.model.inventory import Fact
from reconciler.model.names import Repository
from reconciler.model.patterns import RepositoryGlob
from reconciler.model.rules import Frozen, Label, Protection, Rule
from reconciler.model.spans import Span

MAX_REPOSITORIES = 1_000
"""Most patterns of repositories in one policy."""

MAX_RULES = 200
"""Most rules, and most protections, in one policy."""


class Guards(Frozen):
    """Limits on what one plan may delete from one repository; a limit met exactly is allowed.

    Units: counts are images (roots); the percentage is of the repository's images.
    """

    min_age: Span = Span("24h")
    max_delete: Annotated[StrictInt, Field(ge=0, le=10_000_000)] = 200
    max_delete_percent: Annotated[StrictInt, Field(ge=0, le=100)] = 30
    never_empty: StrictBool = True


class Policy(Frozen):
    """Retention for the repositories it names; a repository belongs to one policy."""

    name: Label
    repositories: tuple[RepositoryGlob, ...] = Field(min_length=1, max_length=MAX_REPOSITORIES)
    except_: tuple[RepositoryGlob, ...] = Field((), alias="except", max_length=MAX_REPOSITORIES)
    timezone: str = "UTC"
    unmatched_tags: Literal["keep", "ignore"] = "keep"
    protect: tuple[Protection, ...] = Field((), max_length=MAX_RULES)
    rules: tuple[Rule, ...] = Field(min_length=1, max_length=MAX_RULES)
    guards: Guards = Guards()

    def governs(self, repository: Repository) -> bool:
        """Whether the repository belongs to this policy."""
        return any(glob.matches(repository) for glob in self.repositories) and not any(
            glob.matches(repository) for glob in self.except_
        )

    @property
    def facts(self) -> frozenset[Fact]:
        """The times that its rules and protections need."""
        protections = (protection.rule for protection in self.protect)
        judging = (*self.rules, *(rule for rule in protections if rule))
        return frozenset().union(*(rule.facts for rule in judging))

    @property
    def zone(self) -> ZoneInfo:
        """The time zone in which calendar buckets and dates in tags are read."""
        return ZoneInfo(self.timezone)

    @field_validator("timezone")
    @classmethod
    def _known_zone(cls, name: str) -> str:
        try:
            ZoneInfo(name)
        except (ZoneInfoNotFoundError, ValueError, OSError) as error:
            raise ValueError(
                f"{name!r} is no time zone; write one such as Europe/Berlin"
            ) from error
        return name

    @model_validator(mode="after")
    def _unique_names(self) -> Self:
        names = [part.name for part in self.protect] + [part.name for part in self.rules]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(f"names are used twice: {', '.join(twice)}; give each its own")
        return self


class PolicyFile(Frozen):
    """The content of one policy file."""

    version: Literal[1]
    policies: tuple[Policy, ...] = Field(min_length=1, max_length=MAX_REPOSITORIES)


def policy_for(repository: Repository, policies: Iterable[Policy]) -> Policy | None:
    """Return the one policy that governs a repository, None if none does.

    Raises: PolicyError, when two do; which one was meant cannot be guessed.
    """
    governing = [policy for policy in policies if policy.governs(repository)]
    if len(governing) > 1:
        names = " and ".join(policy.name for policy in governing)
        raise PolicyError(
            f"{repository} belongs to two policies: {names}",
            hint="Narrow `repositories`, or add the repository to `except` in one of them.",
        )
    return governing[0] if governing else None
