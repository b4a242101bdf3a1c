"""JSON in pieces: documents too large for memory are read and written one value at a time."""

import json
from codecs import getincrementaldecoder
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from reconciler.model.base import canonical

MAX_VALUE = 64 * 1024 * 1024
"""Largest value that is parsed at once, in characters: parsed, it takes ten times as much memory.

The warnings of a plan are such a value, and so is one of its changes.
"""

_CUT = 2
"""Characters that may follow the part of a number that was parsed, as in `1.5e+`, cut off there."""


def pieces(document: Mapping[str, Any]) -> Iterator[bytes]:
    """Write an object as canonical JSON; a value that is an iterator has its own pieces."""
    separator = b"{"
    for key, value in sorted(document.items()):
        yield separator + canonical(key) + b":"
        if isinstance(value, Iterator):
            yield from value
        else:
            yield canonical(value)
        separator = b","
    yield b"{}" if separator == b"{" else b"}"


def joined(elements: Iterable[Iterable[bytes]]) -> Iterator[bytes]:
    """Write a list of elements, each of which is given in pieces."""
    separator = b"["
    for element in elements:
        yield separator
        yield from element
        separator = b","
    yield b"[]" if separator == b"[" else b"]"


class JsonReader:
    """Reads a document from its bytes, with white space anywhere and the keys of `members` sorted.

    Shape: `written` is called with everything that is read, in canonical form.

    Raises: ValueError, with the position in characters, for what is not JSON, a key that is there
        twice or not sorted, a number that is not finite, and a value larger than `MAX_VALUE`.
    """

    def __init__(self, chunks: Iterable[bytes], written: Callable[[bytes], object]) -> None:
        """Begin at the start of the document; nothing is read yet."""
        self._texts = _decoded(chunks)
        self._text = ""
        self._at = 0
        self._before = 0
        self._ended = False
        self._write = written

    def members(self, *, unwritten: str = "") -> Iterator[str]:
        """Yield the keys of an object; the caller reads the value of each before the next.

        The member named `unwritten` is read like the others, and `written` is not called for it.
        """
        last: str | None
        write, separator, last = self._write, b"{", None
        more = self._enter("{", "}")
        while more:
            key = self._parsed()
            # Sorted keys can be hashed as they come, and none of them is there twice.
            if not isinstance(key, str) or (last is not None and key <= last):
                raise self._error(f"{key!r} is not a key that may follow {last!r}")
            self._skip(":")
            if key == unwritten:
                self._write = lambda _: None
            else:
                write(separator + canonical(key) + b":")
                separator = b","
            yield key
            self._write, last = write, key
            more = self._skip(",}") == ","
        write(b"{}" if separator == b"{" else b"}")

    def elements(self) -> Iterator[int]:
        """Yield the number of each element of a list; the caller reads it before the next."""
        number, more = 0, self._enter("[", "]")
        while more:
            self._write(b"," if number else b"[")
            yield number
            number += 1
            more = self._skip(",]") == ","
        self._write(b"]" if number else b"[]")

    def value(self) -> Any:
        """Read a whole value."""
        return self.value_and_form()[0]

    def value_and_form(self) -> tuple[Any, bytes]:
        """Read a whole value; return it, and its canonical form."""
        value = self._parsed()
        form = canonical(value)
        self._write(form)
        return value, form

    def end(self) -> None:
        """Check that nothing follows."""
        if self._peek():
            raise self._error("something follows the document")

    def _parsed(self) -> Any:
        self._peek()
        while True:
            try:
                value, end = _DECODER.raw_decode(self._text, self._at)
            except json.JSONDecodeError as error:
                if self._ended:
                    raise ValueError(f"{error.msg}: character {self._before + error.pos}") from None
            except ValueError as error:
                raise self._error(str(error)) from None
            else:
                # Cut in the middle of a number, what is there may be another number.
                if self._ended or len(self._text) - end > _CUT:
                    self._at = end
                    return value
            if len(self._text) - self._at > MAX_VALUE:
                raise self._error(f"a value has more than {MAX_VALUE} characters")
            # At least doubled each time, so that a large value is not parsed too often.
            self._fill(len(self._text) - self._at)

    def _enter(self, opening: str, closing: str) -> bool:
        """Step into a list or object; return whether it has anything, and step out if not."""
        self._skip(opening)
        if self._peek() != closing:
            return True
        self._skip(closing)
        return False

    def _skip(self, expected: str) -> str:
        """Step over one of the expected characters, and return it."""
        letter = self._peek()
        if not letter or letter not in expected:
            raise self._error(f"{letter or 'the end'!r} where one of {expected!r} is expected")
        self._at += 1
        return letter

    def _peek(self) -> str:
        """Step over white space, and return the next character; empty at the end."""
        while True:
            while (letter := self._text[self._at : self._at + 1]) and letter in " \t\n\r":
                self._at += 1
            if letter or self._ended:
                return letter
            self._fill(1)

    def _fill(self, least: int) -> None:
        """Drop what was read, and add at least so many characters, or all that are left."""
        self._before += self._at
        parts, added = [self._text[self._at :]], 0
        self._at = 0
        while added < least and not self._ended:
            text = next(self._texts, None)
            self._ended = text is None
            parts.append(text or "")
            added += len(parts[-1])
        self._text = "".join(parts)

    def _error(self, reason: str) -> ValueError:
        return ValueError(f"{reason}: character {self._before + self._at}")


def _decoded(chunks: Iterable[bytes]) -> Iterator[str]:
    """Decode a file; a shell may have saved it in UTF-16, as `json.loads` detects."""
    decoder = None
    for chunk in chunks:
        decoder = decoder or getincrementaldecoder(json.detect_encoding(chunk))("surrogatepass")
        yield decoder.decode(chunk)
    if decoder:
        yield decoder.decode(b"", final=True)


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Make an object. Two values for a key could be read in two ways."""
    document = dict(pairs)
    if len(document) < len(pairs):
        raise ValueError(f"a key of {sorted(document)} is there twice")
    return document


def _finite(text: str) -> float:
    number = float(text)
    if number in (float("inf"), float("-inf")):
        raise ValueError(f"{text} is too large")
    return number


def _no_number(text: str) -> float:
    raise ValueError(f"{text} is not a number")


_DECODER = json.JSONDecoder(
    object_pairs_hook=_unique, parse_float=_finite, parse_constant=_no_number
)
