"""GitHub's Markdown read the way GitHub reads it, and texts that would be more than text in it."""

import re
from collections.abc import Iterator
from itertools import pairwise

from markdown_it import MarkdownIt
from markdown_it.token import Token

HOSTILE = [
    "`x` ``y`` | z || \\| \\",
    "<!-- hidden --> <script>alert(1)</script> </details></summary></code>",
    "@everyone see #1 and acme/web#2, GH-3, https://evil.example www.evil.example",
    "![image](https://evil.example/x.png) [link](javascript:x) <https://evil.example>",
    "line\n\n# heading\r\n> [!CAUTION]\n- list\n```\n| a | b |",
    "*bold* _it_ ~~no~~ $math$ &lt;b&gt; \x1b[2J \u202e end",
    "` ",
    "``````",
    "\\`",
    "|",
    "--> <img src=x> <!-- reconciler:plan {}",
    "acme/web@0123456789abcdef0123456789abcdef01234567 me@evil.example :tada: [^1] [x]: /y",
]
"""For Markdown: each would add markup, a mention, a link or a reference, or break a table."""

OUR_HTML = re.compile(r"</?(details|summary|code)>")
"""The elements that formats write themselves; GitHub refers to nobody inside of `code`."""

_CODE = re.compile(r"<code>.*?</code>", re.DOTALL)
_TAGS = re.compile(r"<[^>]*>")
_GITHUB = MarkdownIt("gfm-like")


def tokens_of(text: str) -> Iterator[Token]:
    """Parse Markdown the way GitHub does: tables, strikethrough, bare links and HTML."""
    for token in _GITHUB.parse(text):
        yield token
        yield from token.children or ()


def rows_of(text: str) -> list[list[str]]:
    """Return the cells of every row of every table."""
    rows: list[list[str]] = []
    for before, token in pairwise(_GITHUB.parse(text)):
        if before.type == "tr_open":
            rows.append([])
        if before.type in ("td_open", "th_open"):
            rows[-1].append(token.content)
    return rows


def html_of(text: str) -> str:
    """Render Markdown as a page shows it."""
    return str(_GITHUB.render(text))


def prose_of(text: str) -> str:
    """Return what a page shows outside of code: where a mention or a reference would be one."""
    return _TAGS.sub(" ", _CODE.sub(" ", html_of(text)))


def foreign_html(text: str) -> str:
    """Return the HTML of a text that is not ours; remarks at its beginning are ours."""
    kinds = ("html_block", "html_inline")
    html = "".join(token.content for token in tokens_of(text) if token.type in kinds)
    return "".join(re.findall(r"[<>]", OUR_HTML.sub("", html)))
