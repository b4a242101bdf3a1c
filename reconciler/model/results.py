"""Results of commands: how each change of an apply or undo ended, lock holders, checks, copies."""

from collections.abc import Sequence
from dataclasses import dataclass

from reconciler.errors import ExitCode, ReconcilerError
from reconciler.model.journal import Result
from reconciler.model.names import Repository
from reconciler.model.plan import RepositoryPlan
from reconciler.model.plan_rows import Change
from reconciler.model.ports import Holder


@dataclass(frozen=True, slots=True)
class Dropped:
    """A planned change that is not attempted, and why."""

    change: Change
    result: Result
    reason: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """How one attempted change ended, and the reason where it was not done."""

    change: Change
    result: Result
    reason: str = ""
    status: int = 0
    request_id: str = ""


@dataclass(frozen=True, slots=True)
class Applied:
    """What an apply or undo did in one repository, and the error that ended it, if one did.

    Shape: of two outcomes of one change the later one holds.
    """

    planned: RepositoryPlan
    outcomes: Sequence[Outcome] = ()
    dropped: Sequence[Dropped] = ()
    resolved: int = 0
    """How many intents of interrupted runs were resolved first."""

    head: str = ""
    """The hash of the journal's last record; empty where nothing was written."""

    run: str = ""
    stopped: str = ""
    """Why changes were left for the next run; empty when all were attempted."""

    error: ReconcilerError | None = None

    @property
    def exit_code(self) -> ExitCode:
        """The error's exit code, or PARTIAL where a change failed."""
        if self.error:
            return self.error.exit_code
        # The time limit and a signal stop a run between changes: the rest waits for the next run.
        failed = (
            outcome.reason != self.stopped
            if outcome.result is Result.NOT_DONE
            else outcome.result in (Result.FAILED, Result.UNKNOWN)
            for outcome in self.outcomes
        )
        return ExitCode.PARTIAL if any(failed) else ExitCode.OK

    @property
    def can_be_undone(self) -> bool:
        """Whether it deleted something that the registry can restore."""
        deleted = any(outcome.result is Result.DELETED for outcome in self.outcomes)
        return deleted and self.planned.undo


@dataclass(frozen=True, slots=True)
class LockStatus:
    """The lock of one repository and its holder; None while the lock is free."""

    repository: Repository
    holder: Holder | None


@dataclass(frozen=True, slots=True)
class StateCheck:
    """The condition of one repository's state. Shape: with an error, the rest is unknown."""

    repository: Repository
    records: int = 0
    head: str = ""
    pending: int = 0
    """Intents without an outcome: of an interrupted run, or of one in progress."""

    observed: int = 0
    """Digests with a saved observation."""

    holder: Holder | None = None
    error: ReconcilerError | None = None


@dataclass(frozen=True, slots=True)
class CopyResult:
    """How many records of one repository were copied to another state, and the last hash."""

    repository: Repository
    records: int
    head: str
