"""What a plan has read of a repository, so that `apply` in the same process does not read it again.

That is possible only where the plan deletes nothing: a deletion needs evidence of its own time.
"""

import hashlib
from dataclasses import dataclass
from datetime import datetime

from reconciler.core.interrupted import interrupted_runs
from reconciler.engine.observations import updated_observations
from reconciler.engine.plan import PlannedRepository
from reconciler.model.base import canonical
from reconciler.model.inventory import Observations


@dataclass(frozen=True, slots=True)
class Reading:
    """What remains to be saved of a repository in which nothing is deleted or restored.

    It is of use as long as the state has the journal and the observations of the plan.
    """

    before: str
    """The hash of the observations that the plan was made from."""

    after: Observations | None
    """The observations as of the plan; None if they are the same."""

    def is_based_on(self, saved: Observations) -> bool:
        """Whether the observations in the state are those that the plan was made from."""
        return self.before == _hash(saved)


def reading_of(planned: PlannedRepository, now: datetime) -> Reading | None:
    """Return what `apply` saves without another read; None where it has to read.

    It has to where something is to be deleted, or may have to be restored, where a guard stopped
    the plan, and where the clocks differ: then no time may be saved.
    """
    part, case = planned.part, planned.case
    if case is None or not part.complete or planned.skewed:
        return None
    if part.changes or part.stopped or case.leftovers:
        return None
    present = case.inventory.versions.keys()
    if any(run.to_restore(present) for run in interrupted_runs(planned.records)):
        return None
    after = updated_observations(case.observations, case.inventory, now=now)
    return Reading(_hash(planned.saved), None if after == planned.saved else after)


def _hash(observations: Observations) -> str:
    document = observations.model_dump(mode="json", exclude_defaults=True)
    return hashlib.sha256(canonical(document)).hexdigest()
