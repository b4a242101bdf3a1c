"""What workflow files have to do with what was found: who makes it, and what to change."""

from dataclasses import dataclass

from reconciler.core.diagnosing.causes import VersionCause


@dataclass(frozen=True, slots=True)
class Attribution:
    """A step, and the causes among those found that it makes.

    Shape: `place` is file and line, `step` how the file calls it; `causes` is not empty.
    """

    place: str
    step: str
    causes: tuple[VersionCause, ...]


@dataclass(frozen=True, slots=True)
class AdvisedChange:
    """One change of a workflow, and how many of the versions found it would have spared.

    Shape: `unneeded` counts those that nothing needs, `needed` those in use; `patch` is what
        `git apply` takes, empty where only somebody who knows the build can make the change.
    """

    place: str
    text: str
    patch: str
    unneeded: int
    needed: int


@dataclass(frozen=True, slots=True)
class WorkflowAdvice:
    """What workflows have to do with a repository.

    Shape: `proposals` has the one that spares most left-overs first; `unread` tells of files that
        could not be read, each with the reason.
    """

    attributions: tuple[Attribution, ...] = ()
    proposals: tuple[AdvisedChange, ...] = ()
    unread: tuple[str, ...] = ()
