"""What a person types to name one version: by a tag, or by its digest or the start of it."""

import re
from dataclasses import dataclass
from typing import Self

from reconciler.errors import InvalidNameError
from reconciler.model.names import Repository, Tag

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
