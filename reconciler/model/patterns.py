"""Patterns of tags and repositories: exact, anchored, case-sensitive, linear in time.

Every pattern is an RE2 expression underneath, because policies come from pull requests and
must not be able to make a plan hang.
"""

import re
from collections.abc import Sequence
from typing import ClassVar, Self

import re2

from reconciler.errors import InvalidNameError, PolicyError
from reconciler.model.display import safe
from reconciler.model.expressions import compiled, complaint_about, together
from reconciler.model.names import HOST, Name, Repository, Tag, canonical_repository

MAX_PATTERN = 512
"""Longest pattern, in characters; what it is held against has at most 128 (a tag)."""


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
        """The same pattern as an RE2 expression."""
        return re2.escape(self).replace(r"\*", ".*").replace(r"\?", ".")

    @property
    def literal(self) -> Tag | None:
        """The tag itself where the pattern has no wildcard and a tag may be called so."""
        try:
            return Tag(self)
        except InvalidNameError:
            return None

    def covers(self, other: "TagGlob") -> bool:
        """Whether every tag that the other matches is surely matched by this one, too.

        The other is read as a text in which its own `*` is a sign that only a `*` here matches.
        """
        wide = re2.escape(self).replace(r"\*", ".*").replace(r"\?", "[^*]")
        return bool(compiled(wide).fullmatch(other))


class TagRegex(Name):
    """An RE2 expression that the whole tag must match; its named groups can be used in a rule.

    Raises: ValueError, with RE2's own words and a cure, when it does not compile.
    """

    __slots__ = ()

    _kind: ClassVar[str] = f"regular expression of at most {MAX_PATTERN} characters"
    _grammar: ClassVar[re.Pattern[str]] = re.compile(rf"(?s:.{{1,{MAX_PATTERN}}})")

    def __new__(cls, text: str) -> Self:
        """Compile once, so that a pattern in hand is a pattern that works."""
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
        """Return what each named group caught in a tag that matches; unused groups are empty."""
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

    Shape: the text has the one name of its host; `spelled` is what was written.
    """

    __slots__ = ("spelled",)

    spelled: str

    _kind: ClassVar[str] = (
        "repository pattern such as ghcr.io/acme/*"
        " (host first, then a path in lower case; no https://, no tag)"
    )
    _grammar: ClassVar[re.Pattern[str]] = re.compile(rf"{HOST}/[a-z0-9._/*-]{{1,255}}(?<!/)")

    def __new__(cls, text: str) -> Self:
        """Hold a pattern without a wildcard to what a repository may be called."""
        checked = super().__new__(cls, text)
        if "*" not in text:
            try:
                Repository(text)
            except InvalidNameError as error:
                raise InvalidNameError(cls._kind, text) from error
        pattern = super().__new__(cls, canonical_repository(checked, "repository pattern"))
        pattern.spelled = getattr(text, "spelled", str(text))
        return pattern

    @property
    def registry(self) -> str:
        """The host, which takes no wildcard."""
        return self.partition("/")[0]

    @property
    def literal(self) -> Repository | None:
        """The repository itself where the pattern has no wildcard."""
        return None if "*" in self else Repository(self)

    def matches(self, repository: Repository) -> bool:
        """Whether the repository's whole name matches."""
        expression = re2.escape(self).replace(r"\*\*", ".*").replace(r"\*", "[^/]*")
        return bool(compiled(expression).fullmatch(repository))


class PatternSet:
    """Many tag patterns held against one tag at once.

    Shape: patterns are known by their position in the sequence given.
    """

    def __init__(self, patterns: Sequence[TagGlob | TagRegex]) -> None:
        """Compile the patterns together.

        Raises: PolicyError, when they are too large together.
        """
        self._set = together() if patterns else None
        if self._set:
            self._compile(patterns, self._set)

    def _compile(self, patterns: Sequence[TagGlob | TagRegex], shared: re2.Set) -> None:
        try:
            for pattern in patterns:
                shared.Add(pattern.expression)
            shared.Compile()
        except re2.error as error:
            raise PolicyError(
                "the patterns of this policy are too large together;"
                " repeat less often in 'regex', or split the policy"
            ) from error

    def matching(self, tag: str) -> Sequence[int]:
        """Return the positions of the patterns that match the whole tag."""
        return (self._set.Match(tag) or ()) if self._set else ()
