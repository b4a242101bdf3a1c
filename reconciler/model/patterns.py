"""Patterns of tags and repositories: anchored, case-sensitive, and matched in linear time.

Every pattern is compiled by RE2, because policies come from pull requests and must not be able to
make a plan hang.
"""

import re
from collections.abc import Collection, Sequence
from functools import lru_cache
from typing import ClassVar, Self

import re2

from reconciler.errors import InvalidNameError, PolicyError
from reconciler.model.base import safe
from reconciler.model.names import HOST, Name, Repository, Tag, canonical_repository
from reconciler.model.spelling import misspelling

MAX_PATTERN = 512
"""Longest pattern, in characters; a tag, which it is matched against, has at most 128."""

_PATTERN_BYTES = 1 << 20
"""Most memory of one compiled expression, in bytes; RE2 refuses a larger program."""

_SET_BYTES = 1 << 22
"""Most memory of all expressions of one policy, in bytes.

Matching time is proportional to it: at this size, at worst some hundredths of a second per tag.
"""

_UNICODE_CLASS = re.compile(r"(?<!\\)(?:\\\\)*\\[pP]")
"""A class such as \\pL. It has thousands of ranges, which makes compiling it slow."""

_CURES = {
    "invalid perl operator": "RE2 has no look-around; use 'except' or 'without'",
    "invalid escape sequence": "RE2 has no back-references; a literal backslash is \\\\",
    "missing )": "close every group",
    "unexpected )": "open every group, or write \\) for the character itself",
    "missing ]": "close every class",
    "no argument for repetition": "any text is .* in a regex; globs belong under 'tags'",
    "bad repetition operator": "any text is .* in a regex; globs belong under 'tags'",
    "invalid named capture": "a group is written (?P<name>...)",
    "repetition size": "repeat at most 1000 times",
    "too large": "shorten it",
}
"""How to correct what RE2 reports."""


class TagGlob(Name):
    """A tag in which `*` stands for any text and `?` for one character."""

    __slots__ = ()

    _kind: ClassVar[str] = (
        "tag pattern: use letters, digits, `_`, `.`, `-` and the signs `*` and `?`;"
        " for more, use `regex`"
    )
    _grammar: ClassVar[re.Pattern[str]] = re.compile(rf"[A-Za-z0-9_.*?-]{{1,{MAX_PATTERN}}}")

    @property
    def expression(self) -> str:
        """The pattern as an RE2 expression."""
        return re2.escape(self).replace(r"\*", ".*").replace(r"\?", ".")

    @property
    def literal(self) -> Tag | None:
        """The tag itself, if the pattern has no wildcard and is a valid tag."""
        try:
            return Tag(self)
        except InvalidNameError:
            return None

    def covers(self, other: "TagGlob") -> bool:
        """Whether every tag that the other matches is certainly matched by this one as well.

        The other is matched as a text whose own `*` is a character that only a `*` here matches.
        """
        # So `a?` does not cover `a*`, which also matches longer tags.
        wide = re2.escape(self).replace(r"\*", ".*").replace(r"\?", "[^*]")
        return bool(compiled(wide).fullmatch(other))


class TagRegex(Name):
    """An RE2 expression that the whole tag must match; rules can use its named groups.

    Raises: ValueError, with RE2's message and a correction, when it does not compile.
    """

    __slots__ = ()

    _kind: ClassVar[str] = f"regular expression of at most {MAX_PATTERN} characters"
    _grammar: ClassVar[re.Pattern[str]] = re.compile(rf"(?s:.{{1,{MAX_PATTERN}}})")

    def __new__(cls, text: str) -> Self:
        """Compile the expression, so that every instance is valid."""
        pattern = super().__new__(cls, text)
        if complaint := complaint_about(pattern):
            raise ValueError(f"RE2 cannot compile '{safe(text)}': {complaint}")
        return pattern

    @property
    def expression(self) -> str:
        """The pattern itself."""
        return str(self)

    @property
    def captures(self) -> frozenset[str]:
        """The names of its groups."""
        return frozenset(compiled(self).groupindex)

    def captured(self, tag: str) -> dict[str, str]:
        """Return the text of each named group in a tag that matches; empty for unused groups."""
        match = compiled(self).fullmatch(tag)
        return {name: text or "" for name, text in match.groupdict().items()} if match else {}


class TypeGlob(Name):
    """A media or artifact type in which `*` stands for any text."""

    __slots__ = ()

    _kind: ClassVar[str] = "pattern of artifact types such as application/vnd.cncf.helm.*"
    _grammar: ClassVar[re.Pattern[str]] = re.compile(rf"[A-Za-z0-9_.+/*-]{{1,{MAX_PATTERN}}}")

    def matches(self, kind: str) -> bool:
        """Whether an artifact type matches as a whole."""
        return bool(compiled(re2.escape(self).replace(r"\*", ".*")).fullmatch(kind))


