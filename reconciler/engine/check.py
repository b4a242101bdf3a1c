"""Look at many repositories, reading only; one that is unreadable holds back no other."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

from reconciler.core.checking.check import check
from reconciler.core.checking.finding import HealthFinding, HealthInput, Thresholds
from reconciler.core.planner import PlanningInput
from reconciler.engine.clock import check_clock
from reconciler.engine.noting import Note
from reconciler.engine.plan import Target, read_case
from reconciler.errors import AccessError, EvidenceError, ExitCode, ReconcilerError
from reconciler.model.names import Repository
from reconciler.model.ports import Holder, State


@dataclass(frozen=True, slots=True)
class HealthResult:
    """What was found in one repository, or the error that kept it from being read."""

    repository: Repository
    findings: tuple[HealthFinding, ...] = ()
    error: ReconcilerError | None = None

    @property
    def exit_code(self) -> ExitCode:
        """An error's own code, else whether somebody has to act."""
        if self.error:
            return self.error.exit_code
        alarms = any(finding.kind.is_alarm for finding in self.findings)
        return ExitCode.CHANGES if alarms else ExitCode.OK


@dataclass(frozen=True, slots=True)
class Inspection:
    """What a look goes by. `has_ended` tells whether a lock's holder is known to have ended."""

    state: State
    now: datetime
    bounds: Thresholds
    has_ended: Callable[[Holder], bool]
    note: Note = lambda _: None

    def of(self, governed: Iterable[Target]) -> Iterator[HealthResult]:
        """Look at what policies govern, and at whatever else has a state."""
        by_name = {one.repository: one for one in governed}
        for repository in sorted({*by_name, *self.state.repositories()}):
            yield self._checked(repository, by_name.get(repository))

    def _checked(self, repository: Repository, governed: Target | None) -> HealthResult:
        try:
            case, error = self._read(governed)
            return HealthResult(
                repository, check(self._standing(repository, case), self.bounds), error
            )
        except ReconcilerError as failure:
            return HealthResult(repository, error=failure)

    def _read(self, governed: Target | None) -> tuple[PlanningInput | None, ReconcilerError | None]:
        """Read the registry where a policy governs it; the state is worth a look even without."""
        if governed is None:
            return None, None
        try:
            case = read_case(governed, self.state, self.now)
            self.note(case.inventory)
            check_clock(governed.reader, self.now)
            return case, None
        except (EvidenceError, AccessError) as error:
            return None, error

    def _standing(self, repository: Repository, case: PlanningInput | None) -> HealthInput:
        """Put the state beside what was read.

        The state comes last, so that it tells of every deletion that was seen; and the lock
        before the journal, so that a run which ends in between is not taken for a dead one.

        Raises: StateError, when it cannot be read whole.
        """
        state = self.state.of(repository)
        holder = state.holder()
        return HealthInput(
            repository=repository,
            now=self.now,
            records=state.records(),
            holder=holder,
            holder_ended=holder is not None and self.has_ended(holder),
            case=case,
        )
