"""What somebody else may do to a package at an inconvenient moment."""

from datetime import timedelta
from typing import Annotated, Literal

from pydantic import Field, NonNegativeInt

from reconciler.model.frozen import Frozen


class Push(Frozen):
    """Push a manifest: the given `body`, an index over `lists`, or a new image.

    Shape: `lists` and `subject` are tags or digests of the package; `package` is `owner/name`.
    """

    do: Literal["push"] = "push"
    package: str
    tags: tuple[str, ...] = ()
    lists: tuple[str, ...] = ()
    subject: str = ""
    body: str = ""
    media_type: str = "application/vnd.oci.image.manifest.v1+json"


class Retag(Frozen):
    """Move a tag to the version that another tag or a digest names."""

    do: Literal["retag"] = "retag"
    package: str
    tag: str
    to: str


class Delete(Frozen):
    """Delete the version of a tag or digest, whatever GitHub's rules say."""

    do: Literal["delete"] = "delete"
    package: str
    reference: str


class Download(Frozen):
    """Set how often the version of a tag or digest was downloaded."""

    do: Literal["download"] = "download"
    package: str
    reference: str
    count: NonNegativeInt


class ExpireTokens(Frozen):
    """Let every token that the registry has issued expire."""

    do: Literal["expire_tokens"] = "expire_tokens"


class Revoke(Frozen):
    """Let GitHub reject every token of one login from now on."""

    do: Literal["revoke"] = "revoke"
    login: str


class Advance(Frozen):
    """Move the sandbox's clock forward."""

    do: Literal["advance"] = "advance"
    by: timedelta


Operation = Annotated[
    Push | Retag | Delete | Download | ExpireTokens | Revoke | Advance, Field(discriminator="do")
]
