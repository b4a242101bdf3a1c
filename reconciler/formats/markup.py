"""Pieces of GitHub's Markdown. Whatever comes from outside goes into a code span.

Inside a code span nothing is HTML, a mention, a reference, a link or emphasis. Left are the two
characters that end a span or a cell of a table; they are shown by others that look like them.
Source: GitHub Flavored Markdown, "Code spans" and "Tables".
"""

import re
from collections.abc import Iterable, Iterator

from reconciler.formats.humanise import shortened
from reconciler.model.display import safe

LONGEST = 300
"""Longest text from outside that is quoted, in characters."""

_LOOKALIKES = str.maketrans({"`": "'", "|": "\N{BROKEN BAR}"})


def code(text: str) -> str:
    """Quote a text so that it can be read and do nothing else; an empty one stays empty."""
    spelled = shortened(safe(text), LONGEST).translate(_LOOKALIKES).strip()
    return f"`{spelled}`" if spelled else ""


def fenced(text: str) -> str:
    """Quote many lines as they are; a fence is longer than any run of its sign inside.

    Source: GitHub Flavored Markdown, "Fenced code blocks".
    """
    longest = max(map(len, re.findall("`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}text\n{text.rstrip()}\n{fence}\n"


def row(*cells: str) -> str:
    """Write one row of a table."""
    return f"| {' | '.join(cells)} |"


def alert(kind: str, lines: Iterable[str]) -> Iterator[str]:
    """Write a coloured box with one line for each text; none, where there are no texts."""
    listed = [f"> - {line}" for line in lines]
    if listed:
        yield from (f"> [!{kind}]", *listed, "")
