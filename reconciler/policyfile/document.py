"""One policy file: its bytes read, and where each policy and rule stands in it."""

import hashlib
from dataclasses import dataclass

from reconciler.model.plan import PolicySource
from reconciler.model.policy import PolicyFile
from reconciler.model.problems import PolicyProblems, Problem
from reconciler.policyfile.places import find
from reconciler.policyfile.validation import validate
from reconciler.yamltree.compose import compose
from reconciler.yamltree.nodes import MapNode, Node, Place


@dataclass(frozen=True, slots=True)
class Document:
    """A policy file that was accepted."""

    source: PolicySource
    root: Node
    file: PolicyFile

    @property
    def path(self) -> str:
        """The file's name, as it was given."""
        return self.source.path

    def place(self, *location: str | int) -> Place:
        """Return where something stands."""
        return find(self.root, location).node.place


def read_document(path: str, content: bytes) -> Document:
    """Read one file from the very bytes that are hashed.

    Raises: PolicyProblems, with everything that is wrong with it.
    """
    root = read_map(path, content, "a policy file starts with version: 1, then policies:")
    source = PolicySource(path=path, sha256=hashlib.sha256(content).hexdigest())
    return Document(source, root, validate(path, root))


def read_map(path: str, content: bytes, opening: str) -> MapNode:
    """Return the keys and values of a file; `opening` says how one of its kind begins.

    Raises: PolicyProblems, when it has none, or is not YAML.
    """
    root = compose(path, content)
    if isinstance(root, MapNode) and root.entries:
        return root
    raise PolicyProblems([Problem(path, *(root.place if root else Place(1, 1)), "", opening)])
