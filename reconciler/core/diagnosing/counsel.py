"""What workflow files have to do with what was found: who makes it, and what to change."""

from dataclasses import dataclass

from reconciler.core.diagnosing.causes import Cause


@dataclass(frozen=True, slots=True)
class Attribution:
    """A step, and the causes among those found that it makes.

    Shape: `place` is file and line, `step` how the file calls it; `causes` is not empty.
    """

    place: str
    step: str
    causes: tuple[Cause, ...]


@dataclass(frozen=True, slots=True)
class Proposal:
    """One change of a workflow, and how many of the versions found it would have spared.

    Shape: `left` counts those that nothing needs, `needed` those in use; `patch` is what
        `git apply` takes, empty where only somebody who knows the build can make the change.
    """

    place: str
    words: str
    patch: str
    left: int
    needed: int


@dataclass(frozen=True, slots=True)
class Counsel:
    """What workflows have to do with a repository.

    Shape: `proposals` has the one that spares most left-overs first; `unread` tells of files that
        could not be read, each with the reason.
    """

    attributions: tuple[Attribution, ...] = ()
    proposals: tuple[Proposal, ...] = ()
    unread: tuple[str, ...] = ()
