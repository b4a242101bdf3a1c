"""RE2 expressions, compiled within bounds; their complaints, with the cure."""

import re
from functools import lru_cache

import re2

from reconciler.model.display import safe

_PATTERN_BYTES = 1 << 20
"""Memory one compiled expression may take, in bytes; RE2 refuses a larger program."""

_SET_BYTES = 1 << 22
"""Memory the expressions of one policy may take together, in bytes.

Matching takes time in proportion: at this size at worst some hundredths of a second a tag.
"""

_UNICODE_CLASS = re.compile(r"(?<!\\)(?:\\\\)*\\[pP]")
"""A class such as \\pL. It has thousands of ranges, which makes compiling it slow."""

_CURES = {
    "invalid perl operator": "RE2 has no look-around; use 'except' or 'without'",
    "invalid escape sequence": "RE2 has no back-references; a literal backslash is \\\\",
    "missing )": "close every group",
    "unexpected )": "open every group, or write \\) for the sign itself",
    "missing ]": "close every class",
    "no argument for repetition": "any text is .* in a regex; globs belong under 'tags'",
    "bad repetition operator": "any text is .* in a regex; globs belong under 'tags'",
    "invalid named capture": "a group is written (?P<name>...)",
    "repetition size": "repeat at most 1000 times",
    "too large": "shorten it",
}
"""What to do about RE2's complaints."""


@lru_cache(maxsize=4096)
def compiled(expression: str) -> "re2._Regexp[str]":
    """Return an expression ready for use."""
    return re2.compile(expression, _options(_PATTERN_BYTES))


@lru_cache(maxsize=4096)
def complaint_about(expression: str) -> str:
    """Return what is wrong with an expression and how to cure it; empty when it compiles.

    Failures are remembered as successes are: a hostile file cannot have one pattern refused
    ten thousand times at full price.
    """
    if _UNICODE_CLASS.search(expression):
        return r"tags are ASCII, so \p has no use; write [A-Za-z] or \w"
    try:
        compiled(expression)
    except re2.error as error:
        words = error.args[0]
        reason = words.decode() if isinstance(words, bytes) else str(words)
        cure = next((cure for part, cure in _CURES.items() if part in reason), "")
        return f"{safe(reason)}; {cure or 'see the RE2 syntax'}"
    return ""


def together() -> "re2.Set":
    """Return an empty set of expressions that a text is held against as a whole, all at once."""
    return re2.Set.FullMatchSet(_options(_SET_BYTES))


def _options(memory: int) -> re2.Options:
    options = re2.Options()
    options.max_mem = memory
    options.log_errors = False
    return options
