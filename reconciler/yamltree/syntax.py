"""What the YAML parser complains of, in words that help."""

import yaml

from reconciler.yamltree.nodes import Place

_ESCAPE = "in double quotes a backslash starts an escape; use single quotes"
_DIRECTIVE = "a line that starts with % is a directive, and policies have none; remove it"
_MESSAGES = {
    "mapping values are not allowed": "a ': ' cannot stand here; quote the text or indent less",
    "unknown escape character": _ESCAPE,
    "escape code": _ESCAPE,
    "hexdecimal number": _ESCAPE,
    "directive": _DIRECTIVE,
    "incompatible YAML document": _DIRECTIVE,
    "expected node content": "a value is missing before this sign",
    "alphabetic or numeric character": '* and & have a meaning in YAML; quote the pattern: "*"',
    "expected ',' or ']'": "the list that opens in line {start} lacks a comma or its ]",
    "expected ',' or '}'": "the brace that opens in line {start} lacks a comma or its }}",
    "unexpected end of stream": "the quote that opens in line {start} is never closed",
    "unexpected document indicator": "the quote that opens in line {start} is never closed",
    "did not find expected key": "this line is indented unlike the lines above it",
    "expected '-' indicator": "this line is indented unlike the list above it",
    "could not find expected ':'": "a key lacks its ': '; look at the line above, too",
    "expected <document start>": "a document ends above this line, and one file holds one",
    "block sequence entries": "a list cannot start here; put each '- ' on a line of its own",
    "exceeded maximum nesting depth": "this is nested too deep",
    "character that cannot start any token": "a text cannot start with {sign}; quote it",
}
"""Fragments of what the parser says, and what we say instead."""


def explain(error: yaml.MarkedYAMLError, text: str) -> tuple[Place, str]:
    """Return the place of a syntax error, and a sentence that says how to mend it."""
    place = _place(error.problem_mark or error.context_mark)
    start = _place(error.context_mark or error.problem_mark).line
    problem = error.problem or "it cannot be read"
    words = next((words for part, words in _MESSAGES.items() if part in problem), problem)
    sign = _sign(text, place)
    if sign == "\t":
        words = "lines are indented with spaces, never with tabs"
    return place, f"this is not YAML: {words.format(start=start, sign=sign)}"


def _place(mark: yaml.Mark | None) -> Place:
    return Place(mark.line + 1, mark.column + 1) if mark else Place(1, 1)


def _sign(text: str, place: Place) -> str:
    """Return the character at a place, empty past the end of its line."""
    lines = text.splitlines()
    line = lines[place.line - 1] if place.line <= len(lines) else ""
    return line[place.column - 1 : place.column]
