"""A parsed workflow: its jobs and steps, each with its place in the file."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

from reconciler.yamltree.tree import MapNode, Place, ScalarNode

Environment = Mapping[str, str]
"""Variables by name, as the file spells their values."""


@dataclass(frozen=True)
class Step:
    """One step of a job. Shape: `uses` is the action without its version, or empty."""

    name: str
    id: str
    uses: str
    script: str
    place: Place
    inputs: Mapping[str, str]
    environment: Environment
    node: MapNode
    """The step's node in the YAML tree, for edits."""

    def switch(self, name: str) -> str:
        """Return an input, trimmed and in lower case, empty where it is not given."""
        return self.inputs.get(name, "").strip().lower()

    def value(self, *keys: str) -> tuple[ScalarNode, ScalarNode] | None:
        """Return a key below this step and the text that it has, None where there is none."""
        node = self.node
        for key in keys[:-1]:
            inner = node.by_name.get(key, (None, None))[1]
            if not isinstance(inner, MapNode):
                return None
            node = inner
        name, value = node.by_name.get(keys[-1], (None, None))
        pair = isinstance(name, ScalarNode) and isinstance(value, ScalarNode)
        return (name, value) if pair else None  # type: ignore[return-value] # both are scalars


@dataclass(frozen=True)
class WorkflowJob:
    """One job. Shape: a job that calls another workflow has no steps."""

    name: str
    steps: tuple[Step, ...]
    is_matrix: bool = False


@dataclass(frozen=True)
class Workflow:
    """One workflow file.

    Shape: `events` are its triggers; with `only_tags`, commits on branches do not start it.
    """

    path: str
    text: str
    events: frozenset[str]
    jobs: tuple[WorkflowJob, ...]
    only_tags: bool = False

    @cached_property
    def lines(self) -> tuple[str, ...]:
        r"""The lines of the file; with line ends `\r\n` they keep their `\r`."""
        # `splitlines` also splits at characters that end no line in YAML.
        return tuple(self.text.split("\n"))

    @property
    def is_scheduled(self) -> bool:
        """Whether it runs on a schedule, also when nothing changed."""
        return "schedule" in self.events

    @property
    def steps(self) -> Iterator[tuple[WorkflowJob, Step]]:
        """Yield every step with its job."""
        return ((job, step) for job in self.jobs for step in job.steps)
