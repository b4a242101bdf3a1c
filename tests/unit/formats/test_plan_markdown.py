"""The plan for a pull request: within GitHub's limit, and harmless whatever names are in it."""

import re
from datetime import timedelta
from pathlib import Path

import pytest

from reconciler.formats.plan_markdown import MAX_BYTES, render
from reconciler.formats.view import Cost, View
from reconciler.model.names import Repository
from reconciler.model.plan import DeletionPlan, Guard, RepositoryPlan
from tests.support.gfm import HOSTILE, foreign_html, prose_of, rows_of, tokens_of
from tests.support.plans import (
    NOW,
    WEB,
    image,
    incomplete,
    lifelike,
    many,
    part,
    plan,
)

GOLDEN = Path(__file__).parents[2] / "golden" / "formats"
PLAIN = View(now=NOW)
COST = Cost(requests=168, deletions=42, duration=timedelta(minutes=2), quota=4_832)


def hostile_plan(text: str) -> DeletionPlan:
    """Put one text wherever a stranger could."""
    hostile = part(
        [image("v1", rules=(text,), reasons=(text,)), image("v2", rules=(text, "b"))],
        policy=text,
        warnings=(text,),
        missing=(text,),
        guards=(Guard(name="max_delete", limit=0, actual=2, ok=False, override=text),),
    )
    broken = incomplete(Repository("ghcr.io/acme/broken"), text, text)
    return plan(hostile, broken, tool=text)


def test_a_plan_reads_well() -> None:
    text = render(lifelike(), View(now=NOW, cost=COST))

    assert text == (GOLDEN / "plan.md").read_text()


def test_the_summary_comes_first_and_the_digest_last() -> None:
    small = plan(part([image("v1")], versions=3, images=2))

    lines = render(small, PLAIN).splitlines()

    assert lines[0] == "### Retention plan: 1 to delete, 0 protected, 2 to keep, 0 incomplete"
    assert lines[-1] == f"Digest `{small.digest}`"


def test_without_changes_it_says_so() -> None:
    quiet = plan(part(versions=40, images=12))

    assert render(quiet, PLAIN).splitlines() == [
        "### Retention plan: no changes, 40 to keep",
        "",
        "| Repository | Policy | Delete | Keep | Protected | Newest to delete | Size |",
        "| --- | --- | ---: | ---: | ---: | ---: | ---: |",
        "| `ghcr.io/acme/web` | `web` | 0 | 40 | 0 |  |  |",
        "",
        "Evaluated 2026-11-02 12:00 UTC; expires 2026-11-05 12:00 UTC (in 3d).",
        f"Digest `{quiet.digest}`",
    ]


def test_an_incomplete_plan_never_looks_like_no_changes() -> None:
    text = render(plan(incomplete(WEB, "502", "Run again.")), PLAIN)

    assert text.splitlines()[:6] == [
        "### Retention plan: 0 to delete, 0 protected, 0 to keep, 1 incomplete",
        "",
        "> [!CAUTION]",
        "> - This plan cannot be applied: 1 repository incomplete.",
        "> - `ghcr.io/acme/web` is incomplete: `502`",
        "> - what to do: `Run again.`",
    ]


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_brings_no_html_no_links_and_no_images(text: str) -> None:
    shown = render(hostile_plan(text), PLAIN)

    found = list(tokens_of(shown))
    kinds = {token.type for token in found}
    assert not foreign_html(shown)
    assert not kinds & {"link_open", "image", "em_open", "strong_open", "fence", "code_block"}
    assert [token.tag for token in found if token.type == "heading_open"] == ["h3"]


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_mentions_and_refers_to_nobody(text: str) -> None:
    prose = prose_of(render(hostile_plan(text), PLAIN))

    assert not re.search(r"@|#\d|GH-\d|://|www\.|<!--", prose)


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_breaks_no_table(text: str) -> None:
    rows = rows_of(render(hostile_plan(text), PLAIN))

    assert [len(cells) for cells in rows] == [7, 7, 7, 5, 5, 5, 5]
    assert [cells[0] for cells in rows] == [
        "Repository",
        "`ghcr.io/acme/web`",
        "`ghcr.io/acme/broken`",
        "Tags",
        "`v1`",
        "Tags",
        "`v2`",
    ]


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_adds_no_line_and_no_control(text: str) -> None:
    harmless = render(hostile_plan("x"), PLAIN)

    shown = render(hostile_plan(text), PLAIN)

    assert len(shown.splitlines()) == len(harmless.splitlines())
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e]", shown)


