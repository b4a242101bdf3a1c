"""One repository of a report: diagnosed, or the error that kept it from being read."""

from dataclasses import dataclass

from reconciler.core.diagnosing.counsel import WorkflowAdvice
from reconciler.core.diagnosing.diagnose import Diagnosis
from reconciler.core.diagnosing.growth import Forecast
from reconciler.errors import ExitCode, ReconcilerError
from reconciler.model.names import Repository
from reconciler.model.policy import Policy


@dataclass(frozen=True, slots=True)
class Examined:
    """What was found in one repository, or the error that kept it from being read.

    Shape: `policy` is what the forecast goes by, None without one.
    """

    repository: Repository
    diagnosis: Diagnosis | None = None
    policy: Policy | None = None
    forecast: Forecast | None = None
    error: ReconcilerError | None = None
    counsel: WorkflowAdvice | None = None
    """What workflow files have to do with it, where some were read."""

    @property
    def outcome(self) -> ExitCode:
        """How a command ends that found this."""
        return self.error.exit_code if self.error else ExitCode.OK
