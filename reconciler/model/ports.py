"""Every door to the outside, as a protocol: registries and the state.

Planning receives a `RegistryReader`, which cannot delete: the type checker proves that `plan`
writes nothing. An implementation raises the errors of `reconciler.errors` and no others.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence, Set
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Protocol

from reconciler.model.inventory import Fact, Observations, Version
from reconciler.model.journal import Entry, Record
from reconciler.model.manifest import Manifest
from reconciler.model.names import Digest, Repository, Tag
from reconciler.model.patterns import RepositoryGlob

TOGETHER = 10
"""Most deletions upon one look: about as many as a registry carries out while it is fresh."""

FRESH_SECONDS = 5.0
"""How old what a deletion was decided upon may be when its DELETE is sent, in seconds.

This is the window that no client can close: registries offer no conditional delete.
"""

SENDING_SECONDS = 1.0
"""The part of FRESH_SECONDS that is left for the sending itself, in seconds."""

MAX_REQUEST_ID = 200
"""Longest id of a request that is kept, in characters: a registry chooses it."""

Clock = Callable[[], datetime]
"""Gives the present moment, aware, in UTC."""


@dataclass(frozen=True, slots=True)
class Listing:
    """What a registry lists of one repository, whole.

    Shape: every version once. When `closed`, a digest that is not here does not exist; else the
        registry lists tags only, and other digests are found by following and by asking.
    """

    versions: tuple[Version, ...]
    closed: bool
    pages: int = 1
    watermark: str = ""
    visibility: str = ""
    """Who may see the repository, in the registry's word; empty where it does not say."""

    unknown: bool = False
    """Whether the registry says that it has no repository of this name."""

    broken: tuple[Tag, ...] = ()
    """Tags that the registry lists and has no manifest for."""

    doubt: str = ""
    """Why versions may be missing from it that nobody can see now; nothing may be deleted then."""


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What a registry kind can do; facts come from here, never from guessing."""

    facts: frozenset[Fact]
    undo: bool = False
    undo_for: timedelta | None = None
    """How long a deletion can be taken back, where that is known."""

    referrers: bool = False
    """Whether `referrers` is worth asking: the registry may list what refers to a digest."""


@dataclass(frozen=True, slots=True)
class Allowance:
    """What a registry lets us do, as far as it has said.

    Units: deletions in a minute, and requests until its limit is renewed; None for no limit.
    """

    deletions_per_minute: float | None = None
    requests_left: int | None = None


@dataclass(frozen=True, slots=True)
class Job:
    """How much there is to delete in one repository, and to read again before.

    Units: `pages` of its listing, `versions` in it; `images` are those of the deletions that a
        look has to ask for one by one.
    """

    pages: int
    versions: int
    deletions: int
    images: int
    unread: int = 0
    """Documents of what goes that are still to be read."""


@dataclass(frozen=True, slots=True)
class Effort:
    """What deleting in one repository takes, as far as is known. Units: `seconds`.

    `window` is how long before its deletion, in seconds, something may happen to an image and
    be missed.
    """

    requests: int
    seconds: float
    window: float = FRESH_SECONDS


class Presence(StrEnum):
    """What a registry says when asked for one version."""

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
    """One answer to a restoration, with the registry's own words where it refused."""

    done: bool
    status: int = 0
    message: str = ""
    refused: bool = False
    """Whether a limit refused it, so that it may be sent again after `pace`."""


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

    @property
    def requests(self) -> int:
        """How many requests were sent so far."""

    @property
    def allowance(self) -> Allowance:
        """What the registry lets us do, as of its last answer."""

    def effort(self, repository: Repository, job: Job) -> Effort:
        """Estimate what a job takes in a repository that was read before; ask nobody."""

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
        that go only because of another one: a listing will do, where that saves requests.
        """

    def deletion_command(self, repository: Repository, version: Version) -> str:
        """Return the command with which somebody deletes one version by hand."""

    def newest(self, repository: Repository, watermark: str) -> Listing:
        """List versions newer than a watermark, and the tags of all it takes to get there."""

    def deleted(self, repository: Repository) -> Sequence[Version]:
        """List what was deleted and can be restored, with the tags it had; else nothing."""

    def server_time(self) -> datetime | None:
        """The registry's own clock as of its last answer; None where it sent none."""


