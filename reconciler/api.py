"""Reconciler as a library: load policies, plan, apply, as the commands do, without a terminal.

Import these names from `reconciler` itself; docs/api.md shows them at work. Nothing here asks,
prints or ends the process: errors are `reconciler.errors.ReconcilerError`, results are typed.
"""

import os
import time
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import TypeAlias

from reconciler import policyfile
from reconciler.core.narrow import accepted_limits, check_applicable, require_deletions
from reconciler.core.planner import RaisedLimits
from reconciler.errors import StoppedError
from reconciler.model.names import Repository
from reconciler.model.plan import DeletionPlan, Plan
from reconciler.model.results import Applied, Outcome
from reconciler.policyfile import PolicySet
from reconciler.session import open_session, utc_now

AnyPath: TypeAlias = str | os.PathLike[str]
"""A file or a folder, as text or as a path."""

POLICIES: Sequence[AnyPath] = ("policies",)
"""Where policies are by default."""

GRAIN = 0.5
"""How often a wait asks whether to stop, in seconds."""

LASTS = timedelta(hours=72)
"""How long a plan may be applied by default."""


def load_policies(paths: Iterable[AnyPath] = POLICIES) -> PolicySet:
    """Read policy files, and all files below folders. Contacts nothing.

    Raises: PolicyProblems, with every problem of every file at its line.
    """
    return policyfile.load_policies(_paths(paths))


def plan(
    paths: Iterable[AnyPath] = POLICIES,
    *,
    state: AnyPath | None = None,
    only: Iterable[str] = (),
    at: datetime | None = None,
    lasts: timedelta = LASTS,
    allowed: RaisedLimits | None = None,
) -> DeletionPlan:
    """Compare policies with registries, and return what `apply` would delete, and why.

    Deletes nothing. A repository that cannot be read whole is an incomplete part of the plan, and
    a guard that stops it is named in it: look at `Plan.outcome` before anything else.

    Shape: `only` are repositories, all that the policies name where it is empty; `at` makes the
        plan a forecast for another time, which cannot be applied; `allowed` raises guards:
        `{("max_delete", repository): 500}`.

    Raises: PolicyError, SettingsError.
    """
    with open_session(_paths(paths), _place(state), only=map(Repository, only)) as session:
        return session.plan(lasts=lasts, at=at, allowed=allowed)


def apply(
    approved: Plan,
    paths: Iterable[AnyPath] = POLICIES,
    *,
    state: AnyPath | None = None,
    allowed: RaisedLimits | None = None,
    halt: Callable[[], str] = lambda: "",
    watching: Sequence[Callable[[Outcome], None]] = (),
) -> tuple[Applied, ...]:
    """Delete what an approved plan names and the policies of today expire, too.

    There is no question: passing the plan is the approval. The registry is read again, and what
    has changed can only reduce the work. Returns what was done in each repository;
    `Applied.exit_code` says how it ended there, since an error in one does not end the others.

    Shape: `halt` returns a reason to stop, empty to go on; it is asked before each deletion and
        in each wait; each of `watching` is called with each outcome; `allowed` raises guards
        as for `plan`, and is given again here: a plan alone raises none.

    Raises: PlanError, for a plan that restores, is incomplete, stopped by a guard, expired, a
        forecast, or drawn with a raised limit that is not `allowed` here;
        PolicyError; SettingsError; StateError.
    """
    check_applicable(approved, now=utc_now())
    # `read_plan` returns plans of either kind.
    deletions = require_deletions(approved)
    limits = accepted_limits(deletions, allowed=allowed or {})
    with open_session(_paths(paths), _place(state), sleep=_interruptible_sleep(halt)) as session:
        return session.apply(deletions, allowed=limits, halt=halt, watching=watching)


def _interruptible_sleep(halt: Callable[[], str]) -> Callable[[float], None]:
    """Return a sleep that ends early, with StoppedError, when there is a reason to stop."""

    def sleep(seconds: float) -> None:
        until = time.monotonic() + seconds
        while (remaining := until - time.monotonic()) > 0:
            if reason := halt():
                raise StoppedError(reason)
            time.sleep(min(remaining, GRAIN))

    return sleep


def _paths(paths: Iterable[AnyPath]) -> list[Path]:
    return [Path(path) for path in paths]


def _place(state: AnyPath | None) -> str | None:
    return None if state is None else os.fspath(state)
