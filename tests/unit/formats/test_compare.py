"""What a change of policies does: the protections first, each number with the edit behind it."""

import json
import re
from pathlib import Path

import pytest

from reconciler.errors import PlanError
from reconciler.formats import catalogue
from reconciler.formats.plan_markdown import MAX_BYTES
from reconciler.formats.view import View
from reconciler.model.comparison import (
    Difference,
    PolicyEdit,
    RepositoryDifference,
    Shift,
    Weakening,
    read_difference,
)
from reconciler.model.names import Repository
from reconciler.model.plan import read_plan
from tests.support import differences
from tests.support.differences import LAST, UNPROTECTED, difference, repository, shift
from tests.support.gfm import HOSTILE, foreign_html, prose_of, rows_of, tokens_of
from tests.support.plans import NOW, image, many, part, plan

GOLDEN = Path(__file__).parents[2] / "golden" / "formats"
SMALL = plan(part([image("v1")], versions=3))


def shown(found: Difference, name: str = "markdown", width: int = 80) -> str:
    """Show a small plan beside a difference."""
    return catalogue.render(SMALL, name, View(now=NOW, width=width, against=found))


def hostile(text: str) -> Difference:
    """Put one text wherever a stranger could."""
    edits = (
        PolicyEdit(
            part="rule", name=text, key=text, before=json.dumps(text), after=json.dumps([text])
        ),
        PolicyEdit(part="protection", name=text, before="{}"),
    )
    moved = differences.fate(1, text)
    return difference(
        RepositoryDifference(
            repository=Repository("ghcr.io/acme/web"),
            before=text,
            after=text,
            weakened=(Weakening(edits=edits, images=1, going=1),),
            added=(Shift(because=edits, images=(moved,), versions=1),),
            spared=(Shift(images=(moved,), versions=1),),
        ),
        repository(Repository("ghcr.io/acme/broken"), error=text),
        against=text,
    )


def test_the_sentence_names_the_number_and_the_edit() -> None:
    found = difference(repository(added=(shift(12, LAST, versions=90),)))

    text = shown(found)

    assert "**Compared with `main` on the same inventory: 90 more to delete.**\n" in text
    assert (
        "- `ghcr.io/acme/web`: 90 more to delete because `commits.keep.last` changed from 50 to"
        " 20\n"
    ) in text


@pytest.mark.parametrize(("name", "width"), [("text", 80), ("text", 140), ("markdown", 80)])
def test_a_difference_reads_well(name: str, width: int) -> None:
    kind = "against.md" if name == "markdown" else f"against-{width}.txt"

    assert shown(differences.lifelike(), name, width) == (GOLDEN / kind).read_text()


@pytest.mark.parametrize("name", ["text", "markdown"])
def test_what_protects_less_comes_before_everything_that_goes(name: str) -> None:
    text = shown(differences.lifelike(), name)

    first = text.index("Weakened protections")
    assert first < text.index("90 more to delete because")
    assert first < text.index("ghcr.io/acme/web", text.index("because"))


@pytest.mark.parametrize("name", ["text", "markdown"])
def test_no_difference_is_said_in_one_line(name: str) -> None:
    alone = catalogue.render(SMALL, name, View(now=NOW))

    text = shown(difference(repository()), name)

    assert len(text.splitlines()) == len(alone.splitlines()) + 2
    assert "on the same inventory: no difference in what is deleted." in text


def test_as_json_both_documents_can_be_read_on() -> None:
    found = differences.lifelike()

    printed = json.loads(shown(found, "json"))

    plain = json.dumps(printed["plan"]).encode()
    assert read_plan(plain) == SMALL
    assert read_difference(json.dumps(printed["against"]).encode()) == found


def test_more_than_three_edits_of_one_move_are_counted() -> None:
    names = [LAST.model_copy(update={"name": f"r{number}"}) for number in range(9)]

    text = shown(difference(repository(added=(shift(1, *names),))))

    assert "`r2.keep.last` changed from 50 to 20, and 6 more changes\n" in text


def test_a_terminal_shows_ten_images_and_counts_the_others() -> None:
    text = shown(difference(repository(added=(shift(14, LAST),))), "text", 140)

    assert len(re.findall(r"^  - sha-\d+", text, re.MULTILINE)) == 10
    assert "    ... and 4 more images; `--all` has them\n" in text


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_brings_no_markup_and_refers_to_nobody(text: str) -> None:
    page = shown(hostile(text))

    kinds = {token.type for token in tokens_of(page)}
    assert not foreign_html(page)
    assert not kinds & {"link_open", "image", "em_open", "s_open", "fence", "code_block"}
    assert not re.search(r"@|#\d|GH-\d|://|www\.|<!--", prose_of(page))
    assert [len(cells) for cells in rows_of(page)] == [7, 7, 4, 4, 4, 4, 5, 5]


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_drives_no_terminal(text: str) -> None:
    page = shown(hostile(text), "text")

    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e]", page)


@pytest.mark.parametrize(
    ("value", "spelled"),
    [
        ("\n\n# 5", "`\\n\\n# 5`"),
        ("\n\n 5 ", "5"),
        ("[" * 100_000, f"`{'[' * 117}...`"),
        ("9" * 5_000, f"`{'9' * 117}...`"),
        ("true", "true"),
        ("<b>", "`<b>`"),
        ('"a|b"', "`a\N{BROKEN BAR}b`"),
    ],
)
def test_a_value_that_somebody_else_wrote_stays_a_value(value: str, spelled: str) -> None:
    edit = LAST.model_copy(update={"after": value})

    text = shown(difference(repository(added=(shift(1, edit),))))

    assert f"`commits.keep.last` changed from 50 to {spelled}\n" in text


def test_a_fleet_that_weakens_everything_stays_within_the_bounds() -> None:
    parts = [
        repository(
            Repository(f"ghcr.io/acme/r{number:03}/{'x' * 150}"),
            weakened=(Weakening(edits=(UNPROTECTED,), images=9, going=9),),
            added=(shift(40, LAST, UNPROTECTED),),
        )
        for number in range(500)
    ]
    big = plan(part(many(60_000), versions=61_000))
    view = View(now=NOW, against=difference(*parts, of=big))

    text = catalogue.render(big, "markdown", view)

    assert len(text.encode()) <= MAX_BYTES
    assert text.startswith("### Retention plan: 60000 to delete,")
    assert "**Compared with `main` on the same inventory: 20,000 more to delete.**" in text
    assert text.endswith(f"Digest `{big.digest}`\n")


@pytest.mark.parametrize(
    "content",
    [b"", b"[]", b"{}", b'{"format":{"name":"reconciler-plan","version":"1.0"}}', b"[" * 99],
)
def test_what_is_no_difference_is_refused(content: bytes) -> None:
    with pytest.raises(PlanError, match="difference"):
        read_difference(content)
