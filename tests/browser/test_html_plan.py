"""The page of a plan in a real browser: it asks for nothing, and one can search and sort it."""

from pathlib import Path

import pytest

from reconciler.formats.catalogue import render
from reconciler.formats.view import View
from reconciler.model.plan import DeletionPlan
from tests.support.browser import Browser
from tests.support.hostile import MARKUP
from tests.support.plans import NOW, image, lifelike, many, part, plan

pytestmark = pytest.mark.server

_IMAGES = ".repository:first-of-type .wide:first-of-type"


@pytest.fixture
def shown(chromium: Browser, tmp_path: Path) -> Browser:
    """Open the page of a lifelike plan, by day."""
    chromium.look()
    chromium.open(written(lifelike(), tmp_path))
    return chromium


def written(drawn: DeletionPlan, folder: Path) -> Path:
    """Save a plan as a page."""
    path = folder / "plan.html"
    path.write_text(render(drawn, "html", View(now=NOW)), encoding="utf-8")
    return path


def column(page: Browser, number: int) -> list[str]:
    """Read one column of the images that the first repository loses, as far as it is shown."""
    return page.texts(f"{_IMAGES} tbody td:nth-child({number})")


def click(page: Browser, number: int) -> None:
    """Click on the heading of one column of that table."""
    page.find(f"{_IMAGES} th:nth-child({number}) button")[0].click()


def test_the_page_asks_for_nothing_and_complains_of_nothing(shown: Browser) -> None:
    assert [address.rpartition("/")[2] for address in shown.asked_for()] == ["plan.html"]
    assert shown.complaints() == []
    assert shown.texts("h1") == ["Retention plan"]


def test_what_a_page_would_fetch_is_refused_by_the_page_itself(shown: Browser) -> None:
    shown.asked_for()

    refused = shown.ask(
        "fetch('http://127.0.0.1:9/').then(() => 'fetched', error => error.message)"
    )

    assert refused == "Failed to fetch"
    assert shown.asked_for() == []
    assert "violates the following Content Security Policy" in shown.complaints()[0]


def test_the_search_leaves_the_rows_that_hold_every_word(shown: Browser) -> None:
    field = shown.find("input[type=search]")[0]

    field.send_keys("PR-481 previews")

    assert column(shown, 1) == ["pr-481, sha-4b1c9e2f0a6d8c3b5e7f9a1c2d4e6f8a0b1c2d3e"]
    assert shown.texts("output") == ["1 of 25 rows"]

    field.send_keys("2 nowhere")

    assert column(shown, 1) == []
    assert shown.texts("output") == ["0 of 25 rows"]


def test_a_click_sorts_by_meaning_and_another_the_other_way(shown: Browser) -> None:
    assert column(shown, 3)[:3] == ["?", "8d", "9d"]

    click(shown, 4)

    assert column(shown, 4)[0] == ""
    assert column(shown, 4)[-2:] == ["22 MiB", "3.0 GiB"]

    click(shown, 4)

    assert column(shown, 4)[:2] == ["3.0 GiB", "22 MiB"]
    assert [heading.get_attribute("aria-sort") for heading in shown.find(f"{_IMAGES} th")] == [
        None,
        None,
        None,
        "descending",
        None,
        None,
        None,
    ]


def test_hostile_names_run_nothing_and_add_nothing(chromium: Browser, tmp_path: Path) -> None:
    named = enumerate(MARKUP)
    images = [image(name=str(at), rules=(text,), reasons=(text,)) for at, text in named]

    chromium.open(written(plan(part(images, policy=MARKUP[0])), tmp_path))

    assert chromium.ask("document.title") == "Retention plan"
    assert len(chromium.find("script")) == 1
    assert chromium.find("main img, main iframe, main base, [onfocus], [onmouseover]") == []
    assert chromium.complaints() == []
    assert len(chromium.asked_for()) == 1
    assert column(chromium, 5)[0] == MARKUP[0]


def test_a_page_of_sixty_thousand_deletions_opens(chromium: Browser, tmp_path: Path) -> None:
    chromium.open(written(plan(part(many(60_000))), tmp_path))

    assert chromium.ask("document.querySelectorAll('.rows tbody tr').length") == 5_000 + 1
    chromium.find("input[type=search]")[0].send_keys("acme/web")
    assert chromium.texts("output") == ["1 of 5001 rows"]


@pytest.mark.parametrize(("width", "dark"), [(390, False), (1280, True)])
def test_the_page_fits_its_window(
    shown: Browser, tmp_path: Path, width: int, *, dark: bool
) -> None:
    picture = tmp_path / "page.png"

    shown.look(dark=dark)
    shown.picture(picture, width, 800)

    assert picture.read_bytes().startswith(b"\x89PNG")
    assert shown.ask("document.documentElement.scrollWidth") == width
    paper = "rgb(13, 17, 23)" if dark else "rgb(255, 255, 255)"
    assert shown.ask("getComputedStyle(document.body).backgroundColor") == paper


def test_without_scripts_everything_is_there_but_searching_and_sorting(
    chromium: Browser, tmp_path: Path
) -> None:
    chromium.run_scripts(allowed=False)
    try:
        chromium.open(written(lifelike(), tmp_path))

        assert column(chromium, 1)[-1] == "sha-6b51d43"
        assert chromium.texts(".search") == []
        assert chromium.find("th button") == []
    finally:
        chromium.run_scripts(allowed=True)


def test_on_paper_the_page_is_white_and_has_nothing_to_click(shown: Browser) -> None:
    shown.look(dark=True, paper=True)

    assert shown.ask("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert shown.texts(".search") == []


def test_whoever_does_not_see_the_page_hears_what_each_table_and_chart_is(shown: Browser) -> None:
    assert shown.read_out("searchbox") == ["Find tags, digests, rules"]
    assert shown.read_out("table") == [
        "Versions before and after",
        "Images to delete, by rule",
        "Images kept, by rule or cause",
        "Age of the images to delete",
        "4 repositories",
        "16 images to delete, the newest first",
        "3 images protected or retained",
        "2 images to delete, the newest first",
    ]