class RepositoryGlob(Name):
    """A repository in which `*` stands for text without a slash and `**` for any text.

    Shape: the text has the canonical name of its host; `spelled` is what was written.
    """

    __slots__ = ("spelled",)

    spelled: str

    _kind: ClassVar[str] = (
        "repository pattern such as ghcr.io/acme/*"
        " (host first, then a path in lower case; no https://, no tag)"
    )
    _grammar: ClassVar[re.Pattern[str]] = re.compile(rf"{HOST}/[a-z0-9._/*-]{{1,255}}(?<!/)")

    def __new__(cls, text: str) -> Self:
        """Check the grammar; a pattern without a wildcard must be a valid repository."""
        try:
            checked = super().__new__(cls, text)
        except InvalidNameError as error:
            raise (cls.misspelt(text) or error) from error
        # Otherwise a pattern with a typing error would match nothing, without a message.
        if "*" not in text:
            try:
                Repository(text)
            except InvalidNameError as error:
                raise (cls.misspelt(text) or InvalidNameError(cls._kind, text)) from error
        pattern = super().__new__(cls, canonical_repository(checked, "repository pattern"))
        pattern.spelled = getattr(text, "spelled", str(text))
        return pattern

    @classmethod
    def misspelt(cls, text: str, hosts: Collection[str] = ()) -> InvalidNameError | None:
        """Build the error with a suggestion for a text that is almost a pattern; None if it is not.

        A host without a dot and a port counts as none, as for docker, unless it is one of `hosts`.
        """
        wrong = misspelling(text, hosts)
        candidates = tuple(filter(cls.fits, wrong.candidates)) if wrong else ()
        if not wrong or not candidates:
            return None
        return InvalidNameError(cls._kind, text, reason=wrong.reason, candidates=candidates)

    @property
    def registry(self) -> str:
        """The host, which has no wildcard."""
        return self.partition("/")[0]

    @property
    def literal(self) -> Repository | None:
        """The repository itself, if the pattern has no wildcard."""
        return None if "*" in self else Repository(self)

    def matches(self, repository: Repository) -> bool:
        """Whether the repository's whole name matches."""
        # `**` first, because it contains `*`.
        expression = re2.escape(self).replace(r"\*\*", ".*").replace(r"\*", "[^/]*")
        return bool(compiled(expression).fullmatch(repository))


class PatternSet:
    """Many tag patterns that are matched against one tag at once.

    Shape: a pattern is identified by its position in the sequence given.
    """

    def __init__(self, patterns: Sequence[TagGlob | TagRegex]) -> None:
        """Compile the patterns together.

        Raises: PolicyError, when they are too large together.
        """
        # RE2 does not compile an empty set.
        self._set = together() if patterns else None
        if self._set is None:
            return
        try:
            for pattern in patterns:
                self._set.Add(pattern.expression)
            self._set.Compile()
        except re2.error as error:
            raise PolicyError(
                "the patterns of this policy are too large together;"
                " repeat less often in 'regex', or split the policy"
            ) from error

    def matching(self, tag: str) -> Sequence[int]:
        """Return the positions of the patterns that match the whole tag."""
        return (self._set.Match(tag) or ()) if self._set else ()


@lru_cache(maxsize=4096)
def compiled(expression: str) -> "re2._Regexp[str]":
    """Return a compiled expression."""
    return re2.compile(expression, _options(_PATTERN_BYTES))


@lru_cache(maxsize=4096)
def complaint_about(expression: str) -> str:
    """Return what is wrong with an expression and how to correct it; empty when it compiles.

    Failures are cached as well as successes, so that a hostile file with one wrong pattern ten
    thousand times costs one compilation.
    """
    if _UNICODE_CLASS.search(expression):
        return r"tags are ASCII, so \p has no use; write [A-Za-z] or \w"
    try:
        compiled(expression)
    except re2.error as error:
        message = error.args[0]
        reason = message.decode() if isinstance(message, bytes) else str(message)
        cure = next((cure for part, cure in _CURES.items() if part in reason), "")
        return f"{safe(reason)}; {cure or 'see the RE2 syntax'}"
    return ""


def together() -> "re2.Set":
    """Return an empty set of expressions that are matched against a whole text at once."""
    return re2.Set.FullMatchSet(_options(_SET_BYTES))


def _options(memory: int) -> re2.Options:
    options = re2.Options()
    options.max_mem = memory
    # RE2 would write them to stderr, with the pattern as it is; `complaint_about` reports them.
    options.log_errors = False
    return options
