"""What steps push, and how: builds, merges, attestations, signatures."""

from dataclasses import dataclass

from reconciler.model.names import Repository
from reconciler.workflows.expressions import may_name
from reconciler.workflows.naming import ImageNames
from reconciler.workflows.workflow import Job, Step, Workflow

MAX_LABEL = 60
"""Longest name of a step that is shown, in characters."""


@dataclass(frozen=True)
class Spot:
    """A step, and where it stands."""

    workflow: Workflow
    job: Job
    step: Step

    def __str__(self) -> str:
        """Write it as editors take it."""
        return f"{self.workflow.path}:{self.step.place.line}"

    @property
    def label(self) -> str:
        """How the file calls the step: by its name, its id, its action, or what it runs."""
        step = self.step
        script = step.script.strip().partition("\n")[0]
        return (step.name or step.id or step.uses or script)[:MAX_LABEL]


@dataclass(frozen=True)
class PushStep:
    """A step that pushes something."""

    spot: Spot
    names: ImageNames

    def may_push_to(self, repository: Repository) -> bool:
        """Whether it can push to a repository; one whose target nobody can tell may."""
        images = self.names.images
        return not images or any(may_name(image, repository) for image in images)


@dataclass(frozen=True)
class BuildStep(PushStep):
    """A build.

    Shape: `platforms` is 0 where only GitHub knows; `attests` says that BuildKit adds provenance
        or SBOMs, `on_purpose` that somebody asked for them; `caches` has the targets of the build
        cache in a registry; `program` is how the command begins where it stands in a script.
    """

    platforms: int = 1
    attests: bool = True
    on_purpose: bool = False
    by_digest: bool = False
    caches: tuple[str, ...] = ()
    program: str = ""


@dataclass(frozen=True)
class MergeStep(PushStep):
    """`docker buildx imagetools create`.

    Shape: `is_copy` where there is one source; `wraps` where that gets an index of its own, if it
        is no index itself.
    """

    is_copy: bool = False
    wraps: bool = False


@dataclass(frozen=True)
class AttestStep(PushStep):
    """An attestation of GitHub that is pushed beside its image."""


@dataclass(frozen=True)
class SignStep(PushStep):
    """A signature or attestation of cosign."""
