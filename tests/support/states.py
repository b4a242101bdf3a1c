"""What tests write into a state, and who holds its lock."""

import time
from datetime import UTC, datetime

from reconciler.model.journal import Entry
from reconciler.model.names import Repository
from reconciler.model.ports import Holder, RepositoryState

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
WEB = Repository("ghcr.io/acme/web")


def holder(run: str = "run-1", who: str = "octocat", where: str = "runner-7") -> Holder:
    """Build the holder of a lock."""
    return Holder(run, who, where, NOON)


def holder_left(state: RepositoryState, seconds: float = 10) -> Holder | None:
    """Tell who still holds the lock of a killed process, once its server has noticed the death."""
    deadline = time.monotonic() + seconds
    while (found := state.holder()) and time.monotonic() < deadline:
        time.sleep(0.01)
    return found


def intent(number: int = 1) -> Entry:
    """Build the entry of one intent, told from others by its number."""
    return Entry("intent", {"key": f"{WEB}@sha256:{number:064x}", "version_id": str(number)})


def outcome(number: int = 1, result: str = "deleted") -> Entry:
    """Build the entry that answers an intent."""
    return Entry("outcome", {"key": f"{WEB}@sha256:{number:064x}", "result": result})
