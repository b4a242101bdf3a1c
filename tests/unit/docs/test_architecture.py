"""The map of the code names every package and no other, and only what exists."""

import ast
import re
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[3]
PACKAGE = ROOT / "reconciler"
PAGE = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
QUOTED = re.findall(r"`([\w/]+\.py)(?:::([\w.]+))?`", PAGE)


@cache
def names_in(path: Path) -> set[str]:
    """Return the functions, classes, methods and constants that a file defines."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    names: set[str] = set()
    for node in tree.body:
        match node:
            case ast.FunctionDef(name=name):
                names.add(name)
            case ast.ClassDef(name=name, body=body):
                methods = (part.name for part in body if isinstance(part, ast.FunctionDef))
                names |= {name, *(f"{name}.{method}" for method in methods)}
            case ast.Assign(targets=[ast.Name(id=name)]) | ast.AnnAssign(target=ast.Name(id=name)):
                names.add(name)
    return names


def first_cells(heading: str) -> list[str]:
    """Return the code in the first cells of the table under a heading."""
    table = PAGE.partition(f"| {heading} |")[2].partition("\n\n")[0]
    return re.findall(r"^\| `([^`]+)` \|", table, re.MULTILINE)


def test_the_map_names_every_package_once_and_no_other() -> None:
    folders = (path.parent for path in PACKAGE.rglob("__init__.py") if path.parent != PACKAGE)
    packages = [f"{folder.relative_to(PACKAGE).as_posix()}/" for folder in folders]

    assert len(packages) > 10
    assert sorted(first_cells("package")) == sorted(packages)


def test_the_map_names_every_file_beside_the_packages_once_and_no_other() -> None:
    files = [path.name for path in PACKAGE.glob("*.py") if path.name != "__init__.py"]

    assert sorted(first_cells("file beside them")) == sorted(files)


def test_every_file_that_the_map_names_exists() -> None:
    assert len(QUOTED) > 50
    assert [
        path for path, _ in QUOTED if not any((top / path).is_file() for top in (PACKAGE, ROOT))
    ] == []


def test_every_function_that_the_map_names_is_defined_in_its_file() -> None:
    assert [
        f"{path}::{name}" for path, name in QUOTED if name and name not in names_in(PACKAGE / path)
    ] == []


def test_packages_stand_in_the_order_of_the_layers() -> None:
    config = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    layers = re.findall(r'^    "(\(.+\))",$', config, re.MULTILINE)
    level = {
        name: number for number, row in enumerate(layers) for name in re.findall(r"\((\w+)\)", row)
    }
    tops = [level[package.partition("/")[0]] for package in first_cells("package")]

    assert tops == sorted(tops)
