"""What the steps of a workflow push: builds, merges, attestations and signatures.

Source: the inputs of docker/build-push-action, docker/bake-action and actions/attest; the options
of `docker buildx build`, `bake` and `imagetools create`, and of cosign.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from reconciler.model.names import Repository
from reconciler.workflows.expressions import (
    Command,
    commands,
    expanded,
    is_literal,
    may_name,
    options,
    shell_expanded,
    starts_with,
    switched_on,
)
from reconciler.workflows.naming import ImageNames, lines_of, names_in, names_of
from reconciler.workflows.workflow import Step, Workflow, WorkflowJob

MAX_LABEL = 60
"""Longest name of a step in a report, in characters."""

_NO_ATTESTATIONS = "BUILDX_NO_DEFAULT_ATTESTATIONS"
_NO = ("false", "0", "")
_DISABLED = ("false", "disabled=true", "mode=disabled")
_UNNAMED = ImageNames((), ())

_BUILDS = (("docker", "buildx", "build"), ("docker", "build"), ("docker", "buildx", "bake"))
_CREATE = ("docker", "buildx", "imagetools", "create")
_METADATA = "DOCKER_METADATA_OUTPUT"
"""Prefix of the variables that a metadata step sets. Source: docker/metadata-action, "Outputs"."""

_WITH_VALUES = frozenset({"-t", "--tag", "-f", "--file", "--annotation", "--builder", "--progress"})
"""Options of `imagetools create` with a value, which must not be read as a source."""


@dataclass(frozen=True)
class StepLocation:
    """A step with its job and its workflow."""

    workflow: Workflow
    job: WorkflowJob
    step: Step

    def __str__(self) -> str:
        """Write it as `path:line`, which editors can open."""
        return f"{self.workflow.path}:{self.step.place.line}"

    @property
    def label(self) -> str:
        """The step's name, or else its id, its action, or the first line of its script."""
        step = self.step
        script = step.script.strip().partition("\n")[0]
        return (step.name or step.id or step.uses or script)[:MAX_LABEL]


@dataclass(frozen=True)
class PushStep:
    """A step that pushes something."""

    location: StepLocation
    names: ImageNames

    def may_push_to(self, repository: Repository) -> bool:
        """Whether it can push to a repository; a step with an unknown target can."""
        images = self.names.images
        return not images or any(may_name(image, repository) for image in images)


@dataclass(frozen=True)
class BuildStep(PushStep):
    """A build.

    Shape: `platforms` is 0 where only GitHub can evaluate it; with `attests`, BuildKit adds
        provenance or SBOMs, with `attests_on_request` because the workflow asks for them; `caches`
        has the registry targets of the build cache; `program` is the start of the command where
        the build is in a script.
    """

    platforms: int = 1
    attests: bool = True
    attests_on_request: bool = False
    by_digest: bool = False
    caches: tuple[str, ...] = ()
    program: str = ""


@dataclass(frozen=True)
class MergeStep(PushStep):
    """`docker buildx imagetools create`.

    Shape: with `is_copy` there is one source; with `wraps`, an image as source gets an index
        around it.
    """

    is_copy: bool = False
    wraps: bool = False


@dataclass(frozen=True)
class AttestStep(PushStep):
    """An attestation by GitHub's action that is pushed to the registry."""


@dataclass(frozen=True)
class SignStep(PushStep):
    """A signature or attestation of cosign."""


def by_action(spot: StepLocation) -> Iterator[PushStep]:
    """Yield what a step pushes through an action, if anything."""
    step = spot.step
    match step.uses.rpartition("/")[2]:
        case "build-push-action":
            yield from _action_build(spot)
        case "bake-action":
            yield from _bake(spot)
        # By default these actions push nothing: GitHub keeps the attestation itself.
        case "attest" | "attest-build-provenance" | "attest-sbom" if (
            step.switch("push-to-registry") not in _NO
        ):
            image = expanded(step.inputs.get("subject-name", ""), step)
            yield AttestStep(spot, ImageNames((image,) if image else (), ()))


def _action_build(spot: StepLocation) -> Iterator[BuildStep]:
    step = spot.step
    outputs = step.inputs.get("outputs", "")
    to_registry = "push=true" in outputs or "type=registry" in outputs
    # `push: true` is short for `outputs: type=registry`, so either of them pushes.
    if step.switch("push") in _NO and not to_registry:
        return
    names = names_of(lines_of(step.inputs.get("tags", "")), spot.workflow, spot.job, step)
    parts = [expanded(part.strip(), step) for part in outputs.split(",")]
    named = tuple(part[5:] for part in parts if part.startswith("name="))
    yield BuildStep(
        spot,
        replace(names, images=names.images or named),
        platforms=platforms_in(expanded(step.inputs.get("platforms", ""), step)),
        attests=attests(step),
        attests_on_request=_requests_attestations(step),
        by_digest="push-by-digest=true" in outputs,
        caches=caches(lines_of(step.inputs.get("cache-to", ""), commas=False), step),
    )


