"""Note what a command that deletes nothing saw, where its registry would not show it again.

A plain registry lists tags alone. An image whose tag moves on between two runs of `apply` is seen
by neither, and stays for ever. So whoever reads such a repository notes the digests that are new.
"""

from collections.abc import Callable
from dataclasses import dataclass

import structlog

from reconciler.engine.records import remember
from reconciler.errors import ReconcilerError
from reconciler.model.inventory import Fact, Inventory, Observations
from reconciler.model.ports import Clock, Holder, State

log = structlog.get_logger()

Note = Callable[[Inventory], None]
"""Takes what was seen of a repository."""


@dataclass(frozen=True, slots=True)
class Noting:
    """Adds digests to the observations of a state that may be written, and is not in use.

    What is noted already stays as it is: `check` compares it with what is there, and only `apply`
    brings it up to date. So a look hides no loss, and lets nothing go by itself.
    """

    state: State
    clock: Clock
    holder: Callable[[], Holder]

    def __call__(self, inventory: Inventory) -> None:
        """Note what is new; where that cannot be, say so to whoever debugs, and go on."""
        if Fact.PUSHED in inventory.facts:
            # Such a registry lists untagged versions as well, with their times.
            return
        try:
            self._note(inventory)
        except ReconcilerError as error:
            # Another run holds the lock, or this one may only read the state.
            log.debug("not_noted", repository=inventory.repository, reason=str(error))

    def _note(self, inventory: Inventory) -> None:
        """Write under the lock, after another look at what others have noted meanwhile.

        Raises: LockedError, StateError.
        """
        state = self.state.of(inventory.repository)
        if inventory.versions.keys() <= state.observations().digests.keys():
            return
        seen = remember(Observations(), inventory, now=self.clock()).digests
        with state.lock(self.holder()):
            noted = state.observations().digests
            state.save_observations(Observations(digests={**seen, **noted}))
