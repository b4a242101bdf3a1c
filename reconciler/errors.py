"""All errors that Reconciler raises on purpose, and their exit codes.

ReconcilerError                     1   an unexpected error
├── PolicyError                    78   a policy file cannot be accepted
├── SettingsError                  78   a setting or a credentials file cannot be read
├── InvalidNameError               78   a text is not a valid name
├── GitError                       78   git is missing, or cannot read the work tree
├── UsageError                     64   confirmation is needed, but there is no terminal
├── PlanError                       4   a saved plan cannot be applied
├── GuardError                      3   a guard stopped the plan
├── EvidenceError                   6   something could not be read completely and verified
│   ├── ManifestError               6   a document is not the manifest its digest promises
│   ├── UnknownRepositoryError      6   the registry reports that there is no such repository
│   ├── ProtocolError               6   the answer of the registry violates its specification
│   ├── UnreachableError            6   no answer, or only errors
│   ├── PostponedError              6   a change was not made, and can be sent later
│   └── ExhaustedError              6   answers that are too slow, too large or too many
├── AccessError                    77   the registry rejects these credentials
│   ├── DeletionDisabledError      77   deletion is disabled on the registry
│   └── HiddenError                77   it does not exist, or these credentials may not see it
├── LockedError                     5   another run holds the lock
├── StoppedError                    7   a signal or the time budget ended a wait
└── StateError                      8   the state log is broken or cannot be written
    └── JournalError                8   a record of the journal cannot be verified
"""

from collections.abc import Iterable, Mapping, Sequence
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
"""From least to most severe; a command over many repositories ends with the most severe."""


def worst(codes: Iterable[ExitCode]) -> ExitCode:
    """Return the most severe of several exit codes, OK if there is none."""
    return max(codes, key=_SEVERITY.index, default=ExitCode.OK)


class ReconcilerError(Exception):
    """The root: `str()` is what happened and where, `hint` what to do next."""

    exit_code = ExitCode.INTERNAL
    hint = ""

    def __init__(self, message: str, *, hint: str = "") -> None:
        """Keep the message; a `hint` replaces that of the class."""
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


def did_you_mean(candidates: Sequence[str]) -> str:
    """Ask whether what was written means one of these, the likeliest first; empty for none."""
    return f"Did you mean {', or '.join(candidates)}?" if candidates else ""


class InvalidNameError(ReconcilerError, ValueError):
    """A text does not follow the grammar of a kind of name."""

    exit_code = ExitCode.BAD_POLICY

    def __init__(
        self, kind: str, text: str, *, reason: str = "", candidates: Sequence[str] = ()
    ) -> None:
        """Quote the text, shortened, with the reason and what it may mean, the likeliest first.

        By default the reason is that it is not a `kind`.
        """
        quoted = text if len(text) <= 80 else text[:77] + "..."
        self.reason = reason or f"is not a {kind}"
        question = did_you_mean(candidates)
        super().__init__(f"{quoted!r} {self.reason}{question and f'. {question}'}")
        self.candidates = tuple(candidates)


class GitError(ReconcilerError):
    """Git is missing, or cannot read the work tree."""

    exit_code = ExitCode.BAD_POLICY


class UsageError(ReconcilerError):
    """A command needs confirmation, and there is no terminal to ask on."""

    exit_code = ExitCode.USAGE


class PlanError(ReconcilerError):
    """A saved plan cannot be applied: altered, expired, unreadable or incomplete."""

    exit_code = ExitCode.PLAN_REJECTED
    hint = "Nothing was deleted. Run `reconciler plan` again and review the new plan."


class GuardError(ReconcilerError):
    """A guard of the policy stopped the plan."""

    exit_code = ExitCode.SAFETY_STOP


class EvidenceError(ReconcilerError):
    """Something could not be read completely and verified, so nothing may be deleted there."""

    exit_code = ExitCode.EVIDENCE_INCOMPLETE
    hint = "Nothing was deleted in this repository. Run again when the registry answers."


class ManifestError(EvidenceError):
    """Documents do not match their digests or media types.

    Shape: `flaws` has the error of each digest, when several documents were read.
    """

    def __init__(
        self, message: str, *, hint: str = "", flaws: Mapping[str, str] | None = None
    ) -> None:
        """Keep the message, and the error of each document."""
        super().__init__(message, hint=hint)
        self.flaws = flaws or {}


class UnknownRepositoryError(EvidenceError):
    """The registry reports that there is no such repository."""


class ProtocolError(EvidenceError):
    """The answer of the registry violates its specification."""


class UnreachableError(EvidenceError):
    """The registry did not answer a read, or answered every retry with an error."""


class PostponedError(EvidenceError):
    """A change was certainly not made: a rate limit refused it, or it could not be sent in time.

    The caller may send it later, after checking again that it is still right.
    """

    hint = "Run again later: the rate limit of the registry is used up."


class ExhaustedError(EvidenceError):
    """The answers about one repository are too slow, too large or too many to read completely."""

    hint = (
        "Nothing was deleted in this repository; other repositories are not affected. Run again; if"
        " it persists, remove the repository from the policy and check what its registry sends."
    )


class AccessError(ReconcilerError):
    """The registry rejects these credentials, or they lack a permission."""

    exit_code = ExitCode.ACCESS


class DeletionDisabledError(AccessError):
    """Deletion is disabled on the registry, for every user."""


class HiddenError(AccessError):
    """It does not exist, or these credentials may not see it: the registry does not say which."""


class LockedError(ReconcilerError):
    """Another run holds the lock of a repository."""

    exit_code = ExitCode.LOCKED


class StoppedError(ReconcilerError):
    """A wait was ended because the run must stop; the request was not sent."""

    exit_code = ExitCode.PARTIAL
    hint = "Run again to continue."


class StateError(ReconcilerError):
    """The state cannot be read or written durably."""

    exit_code = ExitCode.STATE_BROKEN


class JournalError(StateError):
    """A record of the journal cannot be verified: the journal was damaged or edited."""

    hint = "Nothing was deleted. Compare the journal with a copy; do not edit it by hand."
