"""Look at one repository from every side."""

from collections.abc import Callable, Iterator

from reconciler.core.checking.due import not_applied, overdue
from reconciler.core.checking.finding import HealthFinding, HealthInput, Thresholds
from reconciler.core.checking.losses import broken_images, deleted_elsewhere, lost_tags
from reconciler.core.checking.runs import closing_windows, open_ends, stale_lock

Look = Callable[[HealthInput, Thresholds], Iterator[HealthFinding]]

LOOKS: tuple[Look, ...] = (
    broken_images,
    lost_tags,
    deleted_elsewhere,
    stale_lock,
    open_ends,
    not_applied,
    overdue,
    closing_windows,
)
"""Every kind of look, gravest findings first: a new kind is one line here."""


def check(standing: HealthInput, bounds: Thresholds) -> tuple[HealthFinding, ...]:
    """Return what is found in one repository.

    Raises: PolicyError, when a rule needs a time that this registry and state cannot give.
    """
    return tuple(finding for look in LOOKS for finding in look(standing, bounds))
