"""YAML for people, in which no text from outside can be anything but a text.

Every value is written by the YAML library, whatever it holds; a comment is one line, and what a
terminal or a parser might obey in it is spelled out.
"""

import re
import textwrap
from collections.abc import Iterator, Mapping
from typing import Any

import yaml

from reconciler.model.display import safe

WIDTH = 100
"""Longest line of a comment, in characters."""

_PLAIN = re.compile(r"[a-z][a-z_]+(?:-[a-z]+)*|[1-9][0-9]{0,4}[hdw]|date:[a-z]+|unmatched-tag")
"""Texts that need no quotes and read better without; all others have them."""


class _Dumper(yaml.SafeDumper):
    """Writes texts in quotes unless they are plain words."""

    def ignore_aliases(self, _: Any) -> bool:
        """Write what is the same twice in full, twice."""
        return True


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    if _PLAIN.fullmatch(text):
        return dumper.represent_str(str(text))
    # Backslashes of a regular expression are left alone between single quotes.
    style = "'" if "\\" in text else '"'
    return dumper.represent_scalar("tag:yaml.org,2002:str", str(text), style=style)


_Dumper.add_representer(str, _text)
_Dumper.add_multi_representer(str, _text)


def flow(value: object) -> str:
    """Write a value on one line, as in `{name: web, tags: ["1.4"]}`."""
    written: str = yaml.dump(
        value,
        Dumper=_Dumper,
        default_flow_style=True,
        width=float("inf"),
        sort_keys=False,
        allow_unicode=False,
    )
    return written.removesuffix("...\n").strip()


def entry(document: Mapping[str, Any], indent: str) -> Iterator[str]:
    """Write an entry of a list: on one line where it fits, else a line for each key."""
    whole = f"{indent}- {flow(document)}"
    if len(whole) <= WIDTH:
        yield whole
        return
    for position, (key, value) in enumerate(document.items()):
        yield f"{indent}{'  ' if position else '- '}{key}: {flow(value)}"


def comment(text: str, indent: str = "") -> Iterator[str]:
    """Write a comment of as many lines as it takes."""
    for line in textwrap.wrap(
        safe(text), WIDTH - len(indent) - 2, break_on_hyphens=False, break_long_words=False
    ):
        yield f"{indent}# {line}"
