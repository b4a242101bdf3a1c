"""Steps that use an action, and what it pushes.

Source: the inputs of docker/build-push-action, docker/bake-action and actions/attest.
"""

from collections.abc import Iterator
from dataclasses import replace

from reconciler.workflows.expressions import expanded, is_known
from reconciler.workflows.makers import AttestStep, BuildStep, PushStep, Spot
from reconciler.workflows.naming import ImageNames, lines_of, names_of
from reconciler.workflows.workflow import Step

_NO_ATTESTATIONS = "BUILDX_NO_DEFAULT_ATTESTATIONS"
_NO = ("false", "0", "")
_DISABLED = ("false", "disabled=true", "mode=disabled")
_UNNAMED = ImageNames((), ())


def by_action(spot: Spot) -> Iterator[PushStep]:
    """Yield what a step pushes through an action, if it does."""
    match spot.step.uses.rpartition("/")[2]:
        case "build-push-action":
            yield from _build(spot)
        case "bake-action":
            yield from _bake(spot)
        case "attest" | "attest-build-provenance" | "attest-sbom":
            yield from _attest(spot)


def _build(spot: Spot) -> Iterator[BuildStep]:
    step = spot.step
    outputs = step.inputs.get("outputs", "")
    to_registry = "push=true" in outputs or "type=registry" in outputs
    if step.asks("push") in _NO and not to_registry:
        return
    names = names_of(lines_of(step.inputs.get("tags", "")), spot.workflow, spot.job, step)
    parts = [expanded(part.strip(), step) for part in outputs.split(",")]
    named = tuple(part[5:] for part in parts if part.startswith("name="))
    yield BuildStep(
        spot,
        replace(names, images=names.images or named),
        platforms=platforms_in(expanded(step.inputs.get("platforms", ""), step)),
        attests=attests(step),
        on_purpose=_asked(step),
        by_digest="push-by-digest=true" in outputs,
        caches=caches(lines_of(step.inputs.get("cache-to", ""), commas=False), step),
    )


def _bake(spot: Spot) -> Iterator[BuildStep]:
    """Read what the step itself says; its definition is another file, which is not read."""
    step = spot.step
    if step.asks("push") in _NO:
        return
    settings = lines_of(step.inputs.get("set", ""), commas=False)
    cached = [line.partition("=")[2] for line in settings if ".cache-to=" in line]
    off = any("type=provenance,disabled=true" in line for line in settings)
    yield BuildStep(
        spot,
        _UNNAMED,
        attests=attests(step) and not off,
        on_purpose=_asked(step),
        caches=caches(cached, step),
    )


def _attest(spot: Spot) -> Iterator[AttestStep]:
    step = spot.step
    if step.asks("push-to-registry") not in _NO:
        image = expanded(step.inputs.get("subject-name", ""), step)
        yield AttestStep(spot, ImageNames((image,) if image else (), ()))


def platforms_in(text: str) -> int:
    """Count the platforms of a list; 0 where only GitHub can fill it in."""
    return len(lines_of(text) or [""]) if is_known(text) else 0


def attests(step: Step) -> bool:
    """Whether a build of a step attests: it does, unless somebody switched that off.

    Source: docker/build-push-action, `provenance`; docker buildx, BUILDX_NO_DEFAULT_ATTESTATIONS.
    """
    if step.asks("sbom") not in _NO or step.asks("attests"):
        return True
    provenance = step.asks("provenance")
    if provenance:
        return provenance not in _DISABLED
    return step.environment.get(_NO_ATTESTATIONS, "").strip().lower() in _NO


def caches(entries: list[str], step: Step) -> tuple[str, ...]:
    """Return the targets of build caches that go to a registry."""
    return tuple(
        part.strip()[4:]
        for entry in entries
        if "type=registry" in entry
        for part in expanded(entry, step).split(",")
        if part.strip().startswith("ref=")
    )


def _asked(step: Step) -> bool:
    return any(step.asks(name) not in _NO for name in ("provenance", "sbom", "attests"))
