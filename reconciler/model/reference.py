"""What a person types to name one version: by a tag, or by its digest or the start of it."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Self

from reconciler.errors import InvalidNameError
from reconciler.model.names import Digest, Repository, Tag

_KIND = "reference such as ghcr.io/acme/web:1.4.2 or ghcr.io/acme/web@sha256:0123456789ab"
_DIGEST = re.compile(r"(?:(?:sha256:)?[0-9a-f]{6,64}|sha512:[0-9a-f]{6,128})")
_MAX = 1024
"""Longest reference read, in characters; a repository has at most 510."""


@dataclass(frozen=True, slots=True)
class Reference:
    """A version as somebody names it. Shape: either `tag` or `digest` is given.

    `digest` may be the first digits alone, because plans show no more than that.
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
        name, at, digest = text[:_MAX].partition("@")
        if at and _DIGEST.fullmatch(digest):
            return cls(Repository(name), digest=digest)
        name, colon, tag = text.rpartition(":")
        if at or not colon or "/" in tag or len(text) > _MAX:
            raise InvalidNameError(_KIND, text)
        return cls(Repository(name), Tag(tag))

    def __str__(self) -> str:
        """Write it as it was given."""
        return f"{self.repository}:{self.tag}" if self.tag else f"{self.repository}@{self.digest}"

    @property
    def digest_start(self) -> str:
        """The digest with its algorithm, sha256 where none was given."""
        return self.digest if ":" in self.digest else f"sha256:{self.digest}"


@dataclass(frozen=True, slots=True)
class Mention:
    """A version, or several, as somebody names them who need not say where.

    Shape: `repository` None stands for any, an empty `name` for all there are. A `name` that
        can be both a tag and the first digits of a digest means whatever has either.
    """

    repository: Repository | None = None
    name: str = ""

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read a tag, a digest or its first digits, a repository, or a full reference.

        Raises: InvalidNameError, for what can be none of them.
        """
        try:
            reference = Reference.parse(text)
        except InvalidNameError:
            if "/" in text:
                return cls(Repository(text))
            name = text if _DIGEST.fullmatch(text) else Tag(text)
            return cls(name=name)
        return cls(reference.repository, reference.tag or reference.digest)

    def means(self, repository: Repository, tags: Iterable[Tag], digest: Digest) -> bool:
        """Whether a version of a repository, with these tags and this digest, is named."""
        if self.repository not in (None, repository):
            return False
        return not self.name or any(self.name == tag for tag in tags) or self._begins(digest)

    def _begins(self, digest: Digest) -> bool:
        start = self.name if ":" in self.name else f"sha256:{self.name}"
        return _DIGEST.fullmatch(self.name) is not None and digest.startswith(start)
