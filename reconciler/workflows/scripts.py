"""Steps that run commands, and what these push.

Source: the options of `docker buildx build`, `bake` and `imagetools create`, and of cosign.
"""

from collections.abc import Iterator

from reconciler.workflows.actions import attests, caches, platforms_in
from reconciler.workflows.expressions import shell_expanded
from reconciler.workflows.makers import BuildStep, MergeStep, PushStep, SignStep, Spot
from reconciler.workflows.naming import ImageNames, names_in, names_of
from reconciler.workflows.shell import Command, begins, commands, options, switched_on

_BUILDS = (("docker", "buildx", "build"), ("docker", "build"), ("docker", "buildx", "bake"))
_CREATE = ("docker", "buildx", "imagetools", "create")
_METADATA = "DOCKER_METADATA_OUTPUT"
"""How the variables begin that a metadata step sets. Source: docker/metadata-action, "Outputs"."""

_WITH_VALUES = frozenset({"-t", "--tag", "-f", "--file", "--annotation", "--builder", "--progress"})
"""Options of `imagetools create` that take a value, which is no source."""


def by_script(spot: Spot) -> Iterator[PushStep]:
    """Yield what the commands of a step push."""
    for command in commands(shell_expanded(spot.step.script, spot.step)):
        program = next((words for words in _BUILDS if begins(command, *words)), None)
        if program and _pushes(command):
            yield _build(spot, command, " ".join(program))
        elif begins(command, *_CREATE):
            yield _merge(spot, command)
        elif begins(command, "cosign", "sign") or begins(command, "cosign", "attest"):
            images = (word.partition("@")[0] for word in command if "/" in word and "@" in word)
            yield SignStep(spot, ImageNames(tuple(images), ()))


def _pushes(command: Command) -> bool:
    return switched_on(command, "--push") or "push=true" in _outputs(command)


def _outputs(command: Command) -> str:
    return ",".join(options(command, "--output", "-o"))


def _build(spot: Spot, command: Command, program: str) -> BuildStep:
    names = _names(spot, command)
    provenance = options(command, "--provenance", "--sbom", "--attest")
    off = bool(provenance) and all(value in ("false", "mode=disabled") for value in provenance)
    return BuildStep(
        spot,
        names,
        platforms=platforms_in(",".join(options(command, "--platform"))),
        attests=attests(spot.step) and not off,
        on_purpose=bool(provenance) and not off,
        by_digest="push-by-digest=true" in _outputs(command),
        caches=caches(options(command, "--cache-to"), spot.step),
        program=program,
    )


def _merge(spot: Spot, command: Command) -> MergeStep:
    """Read a merge; a source that the shell must fill in may be many."""
    words = command[command.index("create") + 1 :]
    sources = [
        word
        for before, word in zip(("", *words), words, strict=False)
        if not word.startswith("-") and before not in _WITH_VALUES
    ]
    alone = len(sources) == 1 and "(" not in sources[0] and not sources[0].endswith("*")
    plain = "--prefer-index=false" in words
    return MergeStep(spot, _names(spot, command), is_copy=alone, wraps=alone and not plain)


def _names(spot: Spot, command: Command) -> ImageNames:
    """Tell the names in a command, or those that a metadata step left in the environment."""
    where = (spot.workflow, spot.job, spot.step)
    if any(_METADATA in word for word in command):
        return names_in(*where)
    return names_of(options(command, "-t", "--tag"), *where)
