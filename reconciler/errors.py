"""Every error Reconciler raises on purpose, and the exit code each one ends with.

ReconcilerError                     1   something we did not foresee
├── PolicyError                    78   a policy file cannot be accepted
├── SettingsError                  78   a setting or a credentials file cannot be read
├── InvalidNameError               78   a text is not the name it should be
├── GitError                       78   git does not answer about a work tree
├── UsageError                     64   a command line is incomplete where nobody can be asked
├── PlanError                       4   a saved plan cannot be applied
├── GuardError                      3   a guard stopped the plan
├── EvidenceError                   6   something could not be read whole and verified
│   ├── ManifestError               6   a document is not the manifest its digest promises
│   ├── ProtocolError               6   the registry answered outside its specification
│   ├── UnreachableError            6   no answer, or only failures
│   ├── PostponedError              6   a change was not made, and may be sent later
│   └── ExhaustedError              6   answers that are too slow, too large or too many
├── AccessError                    77   the registry refuses these credentials
│   └── DeletionDisabledError      77   the registry refuses deletion as such
├── LockedError                     5   another run holds the lock
├── StoppedError                    7   a wait was ended by a signal or a time budget
└── StateError                      8   the state log is broken or cannot be written
    └── JournalError                8   a record of the journal does not verify
"""

from collections.abc import Iterable, Mapping
from enum import IntEnum


class ExitCode(IntEnum):
    """How a command ends; stable, and listed in the README."""

    OK = 0
    INTERNAL = 1
    CHANGES = 2
    SAFETY_STOP = 3
    PLAN_REJECTED = 4
    LOCKED = 5
    EVIDENCE_INCOMPLETE = 6
    PARTIAL = 7
    STATE_BROKEN = 8
    USAGE = 64
    ACCESS = 77
    BAD_POLICY = 78
    INTERRUPTED = 130


_SEVERITY = (
    ExitCode.OK,
    ExitCode.CHANGES,
    ExitCode.PARTIAL,
    ExitCode.SAFETY_STOP,
    ExitCode.PLAN_REJECTED,
    ExitCode.LOCKED,
    ExitCode.EVIDENCE_INCOMPLETE,
    ExitCode.ACCESS,
    ExitCode.BAD_POLICY,
    ExitCode.USAGE,
    ExitCode.STATE_BROKEN,
    ExitCode.INTERNAL,
    ExitCode.INTERRUPTED,
)
"""From harmless to grave: which code a command over many repositories ends with."""


def worst(codes: Iterable[ExitCode]) -> ExitCode:
    """Return the gravest of several exit codes, OK where there is none."""
    return max(codes, key=_SEVERITY.index, default=ExitCode.OK)


class ReconcilerError(Exception):
    """The root: `str()` says what happened and where, `hint` what to do next."""

    exit_code = ExitCode.INTERNAL
    hint = ""

    def __init__(self, message: str, *, hint: str = "") -> None:
        """Keep the message; a `hint` given here replaces the one of the class."""
        super().__init__(message)
        if hint:
            self.hint = hint


class PolicyError(ReconcilerError):
    """A policy file cannot be accepted; nothing was contacted."""

    exit_code = ExitCode.BAD_POLICY
    hint = "Correct the file and run `reconciler validate`."


class SettingsError(ReconcilerError):
    """A setting or a credentials file cannot be read."""

    exit_code = ExitCode.BAD_POLICY


class InvalidNameError(ReconcilerError, ValueError):
    """A text does not follow the grammar of the name it should be."""

    exit_code = ExitCode.BAD_POLICY

    def __init__(self, kind: str, text: str) -> None:
        """Name the kind of name and quote the text, shortened."""
        shown = text if len(text) <= 80 else text[:77] + "..."
        super().__init__(f"{shown!r} is not a {kind}")


class GitError(ReconcilerError):
    """Git is not there, or does not answer about a work tree."""

    exit_code = ExitCode.BAD_POLICY


class UsageError(ReconcilerError):
    """A command needs an answer, and there is no terminal on which to ask for it."""

    exit_code = ExitCode.USAGE


class PlanError(ReconcilerError):
    """A saved plan cannot be applied: altered, expired, unreadable or incomplete."""

    exit_code = ExitCode.PLAN_REJECTED
    hint = "Nothing was deleted. Run `reconciler plan` again and review the new plan."


class GuardError(ReconcilerError):
    """A guard of the policy stopped the plan."""

    exit_code = ExitCode.SAFETY_STOP


class EvidenceError(ReconcilerError):
    """Something could not be read whole and verified, so nothing may be deleted there."""

    exit_code = ExitCode.EVIDENCE_INCOMPLETE
    hint = "Nothing was deleted in this repository. Run again when the registry answers."


class ManifestError(EvidenceError):
    """Documents are not the manifests that their digests and types promise.

    Shape: `flaws` has what is wrong by digest, where several were read.
    """

    def __init__(
        self, message: str, *, hint: str = "", flaws: Mapping[str, str] | None = None
    ) -> None:
        """Keep the message, and what is wrong with each document."""
        super().__init__(message, hint=hint)
        self.flaws = flaws or {}


class ProtocolError(EvidenceError):
    """The registry answered in a way its specification does not allow."""


class UnreachableError(EvidenceError):
    """The registry gave no answer, or only failures, to a read that was tried again."""


class PostponedError(EvidenceError):
    """A change was certainly not made: a limit refused it, or it could not be sent at once.

    It may be sent later, by whoever looks again whether it still is right.
    """

    hint = "Run again later: a limit of the registry leaves no room now."


class ExhaustedError(EvidenceError):
    """The answers about one repository are too slow, too large or too many to be read whole."""

    hint = (
        "Nothing was deleted in this repository, and no other one is held back. Run again; if this"
        " persists, take it out of the policy and look at what its registry sends."
    )


class AccessError(ReconcilerError):
    """The registry refuses these credentials, or they lack a right."""

    exit_code = ExitCode.ACCESS


class DeletionDisabledError(AccessError):
    """The registry refuses deletion as such, whoever asks."""


class LockedError(ReconcilerError):
    """Another run holds the lock of a repository."""

    exit_code = ExitCode.LOCKED


class StoppedError(ReconcilerError):
    """A wait was ended because the run is to stop; whoever waited had sent nothing yet."""

    exit_code = ExitCode.PARTIAL
    hint = "Run again to go on."


class StateError(ReconcilerError):
    """The state cannot be read or written durably."""

    exit_code = ExitCode.STATE_BROKEN


class JournalError(StateError):
    """A record of the journal does not verify: the log was damaged or edited."""

    hint = "Nothing was deleted. Compare the journal with a copy; do not edit it by hand."
