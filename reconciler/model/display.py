"""Text from outside, made fit to be shown: no terminal controls, no credentials in its URLs."""

import re

# The schemes are bounded so that a hostile text of any length is read in linear time.
_URL = re.compile(r"\b(\w{1,16}://)(?:[^\s/?#]*@)?([^\s?#]*)(?:[?#]\S*)?")


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


def _escape(letter: str) -> str:
    return letter.encode("unicode_escape").decode()
