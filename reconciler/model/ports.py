"""The interfaces to the outside, as protocols: registries and the state.

Planning receives a `RegistryReader`, which cannot delete: the type checker proves that `plan`
writes nothing. An implementation raises the errors of `reconciler.errors` and no others.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence, Set
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Protocol

from reconciler.model.effort import Allowance, Effort, Job
from reconciler.model.inventory import Fact, Observations, Version
from reconciler.model.journal import Entry, Record
from reconciler.model.manifest import Manifest
from reconciler.model.names import Digest, Repository, Tag
from reconciler.model.patterns import RepositoryGlob

MAX_REQUEST_ID = 200
"""Longest id of a request that is kept, in characters: a registry chooses it."""

Clock = Callable[[], datetime]
"""Gives the present moment, aware, in UTC."""


@dataclass(frozen=True, slots=True)
class Listing:
    """The complete listing of one repository.

    Shape: every version once. If `closed`, a digest that is not listed does not exist. If not, the
        registry lists tags only; other digests are found by following links and by requests.
    """

    versions: tuple[Version, ...]
    closed: bool
    pages: int = 1
    watermark: str = ""
    visibility: str = ""
    """Who may see the repository, as the registry reports it; empty if it does not."""

    unknown: bool = False
    """Whether the registry reports that the repository does not exist."""

    broken: tuple[Tag, ...] = ()
    """Tags that the registry lists but has no manifest for."""

    doubt: str = ""
    """Why the listing may lack versions that exist; nothing may be deleted then."""


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What a registry can do, and how many DELETEs may be sent to it at the same time."""

    facts: frozenset[Fact]
    undo: bool = False
    undo_for: timedelta | None = None
    """How long a deleted version can be restored, if that is known."""

    referrers: bool = False
    """Whether the registry may have an endpoint that lists the referrers of a digest."""

    deletions_at_once: int = 1


class Presence(StrEnum):
    """Whether a registry has one version."""

    PRESENT = "present"
    ABSENT = "absent"
    UNKNOWN = "unknown"


class DeletionResult(StrEnum):
    """How the registry answered one DELETE."""

    DELETED = "deleted"
    ABSENT = "absent"
    RETAINED = "retained"
    FAILED = "failed"
    REFUSED = "refused"
    """Certainly not carried out: a limit refused it, or left no room to send it at all."""

    LOST = "lost"
    """No answer, or a server failure: only reading can tell what happened."""


@dataclass(frozen=True, slots=True)
class Deletion:
    """One answer to a DELETE, with the registry's own words where it refused."""

    result: DeletionResult
    status: int = 0
    message: str = ""
    request_id: str = ""


@dataclass(frozen=True, slots=True)
class Restoration:
    """One answer to a restoration; if a limit `refused` it, it may be sent again after `pace`."""

    done: bool
    status: int = 0
    message: str = ""
    refused: bool = False


class Documents(Protocol):
    """Reads manifests and blobs of one registry by digest; the same for every kind of registry.

    Every method that sends requests may raise EvidenceError or AccessError.
    """

    def manifests(
        self, repository: Repository, digests: Iterable[Digest]
    ) -> Mapping[Digest, Manifest | None]:
        """Read and verify many manifests, in parallel; None for one that does not exist.

        A cached manifest is not requested again: only `present` shows that it still exists.

        Raises: ManifestError, naming every manifest that does not match its digest.
        """

    def raw_manifests(
        self, repository: Repository, digests: Iterable[Digest]
    ) -> Mapping[Digest, tuple[str, bytes] | None]:
        """Read many manifests as pushed, media type and bytes; None for one that does not exist."""

    def blobs(
        self, repository: Repository, digests: Iterable[Digest]
    ) -> Mapping[Digest, bytes | None]:
        """Read many small blobs, such as image configs; None for one that does not exist."""

    def present(self, repository: Repository, digests: Iterable[Digest]) -> Mapping[Digest, bool]:
        """Check which manifests exist now, in parallel, without the cache."""

    def blobs_present(
        self, repository: Repository, digests: Iterable[Digest]
    ) -> Mapping[Digest, bool]:
        """Check which blobs exist now, layers among them; none is downloaded."""

    def unread(self, digests: Iterable[Digest]) -> Sequence[Digest]:
        """Return the documents that are not cached, so that each takes a request; send none."""

    def created(
        self, repository: Repository, manifests: Iterable[Manifest]
    ) -> Mapping[Digest, datetime | None]:
        """Read when each image was created: from its annotation, else its config; else None."""


