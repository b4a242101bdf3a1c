"""A session of `undo`: the state and the registries. Policies are not needed."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta

from reconciler.connect import Registries, open_registries
from reconciler.core.undo import UndoRequest
from reconciler.engine.plan import PlanTimes
from reconciler.engine.run import begin
from reconciler.engine.undo import apply_restorations, draw_restorations, last_run
from reconciler.model.names import Mention
from reconciler.model.plan import RestorePlan
from reconciler.model.ports import Clock, State
from reconciler.model.results import Applied, Outcome
from reconciler.session import state_of, utc_now
from reconciler.settings import Settings
from reconciler.version import __version__


@dataclass(frozen=True)
class Recovery:
    """The registries and the state that one undo works with."""

    registries: Registries
    state: State
    clock: Clock = utc_now

    def plan(self, run: str, only: Mention, *, retag: bool, lasts: timedelta) -> RestorePlan:
        """Plan to restore what a run deleted; without a name, the last run that deleted something.

        Raises: PlanError, when it deleted nothing of what is mentioned.
        """
        now = self.clock()
        return draw_restorations(
            UndoRequest(run or last_run(self.state), only, retag),
            self.state,
            lambda repository: self.registries.reader(repository.registry),
            moment=PlanTimes(now, now, lasts),
            tool=f"reconciler {__version__}",
        )

    def restore(
        self,
        plan: RestorePlan,
        *,
        halt: Callable[[], str],
        watching: Sequence[Callable[[Outcome], None]] = (),
    ) -> tuple[Applied, ...]:
        """Restore what a plan names and the registry can still restore.

        `halt` returns a reason to stop, empty to go on; each of `watching` is called with each
        outcome.
        """
        # As before a deletion: a restoration that is not recorded could not be held.
        self.state.check_writable()
        run = begin(self.clock, halt, watching)
        return apply_restorations(plan, self.registries.registry, self.state, run)


@contextmanager
def open_recovery(
    state: str | None, sleep: Callable[[float], None] | None = None
) -> Iterator[Recovery]:
    """Open what an undo needs from a state and the environment; close it after.

    Raises: SettingsError.
    """
    settings = Settings.load()
    with open_registries(settings, utc_now, sleep) as registries:
        yield Recovery(registries, state_of(settings, state))