class Registry(RegistryReader, Protocol):
    """A registry that may be changed. Only `apply` and `undo` are given one."""

    def check_deletion(self, repository: Repository) -> None:
        """Prove, as far as reading can, that deletion is possible here.

        Raises: AccessError or DeletionDisabledError, saying what is missing.
        """

    def watching(self, repository: Repository) -> AbstractContextManager[None]:
        """Read beside the deletions, in a `with` block, what a look at each would cost too much.

        What fails there is raised by `pace` and `newest`: then nothing more may go.
        """

    def pace(
        self,
        repository: Repository,
        changes: int,
        looked_at: Sequence[Version] = (),
        followers: Set[Digest] = frozenset(),
    ) -> None:
        """Wait until a look and so many deletions or restorations may go without a pause.

        This is where a run waits, and nowhere between a look and what is sent upon it.

        Raises: PostponedError, when the wait would be too long; StoppedError.
        """

    def delete(self, repository: Repository, version: Version) -> Deletion:
        """Delete one version by id or digest: sent once and at once, or not at all.

        Raises: AccessError, when the right is missing; any other answer is a Deletion.
        """

    def restore(self, repository: Repository, version: Version) -> Restoration:
        """Bring one deleted version back, if the registry can and will.

        Raises: AccessError, when the right is missing; EvidenceError, when it is not known.
        """

    def tag(self, repository: Repository, version: Version, tag: Tag) -> Digest:
        """Attach a tag to a version unless another one has it; return the digest that has it now.

        Raises: AccessError, when the right is missing; EvidenceError, when it is not known.
        """


@dataclass(frozen=True, slots=True)
class Holder:
    """Who holds a lock. Shape: `run` is also the id that `lock break` asks for."""

    run: str
    who: str
    where: str
    since: datetime
    process: int = field(default=0, compare=False)
    """The number of its process on `where`; 0 where the backend does not know."""

    @property
    def address(self) -> str:
        """Who it is, and on which machine: `USER@HOST`."""
        return f"{self.who}@{self.where}"


class RepositoryState(Protocol):
    """The state of one repository: its journal, observations and lock."""

    def records(self) -> Sequence[Record]:
        """Read and verify the whole journal; a torn tail is set aside, once locked.

        Raises: JournalError, when a record inside does not verify.
        """

    def append(self, run: str, now: datetime, entries: Iterable[Entry]) -> Sequence[Record]:
        """Write entries durably after the last record; return them as written.

        Raises: StateError, when they could not be made durable: then nothing may be deleted.
        """

    def note(self, run: str, now: datetime, entries: Iterable[Entry]) -> None:
        """Write entries no later than what is appended next: a slow backend saves a write.

        What a run that dies has noted may be lost, so this is for what its successor can find out.
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
        """Take the lock away from a run and hold it instead, for the length of a `with` block.

        From then on nothing that the other run does is of any effect on the state, and before
        its next deletion it is told.

        Raises: LockedError, when that run does not hold the lock.
        """

    def confirm_lock(self) -> None:
        """Make sure that the lock is held still; asked right before whatever cannot be undone.

        Raises: LockedError, when somebody broke it: then nothing more may be sent.
        """

    def holder(self) -> Holder | None:
        """Who holds the lock now, None if nobody does."""


class State(Protocol):
    """A state backend: one RepositoryState for each repository."""

    def of(self, repository: Repository) -> RepositoryState:
        """Open the state of one repository; nothing is written until it is locked."""

    def repositories(self) -> Sequence[Repository]:
        """List the repositories that have a state, sorted."""

    def check_writable(self) -> None:
        """Prove that a record could be written now.

        Raises: StateError, when not.
        """
