"""The plan as a page: true to the plan, bounded, and harmless whatever names are in it."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.formats.catalogue import render
from reconciler.formats.html_page import prose
from reconciler.formats.view import Cost, View
from reconciler.model.comparison import Weakening
from reconciler.model.names import Repository
from reconciler.model.plan import DeletionPlan, Guard, Plan
from tests.support.differences import LAST, UNPROTECTED, difference, repository, shift
from tests.support.example_counts import THIRD
from tests.support.hostile import MARKUP
from tests.support.plans import (
    DAY,
    NOW,
    digest,
    image,
    incomplete,
    lifelike,
    many,
    part,
    plan,
    restore_plan,
)

PLAIN = View(now=NOW)
MARKUP_ONLY = {"src", "href", "srcset", "action", "style", "data", "formaction", "poster"}
"""Attributes that load something, send something, or need a page that allows inline styles."""


COLOURS = re.compile(r"--(\w+): #(\w{6});")


class Page(HTMLParser):
    """What a browser makes of a page: its elements and their attributes, and its text."""

    def __init__(self, text: str) -> None:
        """Read a page."""
        super().__init__()
        self.elements: list[tuple[str, tuple[str, ...]]] = []
        self.words: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note an element; what is between backticks only looks like code."""
        if (tag, attrs) != ("code", []):
            self.elements.append((tag, tuple(name for name, _ in attrs)))

    def handle_data(self, data: str) -> None:
        """Note a text."""
        self.words.append(data)


def html(drawn: Plan, view: View = PLAIN) -> str:
    """Write a plan as a page."""
    return render(drawn, "html", view)


def cells(text: str) -> Iterator[str]:
    """Yield the text of a page, piece by piece."""
    return (words for words in map(str.strip, Page(text).words) if words)


def plan_that_quotes(text: str) -> DeletionPlan:
    """Put one text wherever a stranger could."""
    hostile = part(
        [image("v1", rules=(text,), reasons=(text,))],
        policy=text,
        kept={text: 1},
        warnings=(text,),
        missing=(text,),
        guards=(Guard(name="max_delete", limit=0, actual=2, ok=False, override=text),),
    )
    return plan(hostile, incomplete(Repository("ghcr.io/acme/broken"), text, text), tool=text)


@pytest.mark.parametrize("text", MARKUP)
def test_a_hostile_text_is_only_text(text: str) -> None:
    page = html(plan_that_quotes(text))

    assert Page(page).elements == Page(html(plan_that_quotes("harmless"))).elements
    assert prose(text) in page
    page.encode()


@THIRD
@given(text=st.text(min_size=1).filter(str.strip))
def test_no_text_adds_an_element_or_an_attribute(text: str) -> None:
    page = html(plan_that_quotes(text))

    assert Page(page).elements == Page(html(plan_that_quotes("harmless"))).elements


def test_the_page_loads_nothing_and_forbids_whatever_would_be_loaded() -> None:
    page = html(lifelike())

    attributes = {name for _, names in Page(page).elements for name in names}
    assert not attributes & MARKUP_ONLY
    assert not {name for name in attributes if name.startswith("on")}
    assert "default-src &#39;none&#39;; style-src &#39;sha256-" in page
    assert page.count("<script>") == page.count("<style>") == 1


def test_what_stops_a_plan_stands_before_the_charts() -> None:
    page = html(lifelike(), View(now=NOW, cost=Cost(168, 42, DAY / 1440, 4832)))

    told = list(cells(page))
    stopped = told.index(
        "This plan cannot be applied: 1 repository incomplete, 1 repository stopped by guards."
    )
    assert told[stopped + 1] == (
        "ghcr.io/acme/api is stopped by max_delete_percent: 66.7% of the images would be"
        " deleted, and the limit is 30%. To override once, plan with"
        " --allow max_delete_percent:ghcr.io/acme/api=67"
    )
    assert stopped < told.index("Warnings") < told.index("Deleted and kept")
    assert "Applying sends about 168 requests, 42 of them deletions" in page


def test_each_image_has_a_row_with_its_reason_and_what_goes_with_it() -> None:
    page = html(plan(part([image("sha-7", days=44, followers=2)])))

    assert list(cells(page))[-11:-4] == [
        "sha-7",
        "abfbf2855b0a",
        "44d",
        "20 MiB",
        "commits",
        "rank 41 of sha-* vs last 20; age 44d vs within 30d",
        "2",
    ]


def test_numbers_are_sorted_by_what_they_mean() -> None:
    page = html(plan(part([image("sha-7", days=44)])))

    assert f'<td class="number" data-order="{44 * 24 * 3600.0}">44d</td>' in page
    assert f'<td class="number" data-order="{18 * 1024 * 1024}">18 MiB</td>' in page


