"""Lines for a terminal: the one place where text meets rich, so that no text can pass unchecked."""

import textwrap
from collections.abc import Iterable, Iterator
from io import StringIO

from rich.console import Console
from rich.text import Text

from reconciler.formats.view import View
from reconciler.model.display import inert, safe

Part = str | tuple[str, str]
"""A piece of a line, alone or with the style it is printed in."""

_NARROWEST = 40
"""The width, in columns, below which lines are left to the terminal to break."""


def line(*parts: Part) -> Text:
    """Put a line together; nothing in it can drive the terminal, begin a line or be markup."""
    pairs = ((part, "") if isinstance(part, str) else part for part in parts)
    text = Text.assemble(*((safe(words), style) for words, style in pairs))
    text.rstrip()
    return text


def wrapped(text: str, view: View, *, lead: str = "", style: str = "") -> Iterator[Text]:
    """Break a text into lines; `lead` stands before the first, and the others are indented so.

    A digest or an address longer than a line stays whole, so that it can be copied.
    """
    width = max(view.width - len(lead), _NARROWEST)
    for words in textwrap.wrap(safe(text), width, break_on_hyphens=False, break_long_words=False):
        yield line((lead + words, style))
        lead = " " * len(lead)


def folded(text: str, width: int) -> list[str]:
    """Break a text at spaces, or inside a word that is longer than a line."""
    if len(text) <= width and text.isprintable():
        return [text] if text else []
    return textwrap.wrap(safe(text), width, break_on_hyphens=False)


def printed(lines: Iterable[Text], view: View) -> str:
    """Print lines to a string, with colours where they are wanted and no other escapes."""
    # Given in full, because rich would look up whatever is left out in the environment.
    console = Console(
        file=StringIO(),
        width=view.width,
        height=100,
        color_system="standard" if view.colour else None,
        force_terminal=view.colour,
        no_color=not view.colour,
        legacy_windows=False,
        force_jupyter=False,
        force_interactive=False,
        highlight=False,
        markup=False,
        emoji=False,
    )
    with console.capture() as capture:
        for text in lines:
            # Lines come broken already; what is still too long must stay whole to be copied.
            console.print(text, soft_wrap=True)
    # A line may begin in the middle of a text that was harmless where it stood. With colours there
    # is a terminal and no runner, and the escapes of the colours must stay what they are.
    return capture.get() if view.colour else inert(capture.get())