def _bake(spot: StepLocation) -> Iterator[BuildStep]:
    """Read the inputs of the step; the definition of bake is another file, which is not read."""
    step = spot.step
    if step.switch("push") in _NO:
        return
    settings = lines_of(step.inputs.get("set", ""), commas=False)
    cached = [line.partition("=")[2] for line in settings if ".cache-to=" in line]
    off = any("type=provenance,disabled=true" in line for line in settings)
    yield BuildStep(
        spot,
        _UNNAMED,
        attests=attests(step) and not off,
        attests_on_request=_requests_attestations(step),
        caches=caches(cached, step),
    )


def platforms_in(text: str) -> int:
    """Count the platforms of a list; 0 where only GitHub can evaluate it."""
    return len(lines_of(text) or [""]) if is_literal(text) else 0


def attests(step: Step) -> bool:
    """Whether a build adds attestations: it does, unless the step switches them off.

    Source: docker/build-push-action, `provenance`; docker buildx, BUILDX_NO_DEFAULT_ATTESTATIONS.
    """
    # An SBOM is an attestation, too, and makes an index even with `provenance: false`.
    if step.switch("sbom") not in _NO or step.switch("attests"):
        return True
    provenance = step.switch("provenance")
    if provenance:
        return provenance not in _DISABLED
    return step.environment.get(_NO_ATTESTATIONS, "").strip().lower() in _NO


def caches(entries: list[str], step: Step) -> tuple[str, ...]:
    """Return the registry targets of build caches."""
    return tuple(
        part.strip()[4:]
        for entry in entries
        if "type=registry" in entry
        for part in expanded(entry, step).split(",")
        if part.strip().startswith("ref=")
    )


def _requests_attestations(step: Step) -> bool:
    return any(step.switch(name) not in _NO for name in ("provenance", "sbom", "attests"))


def by_script(spot: StepLocation) -> Iterator[PushStep]:
    """Yield what the commands of a step push."""
    for command in commands(shell_expanded(spot.step.script, spot.step)):
        program = next((start for start in _BUILDS if starts_with(command, *start)), None)
        if program and (switched_on(command, "--push") or "push=true" in _outputs(command)):
            yield _script_build(spot, command, " ".join(program))
        elif starts_with(command, *_CREATE):
            yield _merge(spot, command)
        elif starts_with(command, "cosign", "sign") or starts_with(command, "cosign", "attest"):
            # cosign signs by digest; a reference without one is not recognised.
            images = (word.partition("@")[0] for word in command if "/" in word and "@" in word)
            yield SignStep(spot, ImageNames(tuple(images), ()))


def _outputs(command: Command) -> str:
    return ",".join(options(command, "--output", "-o"))


def _script_build(spot: StepLocation, command: Command, program: str) -> BuildStep:
    names = _names(spot, command)
    provenance = options(command, "--provenance", "--sbom", "--attest")
    # One attestation is enough for an index, so all of them must be off.
    off = bool(provenance) and all(value in ("false", "mode=disabled") for value in provenance)
    return BuildStep(
        spot,
        names,
        platforms=platforms_in(",".join(options(command, "--platform"))),
        attests=attests(spot.step) and not off,
        attests_on_request=bool(provenance) and not off,
        by_digest="push-by-digest=true" in _outputs(command),
        caches=caches(options(command, "--cache-to"), spot.step),
        program=program,
    )


def _merge(spot: StepLocation, command: Command) -> MergeStep:
    """Read a merge; a source that the shell expands may be several."""
    arguments = command[command.index("create") + 1 :]
    sources = [
        word
        for before, word in zip(("", *arguments), arguments, strict=False)
        if not word.startswith("-") and before not in _WITH_VALUES
    ]
    alone = len(sources) == 1 and "(" not in sources[0] and not sources[0].endswith("*")
    # Without this option, `imagetools create` puts an index around a single image.
    plain = "--prefer-index=false" in arguments
    return MergeStep(spot, _names(spot, command), is_copy=alone, wraps=alone and not plain)


def _names(spot: StepLocation, command: Command) -> ImageNames:
    """Return the names in a command, or those that a metadata step set in the environment."""
    where = (spot.workflow, spot.job, spot.step)
    if any(_METADATA in word for word in command):
        return names_in(*where)
    return names_of(options(command, "-t", "--tag"), *where)
