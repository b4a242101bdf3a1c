"""`reconciler report` in a real browser: every page of the folder, on a telephone and on a desk."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from reconciler.commands.report import MARK
from reconciler.sandbox.generate import builds, lifelike
from reconciler.sandbox.server import Sandbox
from reconciler.sandbox.settings import UNLIMITED, SandboxSettings
from tests.captures.scene import POLICY
from tests.support.browser import Browser
from tests.support.cli import CommandLine, Ended
from tests.support.sandbox_commands import environment

pytestmark = pytest.mark.server

PAGES = ("diagnose", "plan", "usage", "check", "log")


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Ended, str]:
    """Apply a policy to one of two packages, then write the pages of both."""
    folder, now = tmp_path_factory.mktemp("report"), datetime.now(UTC)
    packages = [lifelike(now), builds(8, now=now, path="acme/api")]
    with Sandbox(SandboxSettings(limits=UNLIMITED), packages).serve() as served:
        reconciler = CommandLine(folder, environment(served, folder))
        reconciler.write_policy(POLICY.replace("ghcr.io", served.host))
        assert reconciler("apply", "--yes").code == 0
        names = [f"{served.host}/acme/{name}" for name in ("api", "web")]
        done = reconciler("report", *names, "--out", "site")
    return folder / "site", done, served.host.replace(":", "_")


def test_every_repository_has_its_pages_and_the_index_leads_to_them(
    written: tuple[Path, Ended, str],
) -> None:
    site, done, host = written

    names = {str(path.relative_to(site)) for path in site.rglob("*.html")}

    assert done.code == 0
    assert done.stdout == "9 pages: site/index.html\n"
    assert names == {
        "index.html",
        *(f"{host}/acme/web/{name}.html" for name in PAGES),
        # No policy governs this one.
        *(f"{host}/acme/api/{name}.html" for name in ("diagnose", "usage", "log")),
    }


def test_every_page_fits_its_window_loads_nothing_and_leads_back(
    chromium: Browser, written: tuple[Path, Ended, str], tmp_path: Path
) -> None:
    site, _, _ = written

    for page in sorted(site.rglob("*.html")):
        for width, dark in ((390, True), (1280, False)):
            chromium.look(dark=dark)
            chromium.open(page)
            chromium.picture(tmp_path / "page.png", width, 900)

            assert chromium.ask("document.documentElement.scrollWidth") == width, page
            cut = chromium.ask(
                "[...document.querySelectorAll('h1,h2,p,li,svg.chart,.bars,.legend')]"
                ".filter(x => x.getBoundingClientRect().right > innerWidth).length"
            )
            assert cut == 0, page
            assert chromium.asked_for() == [page.as_uri()]
            assert chromium.complaints() == []
        links = [link.get_attribute("href") or "" for link in chromium.find("a")]
        assert links
        assert all(Path(link.removeprefix("file://")).is_file() for link in links), page
        assert MARK in page.read_text()


def test_the_index_can_be_searched_and_sorted_and_read_without_a_script(
    chromium: Browser, written: tuple[Path, Ended, str]
) -> None:
    site, _, _ = written
    chromium.look()

    chromium.open(site / "index.html")
    repositories = chromium.texts(".rows tbody td:first-child")
    chromium.find(".rows th:nth-child(2) button")[0].click()
    by_versions = chromium.texts(".rows tbody td:first-child")
    chromium.find("input[type=search]")[0].send_keys("acme/web")
    assert [name.rpartition("/")[2] for name in repositories] == ["web", "api"]
    assert [name.rpartition("/")[2] for name in by_versions] == ["api", "web"]
    assert len(chromium.texts(".rows tbody tr")) == 1
    assert "needed by nothing; main cause: " in chromium.texts(".answer")[0]
    chromium.run_scripts(allowed=False)
    try:
        chromium.open(site / "index.html")
        assert len(chromium.texts(".rows tbody tr")) == 2
    finally:
        chromium.run_scripts(allowed=True)


def test_charts_are_read_out_and_their_numbers_unfold_by_the_keyboard(
    chromium: Browser, written: tuple[Path, Ended, str]
) -> None:
    site, _, host = written
    chromium.look()

    chromium.open(site / host / "acme" / "web" / "diagnose.html")

    assert chromium.read_out("image") == ["Versions over time", "Bytes over time"]
    assert chromium.texts(".numbers") == []
    chromium.find("summary")[0].send_keys(" ")
    assert len(chromium.texts(".numbers tbody tr")) == 53

    chromium.open(site / host / "acme" / "web" / "log.html")

    assert chromium.read_out("image") == ["Versions by month"]


def test_a_folder_with_another_index_is_refused(tmp_path: Path) -> None:
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "index.html").write_text("<h1>ours</h1>")

    done = CommandLine(tmp_path, {})("report", "ghcr.io/acme/web", "--out", "docs")

    assert done.code == 78
    assert "docs/index.html: this page is not by reconciler, and is not overwritten" in done.stderr
