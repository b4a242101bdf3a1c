"""A policy: the repositories it governs, what it protects, its rules and its guards."""

from collections.abc import Callable, Iterable, Iterator
from itertools import chain
from operator import attrgetter
from typing import Annotated, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import Field, StrictBool, StrictInt, field_validator

from reconciler.errors import InvalidNameError, PolicyError
from reconciler.model.base import Frozen
from reconciler.model.durations import Span
from reconciler.model.inventory import Fact
from reconciler.model.language import Flaw, Label, PolicyPart
from reconciler.model.names import Digest, Repository
from reconciler.model.patterns import PatternSet, RepositoryGlob
from reconciler.model.rules import Protection, Rule

MAX_REPOSITORIES = 1_000
"""Most patterns of repositories in one policy."""

MAX_POLICIES = 1_000
"""Most policies in one file."""

MAX_RULES = 200
"""Most rules, and most protections, in one policy."""


class Guards(Frozen):
    """Limits on what one plan may delete from one repository; a limit met exactly is allowed.

    Units: counts are images (roots); the percentage is of the repository's images.
    """

    min_age: Span = Field(
        Span("24h"),
        description="Nothing younger than this is deleted, whatever the rules say; 0h is off.",
        examples=["24h"],
    )
    max_delete: Annotated[StrictInt, Field(ge=0, le=10_000_000)] = Field(
        200, description="A plan may delete at most this many images.", examples=[200]
    )
    max_delete_percent: Annotated[StrictInt, Field(ge=0, le=100)] = Field(
        30, description="A plan may delete at most this part of the images.", examples=[30]
    )
    never_empty: StrictBool = Field(
        True,  # noqa: FBT003 - a default of a field
        description="A plan may not leave a repository without images.",
        examples=[True],
    )


class Policy(PolicyPart):
    """Retention for the repositories it names; a repository belongs to one policy."""

    name: Label = Field(
        description="The policy's name in plans and logs, unlike any other.", examples=["web"]
    )
    repositories: tuple[RepositoryGlob, ...] = Field(
        min_length=1,
        max_length=MAX_REPOSITORIES,
        description="The repositories it governs; * stops at a slash, ** does not.",
        examples=[["ghcr.io/acme/web"]],
    )
    except_: tuple[RepositoryGlob, ...] = Field(
        (),
        alias="except",
        max_length=MAX_REPOSITORIES,
        description="Repositories among them that it does not govern.",
        examples=[["ghcr.io/acme/base-*"]],
    )
    timezone: str = Field(
        "UTC",
        description="The time zone of calendar buckets and of dates in tags.",
        examples=["Europe/Berlin"],
    )
    unmatched_tags: Literal["keep", "ignore"] = Field(
        "keep",
        description="Whether a tag that no rule matches keeps its image.",
        examples=["keep"],
    )
    protect: tuple[Protection, ...] = Field(
        (),
        max_length=MAX_RULES,
        description="Images that are kept whatever the rules say.",
        examples=[[{"name": "moving", "match": {"tags": ["latest", "main"]}}]],
    )
    rules: tuple[Rule, ...] = Field(
        min_length=1,
        max_length=MAX_RULES,
        description="What may expire, and what of it is kept; the order never matters.",
        examples=[[{"name": "dangling", "match": {"untagged": True}, "keep": {"within": "7d"}}]],
    )
    guards: Guards = Field(
        Guards(), description="Limits that stop a plan.", examples=[{"max_delete": 200}]
    )

    def governs(self, repository: Repository) -> bool:
        """Whether this policy governs the repository."""
        # `except` always wins: the order of patterns has no meaning.
        return any(glob.matches(repository) for glob in self.repositories) and not any(
            glob.matches(repository) for glob in self.except_
        )

    @property
    def facts(self) -> frozenset[Fact]:
        """The times that its rules and protections need."""
        return frozenset().union(*(rule.facts for rule in self.judging))

    @property
    def opaque(self) -> frozenset[Digest]:
        """The digests that it keeps without reading their manifests."""
        entries = (part.digests or () for part in self.protect if part.opaque)
        return frozenset(chain.from_iterable(entries))

    @property
    def judging(self) -> tuple[Rule, ...]:
        """Its rules, and its protections as rules, except for lists of digests."""
        protections = (protection.rule for protection in self.protect)
        return (*self.rules, *(rule for rule in protections if rule))

    @property
    def zone(self) -> ZoneInfo:
        """The time zone in which calendar buckets and dates in tags are read."""
        return ZoneInfo(self.timezone)

    @field_validator("timezone")
    @classmethod
    def _known_zone(cls, name: str) -> str:
        # ValueError is raised for absolute paths and `..`, OSError for the name of a directory.
        try:
            ZoneInfo(name)
        except (ZoneInfoNotFoundError, ValueError, OSError) as error:
            raise InvalidNameError("time zone such as Europe/Berlin", name) from error
        return name

    def flaws(self) -> Iterator[Flaw]:
        """Yield names that are used twice, and patterns that are too large together."""
        names = [(("protect", at, "name"), part.name) for at, part in enumerate(self.protect)]
        names += [(("rules", at, "name"), part.name) for at, part in enumerate(self.rules)]
        labels: set[Label] = set()
        # Rules and protections together, because a plan names both in the same way.
        for at, name in names:
            if name in labels:
                yield Flaw(at, f"the name {name} is used twice in this policy; choose another")
            labels.add(name)
        # Each pattern may be small enough and all of them together too large for RE2.
        try:
            PatternSet([pattern for rule in self.judging for pattern in rule.match.every_pattern])
        except PolicyError as error:
            yield Flaw((), str(error))


class PolicyFile(Frozen):
    """The content of one policy file."""

    version: Literal[1] = Field(description="The version of the language.", examples=[1])
    policies: tuple[Policy, ...] = Field(
        min_length=1,
        max_length=MAX_POLICIES,
        description="The policies; each governs repositories of its own.",
        examples=[
            [
                {
                    "name": "web",
                    "repositories": ["ghcr.io/acme/web"],
                    "rules": [
                        {"name": "dangling", "match": {"untagged": True}, "keep": {"within": "7d"}}
                    ],
                }
            ]
        ],
    )


def policy_for(
    repository: Repository,
    policies: Iterable[Policy],
    *,
    described: Callable[[Policy], str] = attrgetter("name"),
) -> Policy | None:
    """Return the policy that governs a repository, None if none does.

    Raises: PolicyError, when two govern it, as `described`: the choice must be the user's.
    """
    governing = [policy for policy in policies if policy.governs(repository)]
    if len(governing) > 1:
        names = " and ".join(described(policy) for policy in governing)
        raise PolicyError(
            f"{repository} is governed by two policies: {names}",
            hint="Narrow `repositories`, or add the repository to `except` in one of them.",
        )
    return governing[0] if governing else None
