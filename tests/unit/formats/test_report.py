"""Reports of figures and tables: the same in every format, and harmless whatever is in them."""

import re
from html.parser import HTMLParser

import pytest

from reconciler.analysis.integrity import BrokenImage, ImagePart, IntegrityResult, MissingPart
from reconciler.analysis.usage import GroupUsage, ImageUsage, Usage, UsageTotals
from reconciler.errors import ExitCode
from reconciler.formats import integrity, usage
from reconciler.formats.phrases import octets
from reconciler.formats.plan_markdown import MAX_BYTES
from reconciler.formats.report import (
    Cell,
    Chart,
    Column,
    Figure,
    Notice,
    Report,
    ReportSection,
    Table,
)
from reconciler.formats.report_text import FORMATS
from reconciler.formats.view import View
from reconciler.model.names import Tag
from tests.support import gfm
from tests.support.hostile import MARKUP
from tests.support.inventories import WEB, ago, digest
from tests.support.time import NOON

VIEW = View(now=NOON, width=80)


class Elements(HTMLParser):
    """The elements of a page and their attributes."""

    def __init__(self, text: str) -> None:
        """Read a page."""
        super().__init__()
        self.found: list[tuple[str, tuple[str, ...]]] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note an element; what is between backticks only looks like code."""
        if (tag, attrs) != ("code", []):
            self.found.append((tag, tuple(name for name, _ in attrs)))


def that_quotes(text: str, rows: int = 2) -> ReportSection:
    """Put one text wherever a stranger could."""
    columns = (Column("Tags", "code"), Column("Words"), Column("Last"))
    return ReportSection(
        heading=text,
        texts=(text,),
        notices=(Notice(text, (text,)),),
        charts=(Chart("A chart", ()),),
        tables=(Table("A table", columns, [[Cell(text)] * 3] * rows, more=text),),
    )


def written(output: str, *sections: ReportSection, last: str = "Done.", view: View = VIEW) -> str:
    """Print a report of some sections."""
    return FORMATS[output](Report("A report", last, (Figure("1", "thing"),), sections), view)


@pytest.mark.parametrize("text", [*MARKUP, *gfm.HOSTILE])
def test_no_text_is_anything_but_text(text: str) -> None:
    section = that_quotes(text)

    on_paper = written("text", section, last=text)
    in_comment = written("markdown", section, last=text)
    on_page = written("html", section, last=text)

    kinds = {token.type for token in gfm.tokens_of(in_comment)}
    assert all(letter.isprintable() or letter == "\n" for letter in on_paper)
    assert gfm.foreign_html(in_comment) == ""
    assert not kinds & {"link_open", "image", "em_open", "s_open", "fence", "code_block"}
    assert not re.search(r"@|#\d|GH-\d|://|www\.|<!--", gfm.prose_of(in_comment))
    assert Elements(on_page).found == Elements(written("html", that_quotes("tame"))).found


@pytest.mark.parametrize("text", gfm.HOSTILE)
def test_a_patch_stays_within_its_fence(text: str) -> None:
    section = ReportSection("Patch", patch=f"-{text}\n+{text}\n")

    tokens = [token.type for token in gfm.tokens_of(written("markdown", section))]

    assert tokens.count("fence") == 1
    assert tokens[-1] == "fence"


def test_a_comment_stays_within_what_github_takes() -> None:
    sections = [that_quotes("x" * 290, rows=400)] * 10

    text = written("markdown", *sections)

    assert octets(text) <= MAX_BYTES
    assert "more lines" in text


def test_a_terminal_gets_the_first_rows_unless_it_asks_for_all() -> None:
    section = that_quotes("word", rows=23)

    some = written("text", section)
    every = written("text", section, view=View(now=NOON, width=80, all_rows=True))

    assert (some.count("  word  word"), every.count("  word  word")) == (20, 23)
    assert "... and 3 more rows; --all has them" in some


BROKEN = BrokenImage(
    digest("broken"),
    (Tag("1.4"), Tag("1.4.2"), Tag("latest"), Tag("main")),
    (
        MissingPart(digest("arm"), ImagePart.MANIFEST, "linux/arm64", gone=ago("3d"), run="run-7"),
        MissingPart(
            digest("layer"), ImagePart.LAYER, "linux/amd64", size=12 << 20, last_seen=ago("40d")
        ),
    ),
)
FOUND = (
    IntegrityResult(WEB, images=12, manifests=48, blobs=96, foreign=1, broken=(BROKEN,)),
    IntegrityResult(
        WEB, error="no answer", hint="Run again.", failure=ExitCode.EVIDENCE_INCOMPLETE
    ),
)


def test_what_is_broken_is_told_with_what_it_lacks_since_when_and_what_to_do() -> None:
    assert FORMATS["text"](integrity.report(FOUND), VIEW).splitlines() == [
        "ghcr.io/acme/web",
        "  This repository could not be read.",
        "    no answer",
        "    Run again.",
        "",
        "ghcr.io/acme/web",
        "  Runs of Reconciler deleted what some of these images lack.",
        "    To restore it, where the registry can: reconciler undo run-7",
        "  12 tagged images, 11 of them complete. Checked: 48 manifests and 96",
        "  configurations and layers.",
        "  Not checked: 1 non-distributable layer.",
        "  To repair a broken image, rebuild and push it, or delete its tags.",
        "",
        "  1 broken image",
        "  Tags                           Digest        Missing",
        "  1.4, 1.4.2, latest and 1 more  62726f6b656e  manifest for linux/arm64",
        "                                               61726d000000, deleted by run",
        "                                               run-7 at 2026-10-30 12:00 UTC;",
        "                                               layer of 12 MiB 6c6179657200,",
        "                                               first observed by a run at",
        "                                               2026-09-23 12:00 UTC",
        "",
        "Verify: 12 images, 1 broken, 1 repository unread.",
    ]


ACCOUNT = UsageTotals(
    (
        Usage(
            WEB,
            versions=31,
            octets=5 << 30,
            stated=9 << 30,
            shared=2 << 30,
            families=(
                GroupUsage("sha-*", 20, 3 << 30, 1 << 30),
                GroupUsage("latest", 4, 700 << 20, 0),
            ),
            biggest=(ImageUsage(digest("big"), (Tag("main"),), 900 << 20, 12 << 20),),
            causes=(GroupUsage("tag-moved", 9, 1 << 30, 400 << 20),),
            freed=GroupUsage("plan", 9, 1 << 30, 400 << 20),
        ),
    ),
    between=0,
)


def test_what_is_taken_is_told_by_tag_by_cause_and_by_image() -> None:
    assert FORMATS["text"](usage.report(ACCOUNT), VIEW).splitlines() == [
        "ghcr.io/acme/web",
        "  5.0 GiB in 31 versions, each blob counted once; 9.0 GiB if nothing were",
        "  shared. 2.0 GiB are shared by several versions.",
        "  The plan deletes 9 versions of 1.0 GiB, and frees 400 MiB: kept versions share",
        "  the rest.",
        "",
        "  By tag",
        "  Tags    Versions     Size  Unshared",
        "  sha-*         20  3.0 GiB   1.0 GiB",
        "  latest         4  700 MiB       0 B",
        "  Unshared: what no version outside of the row refers to, so deleting the row",
        "  would free it.",
        "",
        "  By cause",
        "  Cause      Versions     Size  Unshared",
        "  tag-moved         9  1.0 GiB   400 MiB",
        "",
        "  Largest images, with all that they refer to",
        "  Digest           Size  Unshared  Tags",
        "  626967000000  900 MiB    12 MiB  main",
        "",
        "Usage: 5.0 GiB in 31 versions of 1 repository.",
    ]
