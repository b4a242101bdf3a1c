"""Faults: rules that make chosen calls fail, and operations of others right before or after."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from itertools import chain
from typing import Annotated, Literal

from pydantic import Field, NonNegativeFloat, NonNegativeInt, PositiveInt, field_validator

from reconciler.model.base import Frozen

Cut = Literal["drop", "hang", "truncate", "lost"]
"""`drop` the connection before doing anything, `hang` until the client gives up, `truncate` the
body after half of it, or do the work and have the real answer `lost`: the fault's own answer
replaces it or, without one, the connection is dropped."""


class Push(Frozen):
    """Push a manifest: the given `body`, an index over `lists`, or a new image.

    Shape: `lists` and `subject` are tags or digests of the package; `package` is `owner/name`.
    """

    do: Literal["push"] = "push"
    package: str
    tags: tuple[str, ...] = ()
    lists: tuple[str, ...] = ()
    subject: str = ""
    body: str = ""
    media_type: str = "application/vnd.oci.image.manifest.v1+json"


class Retag(Frozen):
    """Move a tag to the version of another tag or a digest."""

    do: Literal["retag"] = "retag"
    package: str
    tag: str
    to: str


class Delete(Frozen):
    """Delete the version of a tag or digest, without GitHub's checks."""

    do: Literal["delete"] = "delete"
    package: str
    reference: str


class Download(Frozen):
    """Set how often the version of a tag or digest was downloaded."""

    do: Literal["download"] = "download"
    package: str
    reference: str
    count: NonNegativeInt


class ExpireTokens(Frozen):
    """Expire every token that the registry has issued."""

    do: Literal["expire_tokens"] = "expire_tokens"


class Revoke(Frozen):
    """Reject every token of one login from now on."""

    do: Literal["revoke"] = "revoke"
    login: str


class Advance(Frozen):
    """Move the sandbox's clock forward."""

    do: Literal["advance"] = "advance"
    by: timedelta


Operation = Annotated[
    Push | Retag | Delete | Download | ExpireTokens | Revoke | Advance, Field(discriminator="do")
]


class Answer(Frozen):
    """An answer that replaces the real one."""

    status: int
    body: str = ""
    headers: Mapping[str, str] = {}


class Fault(Frozen):
    """One rule: which calls it affects, and how.

    Shape: `path` is a regular expression searched in the path with its query, still encoded.
    Units: `delay` in seconds; `nth` counts matching calls from 1, and `times` of them are
        affected, all of them when it is None.
    """

    method: str = ""
    path: str = ""
    nth: PositiveInt = 1
    times: PositiveInt | None = 1
    delay: NonNegativeFloat = 0.0
    before: tuple[Operation, ...] = ()
    answer: Answer | None = None
    cut: Cut | None = None
    after: tuple[Operation, ...] = ()

    @field_validator("path")
    @classmethod
    def _is_an_expression(cls, path: str) -> str:
        try:
            # A rule that is invalid fails when it is added, and not when its turn comes.
            re.compile(path)
        except re.error as error:
            raise ValueError(f"{path!r} is not a regular expression: {error}") from error
        return path

    def matches(self, method: str, target: str) -> bool:
        """Whether the rule matches this call; a rule without a method matches any."""
        return self.method in ("", method) and re.search(self.path, target) is not None

    def hits(self, count: int) -> bool:
        """Whether the rule affects its `count`-th matching call."""
        return self.nth <= count and (self.times is None or count < self.nth + self.times)


@dataclass(frozen=True, slots=True)
class CombinedFault:
    """The combined effect of all rules that affect one call."""

    delay: float = 0.0
    before: tuple[Operation, ...] = ()
    answer: Answer | None = None
    cut: Cut | None = None
    after: tuple[Operation, ...] = ()

    @property
    def is_intercepted(self) -> bool:
        """Whether the call never reaches the service."""
        return self.cut in ("drop", "hang") or (self.answer is not None and self.cut != "lost")

    @property
    def is_silent(self) -> bool:
        """Whether the client gets no answer."""
        return self.cut in ("drop", "hang") or (self.answer is None and self.cut == "lost")


class Faults:
    """The rules in force."""

    def __init__(self) -> None:
        """Begin without rules."""
        self._rules: list[Fault] = []
        self._counts: list[int] = []

    def add(self, *faults: Fault) -> None:
        """Add rules; each counts its matching calls from now on."""
        self._rules.extend(faults)
        self._counts.extend(0 for _ in faults)

    def clear(self) -> None:
        """Remove all rules."""
        self._rules.clear()
        self._counts.clear()

    def faults_for(self, method: str, target: str) -> CombinedFault:
        """Count a call, and return the combined effect of the rules on it.

        Delays and operations add up, the first answer and the first cut count.
        """
        struck = []
        for place, rule in enumerate(self._rules):
            if rule.matches(method, target):
                # Every match is counted, also before the `nth` and after the last of `times`.
                self._counts[place] += 1
                if rule.hits(self._counts[place]):
                    struck.append(rule)
        return CombinedFault(
            delay=sum(fault.delay for fault in struck),
            before=tuple(chain.from_iterable(fault.before for fault in struck)),
            answer=next(filter(None, (fault.answer for fault in struck)), None),
            cut=next(filter(None, (fault.cut for fault in struck)), None),
            after=tuple(chain.from_iterable(fault.after for fault in struck)),
        )
