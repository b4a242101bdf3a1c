"""The image names and tags that a build pushes, and whether a later build moves the tags.

Source: docker/metadata-action, "tags input".
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

from reconciler.workflows.expressions import (
    expanded,
    is_literal,
    is_run_specific,
    masked,
    restored,
    step_of,
)
from reconciler.workflows.workflow import Step, Workflow, WorkflowJob

METADATA = "docker/metadata-action"

_DEFAULTS = ("type=schedule", "type=ref,event=branch", "type=ref,event=tag", "type=ref,event=pr")
"""What the action does without `tags`. Source: docker/metadata-action, "tags input"."""

_RELEASES = ("type=semver", "type=pep440", "type=match", "type=ref,event=tag")
_DATE = re.compile(r"\{\{\s*date\b")


class Naming(Enum):
    """How long a tag stays on one image."""

    OWN = "its own"
    """Each run has another tag."""

    MOVING = "moving"
    """A later run moves it."""

    UNKNOWN = "unknown"
    """Only GitHub can evaluate it."""


@dataclass(frozen=True, slots=True)
class ImageNames:
    """The names that a build pushes.

    Shape: `images` are without tags; `metadata` is the step that generates the tags, None where
        the build lists them itself; `tags` has one naming for each tag.
    """

    images: tuple[str, ...]
    tags: tuple[Naming, ...]
    metadata: Step | None = None
    is_staging: bool = False
    """Whether a tag differs between the jobs of one matrix, as tags of single platforms do."""

    @property
    def has_unique_tag(self) -> bool:
        """Whether an image keeps a tag after the next build, as far as the file shows."""
        return any(naming is not Naming.MOVING for naming in self.tags)


def names_of(texts: Sequence[str], workflow: Workflow, job: WorkflowJob, step: Step) -> ImageNames:
    """Return the names in a list of image references, or those of its metadata step."""
    for text in texts:
        name = step_of(text)
        metadata = next((other for other in job.steps if name and other.id == name), None)
        if metadata and metadata.uses == METADATA:
            return _by_metadata(metadata, workflow)
    spelled = [expanded(text, step) for text in texts]
    return ImageNames(
        images=tuple(text.removesuffix(f":{_tag(text)}") for text in spelled),
        tags=tuple(_naming(_tag(text)) for text in spelled),
        is_staging=any("matrix." in _tag(text) for text in spelled),
    )


def names_in(workflow: Workflow, job: WorkflowJob, step: Step) -> ImageNames:
    """Return the names that the metadata step of a job generates; none without such a step."""
    before = (
        candidate
        for candidate in job.steps
        if candidate.uses == METADATA and candidate.place < step.place
    )
    metadata = next(before, None)
    return _by_metadata(metadata, workflow) if metadata else ImageNames((), ())


def lines_of(text: str, *, commas: bool = True) -> list[str]:
    """Split a list in an action's input by lines and, unless switched off, by commas."""
    plain, expressions = masked(text)
    parts = re.split(r"[\n,]" if commas else r"\n", plain)
    entries = (restored(part, expressions).strip() for part in parts)
    return [entry for entry in entries if entry and not entry.startswith("#")]


def _by_metadata(step: Step, workflow: Workflow) -> ImageNames:
    texts = lines_of(expanded(step.inputs.get("tags", ""), step), commas=False)
    tags: list[Naming] = []
    for text in texts or _DEFAULTS:
        kind = text.replace(" ", "")
        if kind.startswith("type=sha") or _DATE.search(text) or is_run_specific(text):
            # A nightly build of the same commit takes the tag of the night before.
            again = kind.startswith("type=sha") and workflow.events == {"schedule"}
            tags.append(Naming.MOVING if again else Naming.OWN)
        elif kind.startswith(_RELEASES):
            # On a branch these types produce no tag at all.
            tags += [Naming.OWN] if workflow.only_tags else []
        else:
            tags.append(_naming(text))
    images = lines_of(expanded(step.inputs.get("images", ""), step))
    return ImageNames(tuple(images), tuple(tags), metadata=step)


def _naming(tag: str) -> Naming:
    if is_run_specific(tag):
        return Naming.OWN
    # All commits of a branch have its name, so a later one moves the tag.
    branch = "github.ref_name" in tag or "github.head_ref" in tag
    return Naming.MOVING if is_literal(tag) or branch else Naming.UNKNOWN


def _tag(text: str) -> str:
    """Return the tag of a reference, in which expressions may hold colons and slashes."""
    plain, expressions = masked(text)
    start = plain.rfind(":")
    # A colon before the last slash belongs to a port.
    # Docker pushes a reference without a tag as `latest`.
    if start <= plain.rfind("/"):
        return "latest"
    # Consumes the expressions of the name: the next ones are those of the tag.
    restored(plain[:start], expressions)
    return restored(plain[start + 1 :], expressions)
