"""Validated names: each is a `str` that follows the grammar of its kind."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, ClassVar, Self

from pydantic import GetCoreSchemaHandler
from pydantic_core import CoreSchema, core_schema

from reconciler.errors import InvalidNameError
from reconciler.model.base import canonical_host, canonical_path

_WORD = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*"
_PATH = rf"{_WORD}(?:/{_WORD})*"
_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?"
HOST = rf"(?:{_LABEL}(?:\.{_LABEL})*|\[[0-9a-fA-F:]+\])(?::[0-9]{{1,5}})?"
_SPELLED = re.compile(r"sha256-([0-9a-f]{64})(?![0-9a-f])")

_KIND = "reference such as ghcr.io/acme/web:1.4.2 or ghcr.io/acme/web@sha256:0123456789ab"
_DIGEST = re.compile(r"(?:(?:sha256:)?[0-9a-f]{6,64}|sha512:[0-9a-f]{6,128})")
_MAX = 1024
"""Longest reference read, in characters; a repository has at most 510."""


def canonical_repository(text: str, kind: str) -> str:
    """Return `host/path`, or a pattern of such, with the canonical name of its host.

    Raises: InvalidNameError, if the host is ambiguous or its port invalid.
    """
    host, _, path = text.partition("/")
    try:
        canonical = canonical_host(host)
    except ValueError as error:
        raise InvalidNameError(f"{kind}: {error}", text) from error
    return f"{canonical}/{canonical_path(canonical, path)}"


class Name(str):
    """A text that follows the grammar of its kind.

    Raises: InvalidNameError, for any other text.
    """

    __slots__ = ()

    _kind: ClassVar[str]
    _grammar: ClassVar[re.Pattern[str]]

    def __new__(cls, text: str) -> Self:
        """Check the text once, so that no other code has to check it again."""
        if not cls._grammar.fullmatch(text):
            raise InvalidNameError(cls._kind, text)
        return super().__new__(cls, text)

    @classmethod
    def fits(cls, text: str) -> bool:
        """Whether a text follows the grammar."""
        return cls._grammar.fullmatch(text) is not None

    @classmethod
    def grammar(cls) -> str:
        """Return the regular expression that the whole text must match."""
        return cls._grammar.pattern

    @classmethod
    def __get_pydantic_core_schema__(cls, _: Any, __: GetCoreSchemaHandler) -> CoreSchema:
        """Read names from text and write them as text in pydantic models."""
        # A digest is read several times from one file: as a version, and in what refers to it.
        return core_schema.no_info_after_validator_function(
            lru_cache(maxsize=1024)(cls),
            core_schema.str_schema(),
            serialization=core_schema.to_string_ser_schema(),
        )


class Digest(Name):
    """A manifest's content address. Source: OCI image-spec v1.1, descriptor.md, "Digests"."""

    __slots__ = ()

    # A digest becomes a part of URLs and file names, so no other text must pass as one.
    _kind = "digest (sha256:<64 hex> or sha512:<128 hex>)"
    _grammar = re.compile(r"sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128}")

    @property
    def short(self) -> str:
        """The first twelve hexadecimal digits, for display."""
        return self.partition(":")[2][:12]


class Tag(Name):
    """A mutable name of a manifest, at most 128 characters.

    Source: OCI distribution-spec v1.1, "Pulling manifests".
    """

    __slots__ = ()

    _kind = "tag"
    _grammar = re.compile(r"[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}")

    @property
    def subject(self) -> Digest | None:
        """The digest that this tag contains, with any prefix or suffix: `sha256-<hex>.sig`.

        Signatures, attestations, source images and lists of referrers are tagged like this; some
        tools add a prefix or a suffix of their own. The tag refers to another version if that
        digest is in the repository, and is an ordinary tag if it is not.

        Source: OCI distribution-spec v1.1, "Referrers tag schema"; cosign, SIGNATURE_SPEC.md.
        """
        # The substring test is cheap, and most tags fail it.
        match = _SPELLED.search(self) if "sha256-" in self else None
        return Digest(f"sha256:{match[1]}") if match else None

    @property
    def is_signature(self) -> bool:
        """Whether it has the suffix of a tag written by cosign."""
        return self.subject is not None and self.endswith((".sig", ".att", ".sbom"))