class RegistryReader(Protocol):
    """Reads one registry. Every method may raise EvidenceError or AccessError."""

    @property
    def capabilities(self) -> Capabilities:
        """What this registry can do."""

    @property
    def documents(self) -> Documents:
        """The manifests and blobs of this registry."""

    def requests(self, repository: Repository) -> int:
        """Return how many requests got what they asked for about a repository so far.

        Other repositories that are read at the same time do not change it: neither retries nor
        what repositories share, such as tokens, is counted.
        """

    @property
    def allowance(self) -> Allowance:
        """What the rate limits of the registry allow, as of its last answer."""

    def effort(self, repository: Repository, job: Job) -> Effort:
        """Estimate what a job takes in a repository that was read before; send nothing."""

    def repositories(self, glob: RepositoryGlob) -> Sequence[Repository]:
        """List the repositories a pattern names; a pattern without wildcard needs no request."""

    def listing(self, repository: Repository) -> Listing:
        """List every version, whole and once; an incomplete listing is an error."""

    def referrers(
        self, repository: Repository, digests: Iterable[Digest]
    ) -> Mapping[Digest, tuple[Digest, ...]]:
        """List what refers to each digest; empty where the registry has no such endpoint."""

    def version(self, repository: Repository, version: Version) -> Version | None:
        """Look at one version now, without a cache; None when the registry lacks it."""

    def look(
        self,
        repository: Repository,
        versions: Sequence[Version],
        followers: Set[Digest] = frozenset(),
    ) -> Mapping[Digest, Version]:
        """Look at several versions right before they are deleted; absent ones are left out.

        Nothing that is returned is older than the call. `followers` are those of the versions
        that are deleted only with another version: to find them in a listing is enough, where
        that saves requests.
        """

    def deletion_command(self, repository: Repository, version: Version) -> str:
        """Return the command that deletes one version, for the user to run."""

    def newest(self, repository: Repository, watermark: str) -> Listing:
        """List versions newer than a watermark, and the tags of all it takes to get there."""

    def deleted(self, repository: Repository) -> Sequence[Version]:
        """List deleted versions that can be restored, with the tags they had; empty if none."""

    def server_time(self) -> datetime | None:
        """The registry's clock as of its last response; None if that had no time."""


class Registry(RegistryReader, Protocol):
    """A registry that may be changed. Only `apply` and `undo` are given one."""

    def check_deletion(self, repository: Repository) -> None:
        """Check, as far as reading can, that deletion is possible.

        Raises: AccessError or DeletionDisabledError, naming what is missing.
        """

    def watching(self, repository: Repository) -> AbstractContextManager[None]:
        """Read in parallel with the deletions of a `with` block what each check would need again.

        `pace` and `newest` raise the errors of these reads: then nothing more may be deleted.
        """

    def pace(
        self,
        repository: Repository,
        changes: int,
        looked_at: Sequence[Version] = (),
        followers: Set[Digest] = frozenset(),
    ) -> None:
        """Wait until a check and so many deletions or restorations can be sent without a pause.

        A run waits only here, never between a check and the deletions that depend on it.

        Raises: PostponedError, when the wait would be too long; StoppedError.
        """

    def delete_together(
        self, repository: Repository, versions: Sequence[Version], may_send: Callable[[], bool]
    ) -> Iterable[tuple[Version, Deletion]]:
        """Delete versions by id or digest, at the same time if there are several of them.

        Each is sent once and at once, or not at all; `may_send` is asked right before it. What
        was sent is answered before an AccessError, for a missing right, is raised.
        """

    def restore(self, repository: Repository, version: Version) -> Restoration:
        """Restore one deleted version, if the registry can.

        Raises: AccessError, without the permission; EvidenceError, if the result is unknown.
        """

    def tag(self, repository: Repository, version: Version, tag: Tag) -> Digest:
        """Attach a tag to a version unless another one has it; return the digest that has it now.

        Raises: AccessError, without the permission; EvidenceError, if the result is unknown.
        """


@dataclass(frozen=True, slots=True)
class Holder:
    """Who holds a lock. Shape: `run` is also the id that `lock break` asks for."""

    run: str
    who: str
    where: str
    since: datetime
    process: int = field(default=0, compare=False)  # 0 if the backend does not know it

    @property
    def address(self) -> str:
        """Who it is, and on which machine: `USER@HOST`."""
        return f"{self.who}@{self.where}"


class RepositoryState(Protocol):
    """The state of one repository: its journal, observations and lock."""

    def records(self) -> Sequence[Record]:
        """Read and verify the whole journal; under the lock, a torn last line is set aside.

        Raises: JournalError, when a record inside does not verify.
        """

    def append(self, run: str, now: datetime, entries: Iterable[Entry]) -> Sequence[Record]:
        """Write entries durably after the last record; return them as written.

        Raises: StateError, when they could not be made durable: then nothing may be deleted.
        """

    def note(self, run: str, now: datetime, entries: Iterable[Entry]) -> None:
        """Write entries no later than the next append, which saves a slow backend one write.

        They are lost if the run is killed, so this is only for what the next run can find out.
        """

    def observations(self) -> Observations:
        """Read the observations; empty when there are none yet."""

    def save_observations(self, observations: Observations) -> None:
        """Replace the observations, all or nothing."""

    def lock(self, holder: Holder) -> AbstractContextManager[None]:
        """Hold the lock for the length of a `with` block.

        Raises: LockedError, naming the holder.
        """

    def seize(self, holder: Holder, run: str) -> AbstractContextManager[None]:
        """Take the lock from a run and hold it for the length of a `with` block.

        From then on the other run cannot change the state, and its next `confirm_lock` fails, so
        that it deletes nothing more.

        Raises: LockedError, when that run does not hold the lock.
        """

    def confirm_lock(self) -> None:
        """Check that this run still holds the lock, right before a request that deletes.

        Raises: LockedError, if another process broke the lock: then nothing more may be sent.
        """

    def holder(self) -> Holder | None:
        """Who holds the lock now; None if it is free."""


class State(Protocol):
    """A state backend: one RepositoryState for each repository."""

    def of(self, repository: Repository) -> RepositoryState:
        """Open the state of one repository; nothing is written until it is locked."""

    def repositories(self) -> Sequence[Repository]:
        """List the repositories that have a state, sorted."""

    def check_writable(self) -> None:
        """Check that a record could be written now.

        Raises: StateError, when not.
        """
