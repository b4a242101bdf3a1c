"""Restore one version; it waits where a limit refuses, and looks after the lock each time."""

from reconciler.model.inventory import Version
from reconciler.model.names import Repository
from reconciler.model.ports import Registry, RepositoryState, Restoration

TRIES = 5
"""How often a restoration is sent that limits refuse."""


def bring_back(
    registry: Registry, state: RepositoryState, repository: Repository, version: Version
) -> Restoration:
    """Restore one version, if the registry can and will; nobody but the holder of the lock may.

    Raises: LockedError; StoppedError; AccessError; EvidenceError, when it is not known whether
        it came back, or the wait would be too long.
    """
    for _ in range(TRIES - 1):
        state.confirm_lock()
        answer = registry.restore(repository, version)
        if not answer.refused:
            return answer
        # A limit refused it, so it had no effect and may be sent again.
        registry.pace(repository, 1)
    state.confirm_lock()
    return registry.restore(repository, version)