class Repository(Name):
    """`host/path`: one repository of one registry; on GHCR, one package.

    The text is always the canonical name of the repository: two spellings of the same repository
    on the same server are equal, and are governed, locked and recorded as one. See
    `reconciler.model.base` for the rules. Source: docs/adr/0014-one-name.md.

    Source: OCI distribution-spec v1.1, "Pulling manifests" (the path's grammar).
    """

    __slots__ = ()

    _kind = "repository (host/path, the path in lower case)"
    _grammar = re.compile(rf"(?=.{{1,510}}\Z){HOST}/{_PATH}")

    def __new__(cls, text: str) -> Self:
        """Check the text, and replace it by the canonical name."""
        # Checked first: only a text that follows the grammar can be split into host and path.
        checked = super().__new__(cls, text)
        canonical = canonical_repository(checked, "repository")
        return checked if canonical == text else super().__new__(cls, canonical)

    @property
    def registry(self) -> str:
        """The registry's host, with its port if it is not the default."""
        return self.partition("/")[0]

    @property
    def path(self) -> str:
        """The repository's name inside its registry."""
        return self.partition("/")[2]


@dataclass(frozen=True, slots=True)
class Reference:
    """A version as a user names it. Shape: either `tag` or `digest` is given.

    `digest` may be the first digits alone, because plans display no more than that.
    """

    repository: Repository
    tag: Tag | None = None
    digest: str = ""

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read `REPOSITORY:TAG` or `REPOSITORY@DIGEST`.

        Raises: InvalidNameError, for anything else.
        Source: OCI distribution-spec v1.1, "Pulling manifests" (the parts' grammar).
        """
        # Cut off first, so that matching a text of any length takes bounded time.
        name, at, digest = text[:_MAX].partition("@")
        if at and _DIGEST.fullmatch(digest):
            return cls(Repository(name), digest=digest)
        # From the right: the first colon may be that of a port, as in localhost:5000/web:1.0.
        name, colon, tag = text.rpartition(":")
        if at or not colon or "/" in tag or len(text) > _MAX:
            raise InvalidNameError(_KIND, text)
        return cls(Repository(name), Tag(tag))

    def __str__(self) -> str:
        """Return it as it was given."""
        return f"{self.repository}:{self.tag}" if self.tag else f"{self.repository}@{self.digest}"

    @property
    def digest_start(self) -> str:
        """The digest with its algorithm, which is sha256 if none was given."""
        return self.digest if ":" in self.digest else f"sha256:{self.digest}"


@dataclass(frozen=True, slots=True)
class Mention:
    """One or more versions as a user names them, with or without a repository.

    Shape: `repository` None means any, an empty `name` means all versions. A `name` that can be
        both a tag and the first digits of a digest means the versions with either.
    """

    repository: Repository | None = None
    name: str = ""

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read a tag, a digest or its first digits, a repository, or a full reference.

        Raises: InvalidNameError, for any other text.
        """
        try:
            reference = Reference.parse(text)
        except InvalidNameError:
            # Neither a tag nor a digest can contain a slash.
            if "/" in text:
                return cls(Repository(text))
            name = text if _DIGEST.fullmatch(text) else Tag(text)
            return cls(name=name)
        return cls(reference.repository, reference.tag or reference.digest)

    def means(self, repository: Repository, tags: Iterable[Tag], digest: Digest) -> bool:
        """Whether it names a version of a repository with these tags and this digest."""
        if self.repository not in (None, repository):
            return False
        if not self.name or any(self.name == tag for tag in tags):
            return True
        # A digest may be shortened, and is of SHA-256 where no algorithm is named.
        start = self.name if ":" in self.name else f"sha256:{self.name}"
        return _DIGEST.fullmatch(self.name) is not None and digest.startswith(start)
