"""Text from outside, made fit to be shown: no terminal controls, no credentials, no commands."""

import re

# The schemes are bounded so that a hostile text of any length is read in linear time.
_URL = re.compile(r"\b(\w{1,16}://)(?:[^\s/?#]*@)?([^\s?#]*)(?:[?#]\S*)?")

_MARK = re.compile(r"(#[^\x20-\x7e\n\r]*#[^\x20-\x7e\n\r]*)(?=\[)")
_LINE_COMMAND = re.compile(r"((?:\A|(?<=[\n\r]))[^\x21-\x7e\n\r]*:)(?=[^\x20-\x7e\n\r]*:)")
"""What a runner takes for a command; see `inert`."""


def safe(text: str) -> str:
    r"""Spell out every character that a terminal would obey rather than print.

    Controls (C0 and C1), line breaks, bidirectional and invisible marks become escapes such as
    `\x1b`: a hostile text stays on its line and cannot recolour or reorder what is beside it.
    """
    if text.isprintable():
        return text
    return "".join(letter if letter.isprintable() else _escape(letter) for letter in text)


def public(text: str) -> str:
    """Cut the user, password, query and fragment out of every URL in a text."""
    return _URL.sub(r"\1\2", text)


def inert(text: str) -> str:
    """Break up whatever a runner of GitHub Actions would take for a command, in every line.

    A space comes between the signs of `::` at the start of a line and of `##[` anywhere. White
    space and letters outside of ASCII are looked through, as the runner's comparison ignores some.

    Source: actions/runner, ActionCommand.cs, `TryParseV2` and `TryParse`.
    """
    return _LINE_COMMAND.sub(r"\1 ", _MARK.sub(r"\1 ", text))


def _escape(letter: str) -> str:
    return letter.encode("unicode_escape").decode()
