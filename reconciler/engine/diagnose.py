"""Read repositories whole and diagnose them; one that cannot be read holds no other one back."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from reconciler.core.diagnosing.diagnose import Diagnosis, diagnose, outlook
from reconciler.core.diagnosing.examined import Examined
from reconciler.engine.created import creation_times
from reconciler.engine.noting import Note
from reconciler.engine.whole import Ahead, look_ahead, read_whole
from reconciler.errors import ReconcilerError
from reconciler.model.inventory import Fact, Inventory
from reconciler.model.names import Repository
from reconciler.model.policy import Policy
from reconciler.model.ports import Clock, RegistryReader, State


@dataclass(frozen=True, slots=True)
class Examination:
    """What looking at repositories takes.

    `policy_for` tells what policy to look ahead with, given what was found.
    """

    state: State
    clock: Clock
    policy_for: Callable[[Diagnosis], Policy | None]
    note: Note = lambda _: None

    def list(self, reader: RegistryReader, repository: Repository) -> Ahead | Examined:
        """List one repository and count the reads to come, or tell what hinders that."""
        try:
            return look_ahead(reader, repository)
        except ReconcilerError as error:
            return Examined(repository, error=error)

    def read(self, reader: RegistryReader, ahead: Ahead) -> Examined:
        """Read one repository whole and diagnose it; what was seen is handed to `note`."""
        try:
            return self._examined(reader, ahead)
        except ReconcilerError as error:
            return Examined(ahead.repository, error=error)

    def _examined(self, reader: RegistryReader, ahead: Ahead) -> Examined:
        seen = self.state.of(ahead.repository).observations()
        inventory = read_whole(reader, ahead, seen)
        self.note(inventory)
        found = diagnose(inventory, seen, now=self.clock())
        policy = self.policy_for(found)
        if policy and Fact.CREATED in policy.facts:
            found = diagnose(_dated(reader, found.inventory), seen, now=found.now)
        return Examined(ahead.repository, found, policy, outlook(found, policy))


def _dated(reader: RegistryReader, inventory: Inventory) -> Inventory:
    """Add when images say they were built, for a policy that goes by that."""
    documents = {d: one.manifest for d, one in inventory.versions.items() if one.manifest}
    times = creation_times(reader, inventory.repository, documents)
    dated = {d: replace(one, created=times.get(d)) for d, one in inventory.versions.items()}
    return replace(inventory, versions=dated)