def test_charts_count_what_goes_by_rule_and_age_and_what_stays_by_what_keeps_it() -> None:
    images = [image("sha-1", days=3), image("sha-2", days=10), image("sha-3", days=800)]

    page = html(plan(part(images, kept={"releases": 7, "min-age": 2})))

    told = list(cells(page))
    going = told.index("Images to delete, by rule")
    assert told[going + 1 : going + 3] == ["commits", "3"]
    staying = told.index("Images kept, by rule or cause")
    assert told[staying + 1 : staying + 5] == ["by releases", "7", "younger than min_age", "2"]
    old = told.index("Age of the images to delete")
    assert told[old + 1 : old + 5] == ["< 1 week", "1", "1-4 weeks", "1"]


def test_ages_that_nobody_knows_are_not_drawn() -> None:
    page = html(plan(part([image("sha-1", days=None)])))

    assert "Age of the images to delete" not in page


def test_sixty_thousand_deletions_are_a_page_that_opens() -> None:
    page = html(plan(part(many(60_000))))

    assert page.count("<tr>") < 5_100
    assert len(page.encode()) < 2_000_000
    assert "55,000 more images omitted;" in list(cells(page))
    assert "<code>--all</code> and <code>--format json</code> have them all." in page


def test_all_rows_are_there_when_they_are_asked_for() -> None:
    page = html(plan(part(many(5_001))), View(now=NOW, all_rows=True))

    assert page.count('<td class="code">sha-0</td>') == 5_001
    assert "omitted" not in page


def test_a_thousand_repositories_share_the_rows() -> None:
    names = [Repository(f"ghcr.io/acme/web-{number}") for number in range(300)]

    page = html(plan(*(part(many(100, repository=name), repository=name) for name in names)))

    assert page.count('<td class="code">sha-0</td>') == 300 * 20


def test_what_a_change_of_the_policies_does_stands_first() -> None:
    weak = Weakening(edits=(UNPROTECTED,), images=1)
    compared = difference(repository(weakened=(weak,), added=(shift(1, LAST, versions=3),)))

    told = list(cells(html(lifelike(), View(now=NOW, against=compared))))

    first = told.index("Compared with main on the same inventory: 3 more to delete.")
    assert told[first + 1].startswith(
        "Weakened protection: ghcr.io/acme/web: protection moving was removed"
    )
    assert told[first + 2] == (
        "ghcr.io/acme/web: 3 more to delete because commits.keep.last changed from 50 to 20"
    )
    assert first < told.index("Warnings")
    row = told.index("1 image with another decision") + 7
    assert told[row : row + 6] == [
        "ghcr.io/acme/web",
        "sha-0",
        digest("moved 0").short,
        "deleted",
        "commits: rank 31 of sha-* vs last 50",
        "commits: rank 31 of sha-* vs last 20",
    ]


def test_a_plan_without_changes_says_so() -> None:
    page = html(plan(part(versions=3, images=3)))

    assert "Images to delete" not in page
    assert list(cells(page))[4:6] == ["versions to delete", "0"]


def test_a_restore_plan_has_its_own_words() -> None:
    (change,) = image("sha-7", days=44)
    restored = replace(change, action="restore", until=NOW + 3 * DAY)

    page = html(restore_plan(part([[restored]]), undoes="20261101T120000Z-aaaaaaaa"))

    told = list(cells(page))
    assert "Restore plan" in told
    assert "versions to restore" in told
    assert "3d left" in told
    assert "versions to delete" not in told


def brightness(colour: str) -> float:
    """Measure how bright a colour is. Source: WCAG 2.2, "relative luminance"."""
    parts = [int(colour[at : at + 2], 16) / 255 for at in (0, 2, 4)]
    linear = [
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    ]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(colours: Mapping[str, str], one: str, other: str) -> float:
    """Measure how well two colours can be told apart, from 1 to 21."""
    low, high = sorted(brightness(colours[name]) for name in (one, other))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("scheme", [0, 1], ids=["light", "dark"])
def test_every_colour_can_be_read_on_its_ground(scheme: int) -> None:
    found = COLOURS.findall(html(lifelike()))
    colours = dict(found[scheme * 10 : scheme * 10 + 10])

    ratios = {
        (ink, ground): contrast(colours, ink, ground)
        for ink in ("ink", "quiet", "plain", "delete", "keep", "warn", "link")
        for ground in ("paper", "shade")
    }
    assert len(colours) == 10
    assert min(ratios.values()) >= 4.5, ratios
