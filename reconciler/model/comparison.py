"""The comparison of two policies on one inventory: which decisions change, and why."""

import json
from datetime import datetime
from typing import Literal

from pydantic import ValidationError

from reconciler.errors import PlanError
from reconciler.model.base import Frozen, canonical
from reconciler.model.names import Digest, Repository, Tag

FORMAT_NAME = "reconciler-difference"
FORMAT_MAJOR = 1
MAX_BYTES = 512 * 1024 * 1024
"""Largest file of a difference that is read, in bytes: it is parsed in memory as a whole."""


class PolicyEdit(Frozen):
    """One change of a policy's text.

    Shape: `name` is the rule or protection, empty for the policy itself; `key` is the path inside
        it, empty if all of it was added or removed. `before` and `after` are JSON, empty for
        nothing.
    """

    part: Literal["rule", "protection", "policy"]
    name: str = ""
    key: str = ""
    before: str = ""
    after: str = ""

    @property
    def path(self) -> str:
        """Its place in the policy, such as `commits.keep.last`."""
        return ".".join(filter(None, (self.name, self.key)))


class ChangedImage(Frozen):
    """One image that only one of two policies deletes, with the reasons of both."""

    digest: Digest
    tags: tuple[Tag, ...] = ()
    pushed: datetime | None = None
    before: tuple[str, ...] = ()
    after: tuple[str, ...] = ()


class Shift(Frozen):
    """Images whose decision changes because of the same edits.

    Units: `versions` counts the images and their followers.
    """

    because: tuple[PolicyEdit, ...] = ()
    images: tuple[ChangedImage, ...] = ()
    versions: int = 0


class Weakening(Frozen):
    """A protection or a guard that protects less than before.

    Units: `images` lose their last protection; `going` of them would be deleted now.
    """

    edits: tuple[PolicyEdit, ...]
    images: int = 0
    going: int = 0


class RepositoryDifference(Frozen):
    """What a change of policies means for one repository.

    Shape: `before` and `after` name the policy on each side, empty if none governs it. A
        repository that could not be compared has an `error` and nothing else.
    """

    repository: Repository
    before: str = ""
    after: str = ""
    error: str = ""
    weakened: tuple[Weakening, ...] = ()
    edits: tuple[PolicyEdit, ...] = ()
    added: tuple[Shift, ...] = ()
    """Deleted only with the new policy, the largest group first."""

    spared: tuple[Shift, ...] = ()
    """Deleted only with the old policy, the largest group first."""


class DifferenceFormat(Frozen):
    """What kind of file this is; a reader refuses a major version it does not know."""

    name: Literal["reconciler-difference"] = "reconciler-difference"
    version: str = "1.0"


class Difference(Frozen):
    """The difference between a plan and the plan by the policies of another revision.

    Shape: `plan` is the digest of the plan; `against` is the revision as it was given, and `commit`
        the commit that it resolved to.
    """

    format: DifferenceFormat = DifferenceFormat()
    against: str
    commit: str = ""
    plan: str = ""
    error: str = ""
    """Why the policies of the revision could not be read; empty if they were."""

    repositories: tuple[RepositoryDifference, ...] = ()

    @property
    def added(self) -> int:
        """How many versions only the new policies delete."""
        return sum(shift.versions for part in self.repositories for shift in part.added)

    @property
    def spared(self) -> int:
        """How many versions only the old policies delete."""
        return sum(shift.versions for part in self.repositories for shift in part.spared)

    def to_bytes(self) -> bytes:
        """Write it as canonical JSON, with one trailing newline."""
        return canonical(self.model_dump(mode="json")) + b"\n"


def read_difference(content: bytes) -> Difference:
    """Read a saved difference.

    Raises: PlanError, when it is too large, none, or of an unknown major version.
    """
    if len(content) > MAX_BYTES:
        raise PlanError(f"the difference is larger than {MAX_BYTES} bytes")
    try:
        document = json.loads(content)
        name, version = document["format"]["name"], str(document["format"]["version"])
        # Before the rest is read, so that the error names the newer release and not a key of it.
        if (name, version.partition(".")[0]) != (FORMAT_NAME, str(FORMAT_MAJOR)):
            raise PlanError(f"{name} {version} is not a difference this tool reads")
        return Difference.model_validate(document)
    except (ValueError, LookupError, TypeError, RecursionError) as error:
        reason = f"{error.error_count()} errors" if isinstance(error, ValidationError) else error
        raise PlanError(f"this is not a difference of plans: {reason}") from error
