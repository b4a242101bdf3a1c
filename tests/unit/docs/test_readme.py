"""README: its Chinese text has the same structure, and every claim of the table has a note."""

import re
from pathlib import Path

from markdown_it import MarkdownIt
from markdown_it.token import Token

ROOT = Path(__file__).parents[3]
ENGLISH = (ROOT / "README.md").read_text(encoding="utf-8")
CHINESE = (ROOT / "README.zh-CN.md").read_text(encoding="utf-8")


def tokens(text: str) -> list[Token]:
    """Return the blocks of a page."""
    return MarkdownIt("commonmark").enable("table").parse(text)


def headings(text: str) -> list[str]:
    """Return the levels of the headings, in order."""
    return [token.tag for token in tokens(text) if token.type == "heading_open"]


def code(text: str) -> list[tuple[str, str]]:
    """Return the blocks of code with their languages."""
    return [(token.info, token.content) for token in tokens(text) if token.type == "fence"]


def links(text: str) -> list[str]:
    """Return the targets of links and pictures, sorted: a sentence may need another order."""
    children = (child for token in tokens(text) for child in token.children or ())
    targets = (child.attrs.get("href") or child.attrs.get("src") for child in children)
    return sorted(str(target) for target in targets if target)


def rows(text: str) -> list[int]:
    """Return the number of rows of each table."""
    counts: list[int] = []
    for token in tokens(text):
        if token.type == "table_open":
            counts.append(0)
        elif token.type == "tr_open":
            counts[-1] += 1
    return counts


def test_both_texts_have_the_same_headings() -> None:
    assert len(headings(ENGLISH)) > 8
    assert headings(CHINESE) == headings(ENGLISH)


def test_both_texts_have_the_same_code() -> None:
    assert len(code(ENGLISH)) > 4
    assert code(CHINESE) == code(ENGLISH)


def test_both_texts_have_the_same_links() -> None:
    assert len(links(ENGLISH)) > 30
    assert links(CHINESE) == links(ENGLISH)


def test_both_texts_have_the_same_tables_and_notes() -> None:
    assert rows(CHINESE) == rows(ENGLISH)
    assert re.findall(r"\[\^\d+\]", CHINESE) == re.findall(r"\[\^\d+\]", ENGLISH)


def test_every_row_of_the_comparison_has_a_note_of_its_own() -> None:
    table = ENGLISH.partition("## Compared")[2].partition("\n\n[")[0]
    marks = re.findall(r"^\| .+?\[\^(\d+)\] \|", table, re.MULTILINE)
    notes = re.findall(r"^\[\^(\d+)\]: ", ENGLISH, re.MULTILINE)

    assert len(marks) == len(re.findall(r"^\|", table, re.MULTILINE)) - 2
    assert marks == notes == [str(number) for number in range(1, len(notes) + 1)]


def test_the_first_screen_has_the_picture_and_the_command() -> None:
    first = ENGLISH.partition("\n## ")[0]

    assert len(first.splitlines()) <= 40
    assert "docs/captures/diagnose.png" in first
    assert "uvx --from registry-reconciler reconciler diagnose" in first
