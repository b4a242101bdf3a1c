"""Measures of the source: vague names, clashing names, functions used once, lengths of files."""

import ast
import io
import tokenize
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

VAGUE = frozenset(
    (
        *("told", "tell", "said", "say", "spoken", "speak", "seen", "shown", "one", "ones"),
        *("words", "left", "lone", "owed", "owing", "amends", "held", "meant", "found", "thing"),
        *("things", "bench", "court", "toll", "doors"),
    )
)
"""Words that do not say what a value is, as parts of a name."""

Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True)
class Module:
    """One source file."""

    name: str
    text: str

    @property
    def tree(self) -> ast.Module:
        """The file, parsed."""
        return ast.parse(self.text)

    @property
    def lines(self) -> int:
        """How many lines the file has."""
        return len(self.text.splitlines())


def modules(root: Path) -> Sequence[Module]:
    """Read all source files of a package."""
    paths = sorted(root.rglob("*.py"))
    return [Module(str(path.relative_to(root)), path.read_text("utf-8")) for path in paths]


def vague_names(sources: Sequence[Module]) -> Mapping[str, int]:
    """Count the vague words in the names of each file."""
    counts = {source.name: sum(word in VAGUE for word in _words(source)) for source in sources}
    return {name: count for name, count in counts.items() if count}


def clashing_classes(sources: Sequence[Module]) -> Mapping[str, Sequence[str]]:
    """Return the public classes that several files define, with these files."""
    files: dict[str, list[str]] = defaultdict(list)
    for source in sources:
        for node in source.tree.body:
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                files[node.name].append(source.name)
    return {name: where for name, where in files.items() if len(where) > 1}


def private_functions(sources: Sequence[Module]) -> Mapping[str, int]:
    """Return the private functions, each as `file:name` with the number of its uses in the file."""
    return dict(chain.from_iterable(map(_uses_of_private, sources)))


def _words(source: Module) -> Iterator[str]:
    for token in tokenize.generate_tokens(io.StringIO(source.text).readline):
        if token.type == tokenize.NAME:
            yield from token.string.lower().split("_")


def _uses_of_private(source: Module) -> Iterator[tuple[str, int]]:
    nodes = list(ast.walk(source.tree))
    uses = Counter(node.attr for node in nodes if isinstance(node, ast.Attribute))
    uses.update(
        node.id for node in nodes if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)
    )
    for node in nodes:
        if isinstance(node, Function) and node.name.startswith("_") and node.name[1] != "_":
            yield f"{source.name}:{node.name}", uses[node.name]