def test_hostile_text_can_still_be_read() -> None:
    text = render(hostile_plan("a|b `c` <d> \x1b[1m"), PLAIN)

    assert r"`a¦b 'c' <d> \x1b[1m`" in text
    assert r"<code>a|b `c` &lt;d&gt; \x1b[1m</code>" in text


def test_sixty_thousand_deletions_are_shown_by_their_first_rows() -> None:
    text = render(plan(part(many(60_000), versions=61_000, images=61_000)), PLAIN)

    assert len(text.encode()) < MAX_BYTES
    assert text.startswith("### Retention plan: 60000 to delete,")
    assert len(rows_of(text)) == 2 + 31
    assert "\n59,970 more images omitted.\n\n</details>\n" in text


def big_groups(*sizes: int) -> RepositoryPlan:
    """Expire images by one rule for each size, with reasons as long as they are shown."""
    return part(
        [
            image(
                f"r{rule}-{number}", rules=(f"rule-{rule}",), reasons=(f"rule-{rule}: {'é' * 280}",)
            )
            for rule, size in enumerate(sizes)
            for number in range(size)
        ]
    )


def test_the_largest_groups_lose_their_rows_first() -> None:
    text = render(plan(big_groups(60, 28, 29, 30, 3, 2)), PLAIN)

    assert len(text.encode()) <= MAX_BYTES
    folded = re.findall(
        r"^- `ghcr.io/acme/web`: (\d+) images expired by `(.+)`, rows", text, re.MULTILINE
    )
    unfolded = re.findall(r"</code>: (\d+) images expired by <code>(.+)</code></summary>", text)
    assert folded == [("60", "rule-0")]
    assert unfolded == [
        ("28", "rule-1"),
        ("29", "rule-2"),
        ("30", "rule-3"),
        ("3", "rule-4"),
        ("2", "rule-5"),
    ]


def test_when_all_rows_are_gone_the_smallest_groups_go() -> None:
    sizes = [1 + number % 3 for number in range(1_500)]

    text = render(plan(big_groups(*sizes)), PLAIN)

    shown = [int(count) for count in re.findall(r": (\d+) images? expired by", text)]
    left_out = re.search(
        r"^(\d+) smaller groups omitted; the saved plan has them all", text, re.MULTILINE
    )
    assert len(text.encode()) <= MAX_BYTES
    assert "<details>" not in text
    assert left_out
    assert len(shown) + int(left_out[1]) == 1_500
    assert shown.count(3) == 500
    assert shown.count(1) == 0


def test_a_fleet_in_trouble_keeps_its_verdict_warnings_table_and_digest() -> None:
    parts = [
        incomplete(Repository(f"ghcr.io/acme/broken-{number:03}"), "\N{PILE OF POO}" * 999)
        for number in range(500)
    ]
    parts += [
        part(
            [image(f"v{number}", reasons=("é" * 999,))],
            repository=Repository(f"ghcr.io/acme/r{number:03}/{'x' * 200}"),
            warnings=("é" * 999,) * 3,
        )
        for number in range(500)
    ]
    fleet = plan(*parts)

    text = render(fleet, PLAIN)

    assert MAX_BYTES - 1_500 < len(text.encode()) <= MAX_BYTES
    assert text.startswith("### Retention plan: 500 to delete, 0 protected, 0 to keep, 500 incom")
    assert "> - This plan cannot be applied: 500 repositories incomplete.\n" in text
    assert re.search(r"^> \[!WARNING\]\n> - `ghcr.io/acme/r000/", text, re.MULTILINE)
    assert re.search(r"^\| `ghcr.io/acme/r000/", text, re.MULTILINE)
    assert re.search(r"^\| \.\.\. and \d+ more \|$", text, re.MULTILINE)
    assert text.endswith(f"Digest `{fleet.digest}`\n")


def test_where_nothing_can_be_restored_a_reviewer_is_warned() -> None:
    plain = Repository("registry.example/web")

    text = render(plan(part([image("v1")], repository=plain, undo=False)), PLAIN)

    warning = "`No undo: registry.example cannot restore what is deleted.`"
    assert f"> [!WARNING]\n> - `registry.example/web`: {warning}\n" in text
