"""The number of failures after which the rest of a repository is left to the next run."""

from dataclasses import dataclass

from reconciler.model.journal import Result

IN_A_ROW = 5
"""Failures in a row that end the work in a repository."""

SHARE = 0.05
"""Share of a repository's deletions that may fail in all; IN_A_ROW are always allowed."""


@dataclass
class FailureBudget:
    """Counts failures of `planned` changes, which are named by `what` in the reason to stop."""

    planned: int
    what: str = "deletions"
    _in_a_row: int = 0
    _in_all: int = 0

    def note(self, result: Result) -> str:
        """Count one result; return the reason to stop, empty to go on."""
        if result not in (Result.FAILED, Result.UNKNOWN):
            self._in_a_row = 0
            return ""
        self._in_a_row += 1
        self._in_all += 1
        if self._in_a_row >= IN_A_ROW:
            return f"{IN_A_ROW} {self.what} in a row failed"
        if self._in_all > max(IN_A_ROW, SHARE * self.planned):
            return f"{self._in_all} of {self.planned} {self.what} failed"
        return ""
