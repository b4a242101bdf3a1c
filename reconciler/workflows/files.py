"""Which files hold workflows, and what could be read of them."""

from collections.abc import Iterable
from dataclasses import dataclass
from errno import EINVAL
from pathlib import Path

from reconciler.model.display import safe
from reconciler.model.problems import PolicyProblems
from reconciler.workflows.reading import read_workflow
from reconciler.workflows.workflow import Workflow
from reconciler.yamltree.compose import MAX_BYTES

FOLDER = Path(".github/workflows")
"""Where GitHub looks for workflows, in the root of a repository."""

MAX_FILES = 200
"""Most workflow files that are read."""


@dataclass(frozen=True, slots=True)
class WorkflowFiles:
    """Workflows that were read, and why others were not."""

    workflows: tuple[Workflow, ...] = ()
    unread: tuple[str, ...] = ()


def workflow_files() -> list[Path]:
    """List the workflow files here; none outside the root of a repository."""
    return sorted(path for path in FOLDER.glob("*.y*ml") if path.suffix in (".yml", ".yaml"))


def read_workflows(paths: Iterable[Path]) -> WorkflowFiles:
    """Read workflow files; one that cannot be read holds no other one back."""
    workflows: list[Workflow] = []
    unread: list[str] = []
    for number, path in enumerate(paths):
        if number >= MAX_FILES:
            unread.append(f"{safe(str(path))} and those after it: at most {MAX_FILES} are read")
            break
        try:
            workflows.append(read_workflow(safe(path.as_posix()), _content(path)))
        except PolicyProblems as error:
            unread.append(str(error))
        except OSError as error:
            unread.append(f"{safe(str(path))}: {error.strerror}")
    return WorkflowFiles(tuple(workflows), tuple(unread))


def _content(path: Path) -> bytes:
    """Return the bytes of a workflow file; of one that is too large, enough to be refused.

    Raises: OSError, when it cannot be read, or is nothing that ends, such as a pipe.
    """
    if path.exists() and not path.is_file():
        raise OSError(EINVAL, "not a regular file")
    with path.open("rb") as file:
        return file.read(MAX_BYTES + 1)
