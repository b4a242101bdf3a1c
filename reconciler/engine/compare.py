"""Compare the policies of a revision with those of a plan on the same inventory, read once."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import datetime

from reconciler.core.compare import compare
from reconciler.core.planner import PlanningInput
from reconciler.engine.manifests import with_creation_times
from reconciler.engine.plan import Target, read_case
from reconciler.errors import ReconcilerError
from reconciler.model.comparison import Difference, RepositoryDifference
from reconciler.model.inventory import Fact
from reconciler.model.names import Repository
from reconciler.model.plan import DeletionPlan
from reconciler.model.policy import Policy
from reconciler.model.ports import RegistryReader, State


@dataclass(frozen=True, slots=True)
class Comparison:
    """Decides what a plan was made from by other policies as well.

    What cannot be compared is an error in the difference, and changes nothing in the plan.
    """

    policy_before: Callable[[Repository], Policy | None]
    reader_for: Callable[[str], RegistryReader]

    def of(self, case: PlanningInput) -> RepositoryDifference:
        """Compare one repository that a policy governs now, and perhaps governed before."""
        repository, after = case.inventory.repository, case.policy
        try:
            before = self.policy_before(repository)
            # Build times cost a request for each image, so they are read only where a rule of the
            # other policy needs them, and of what was read already.
            if before and Fact.CREATED in before.facts - after.facts:
                reader = self.reader_for(repository.registry)
                case = replace(case, inventory=with_creation_times(reader, case.inventory))
            return compare(case, before, after)
        except ReconcilerError as error:
            return _uncompared(repository, error, after=after.name)

    def completed(
        self,
        difference: Difference,
        compared: Iterable[RepositoryDifference],
        plan: DeletionPlan,
        named: Iterable[Repository],
        state: State,
    ) -> Difference:
        """Add to a difference what was compared, and what only the other policies `named`."""
        parts = {
            part.repository: RepositoryDifference(
                repository=part.repository, after=part.policy, error=part.error
            )
            for part in plan.repositories
        }
        # What was compared replaces the entry that only names the policy of now.
        parts |= {part.repository: part for part in compared}
        try:
            for repository in set(named) - parts.keys():
                if part := self._of_dropped(repository, state, plan.evaluated_at):
                    parts[repository] = part
        except ReconcilerError as error:
            return difference.model_copy(update={"error": str(error)})
        ordered = tuple(part for _, part in sorted(parts.items()))
        return difference.model_copy(update={"repositories": ordered})

    def _of_dropped(
        self, repository: Repository, state: State, now: datetime
    ) -> RepositoryDifference | None:
        """Read a repository that no policy governs any more: nothing of it is deleted now."""
        try:
            before = self.policy_before(repository)
            if before is None:
                return None
            reader = self.reader_for(repository.registry)
            case = read_case(Target(repository, before, reader), state, now)
            return compare(case, before, None)
        except ReconcilerError as error:
            return _uncompared(repository, error)


def _uncompared(
    repository: Repository, error: ReconcilerError, *, after: str = ""
) -> RepositoryDifference:
    return RepositoryDifference(repository=repository, after=after, error=str(error))
