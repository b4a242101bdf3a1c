"""Pages: no link leads nowhere, each page can be found, and what is quoted is said somewhere."""

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
from markdown_it import MarkdownIt

from reconciler.policyfile import load_text, remarks_on
from reconciler.settings import Settings

ROOT = Path(__file__).parents[3]
DOCS = ROOT / "docs"
PAGES = sorted(
    path
    for path in ROOT.rglob("*.md")
    if not any(part.startswith(".") for part in path.relative_to(ROOT).parts)
)
NAMES = [path.relative_to(ROOT).as_posix() for path in PAGES]
OMITTED = "…"


def links(path: Path) -> Iterator[str]:
    """Yield the targets of links and pictures of a page that lie in this repository."""
    tokens = MarkdownIt("commonmark").enable("table").parse(path.read_text(encoding="utf-8"))
    for token in tokens:
        for child in token.children or ():
            target = str(child.attrs.get("href") or child.attrs.get("src") or "")
            if target and not re.match(r"[a-z]+:", target):
                yield target


def anchors(path: Path) -> set[str]:
    """Return what GitHub lets links to headings of a page be called."""
    headings = re.findall(r"^#+ (.+)$", path.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def leads_somewhere(page: Path, target: str) -> bool:
    """Whether a link has a file, and a heading in it if it names one."""
    name, _, heading = target.partition("#")
    path = page.parent / name if name else page
    return path.exists() and (not heading or heading in anchors(path))


@cache
def messages() -> str:
    """Return all texts of the package, one on each line, with a sign for what is filled in."""
    files = sorted((ROOT / "reconciler").rglob("*.py"))
    trees = (ast.parse(path.read_text(encoding="utf-8")) for path in files)
    nodes = (node for tree in trees for node in ast.walk(tree))
    return "\n".join(filter(None, map(_text, nodes)))


def _text(node: ast.AST) -> str:
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.JoinedStr):
        return "".join(_text(part) or OMITTED for part in node.values)
    return ""


def is_said(message: str) -> bool:
    """Whether one text of the package has all parts of a message, in their order."""
    parts = map(re.escape, re.split(rf" ?{OMITTED} ?", message))
    return bool(re.search("[^\n]*".join(parts), messages()))


@pytest.mark.parametrize("page", PAGES, ids=NAMES)
def test_no_link_leads_nowhere(page: Path) -> None:
    assert [target for target in links(page) if not leads_somewhere(page, target)] == []


def test_the_index_names_every_page() -> None:
    named = {(DOCS / target).resolve() for target in links(DOCS / "README.md")}
    pages = {path.resolve() for path in DOCS.glob("*.md") if path.name != "README.md"}

    assert pages - named == set()


def test_the_messages_that_are_explained_are_messages_of_ours() -> None:
    page = (DOCS / "troubleshooting.md").read_text(encoding="utf-8")
    quoted = re.findall(r"^### `(.+)`$", page, re.MULTILINE)

    assert len(quoted) > 20
    assert [message for message in quoted if not is_said(message)] == []


def test_the_policy_of_the_quick_start_is_valid_and_deserves_no_remark() -> None:
    page = (DOCS / "quick-start.md").read_text(encoding="utf-8")
    (policy,) = re.findall(r"<!-- policy -->\n```yaml\n(.*?)```", page, re.DOTALL)

    assert remarks_on(load_text("web.yaml", policy.encode())) == ()


@pytest.mark.parametrize(
    ("page", "host"),
    [("enterprise-server", "containers.github.acme.example"), ("other-registries", "registry.lan")],
)
def test_registries_that_pages_describe_are_understood(
    page: str, host: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = (DOCS / f"{page}.md").read_text(encoding="utf-8")
    (described,) = re.findall(r"^export RECONCILER_REGISTRIES='(.+)'$", text, re.MULTILINE)
    monkeypatch.setenv("RECONCILER_REGISTRIES", described)

    known = Settings.load().registries

    assert [name.partition(":")[0] for name in known] == [host]
