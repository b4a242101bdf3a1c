"""The site of the documentation: it builds without a warning, and needs no other host."""

import re
import subprocess
import sys
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urldefrag

import pytest

ROOT = Path(__file__).parents[2]
SECONDS = 300


class Page(HTMLParser):
    """What one page links to, loads, and can be linked at."""

    def __init__(self, text: str) -> None:
        """Read the text of a page."""
        super().__init__()
        self.links: list[str] = []
        self.loads: list[str] = []
        self.anchors: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note the attributes that name something."""
        known = {name: value for name, value in attrs if value is not None}
        self.anchors.update(known[name] for name in ("id", "name") if name in known)
        if tag == "a" or known.get("rel") in ("canonical", "next", "prev", "alternate"):
            self.links.extend(known[name] for name in ("href",) if name in known)
        else:
            self.loads.extend(known[name] for name in ("href", "src") if name in known)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the site once."""
    folder = tmp_path_factory.mktemp("site")
    built = subprocess.run(
        [sys.executable, ROOT / ".ci" / "site", folder],
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    assert built.returncode == 0, built.stdout + built.stderr
    return folder / "site"


@pytest.fixture(scope="module")
def pages(site: Path) -> dict[Path, Page]:
    """Read the pages of the site, except those that the program itself made."""
    found = [path for path in site.rglob("index.html") if path.parent != site / "captures"]
    return {path: Page(path.read_text(encoding="utf-8")) for path in found}


def broken(site: Path, pages: dict[Path, Page]) -> Iterator[str]:
    """Yield the links that lead nowhere."""
    for path, page in pages.items():
        for link in (*page.links, *page.loads):
            target, anchor = urldefrag(link)
            if re.match(r"[a-z]+:", link):
                continue
            aim = (path.parent / unquote(target)).resolve() if target else path
            aim = aim / "index.html" if aim.is_dir() else aim
            known = aim not in pages or not anchor or unquote(anchor) in pages[aim].anchors
            if not (aim.is_file() and known):
                yield f"{path.relative_to(site)}: {link}"


def test_every_page_of_the_documentation_is_on_the_site(
    site: Path, pages: dict[Path, Page]
) -> None:
    names = {path.stem for path in (ROOT / "docs").glob("*.md")} - {"README"}

    assert names
    assert names - {path.parent.relative_to(site).as_posix() for path in pages} == set()


def test_no_link_of_the_site_leads_nowhere(site: Path, pages: dict[Path, Page]) -> None:
    assert sum(len(page.links) for page in pages.values()) > 1000
    assert list(broken(site, pages)) == []


def test_no_page_loads_anything_from_another_host(pages: dict[Path, Page]) -> None:
    loaded = {load for page in pages.values() for load in page.loads}

    assert loaded
    assert {load for load in loaded if re.match(r"([a-z]+:)?//", load)} == set()


def test_the_site_can_be_searched(site: Path) -> None:
    index = (site / "search" / "search_index.json").read_text(encoding="utf-8").lower()
    words = (
        "dry run", "multi-arch", "manifest list", "prune", "dangling", "orphan", "rollback",
        "drift", "proxy", "pipx", "gitlab ci", "jenkins", "cron",
    )  # fmt: skip

    assert [word for word in words if word not in index] == []
