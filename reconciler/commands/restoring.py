"""Carry out a plan that restores, for the commands that can be given one."""

from datetime import timedelta

import typer

from reconciler.commands.asking import ask
from reconciler.commands.halting import Halt, halting
from reconciler.commands.output import view
from reconciler.commands.progress import Activity
from reconciler.commands.running import finish
from reconciler.errors import ExitCode, worst
from reconciler.formats.applied import UNDO, render
from reconciler.formats.humanise import counted
from reconciler.model.plan import Plan
from reconciler.recovery import Recovery, open_recovery
from reconciler.session import utc_now


def restore_saved(plan: Plan, state: str | None, budget: timedelta | None, *, yes: bool) -> None:
    """Restore what a saved plan names, and end with the right exit code."""
    with halting(utc_now, budget) as halt, open_recovery(state, halt.sleep) as recovery:
        restore(plan, recovery, halt, yes=yes)


def restore(plan: Plan, recovery: Recovery, halt: Halt, *, yes: bool, aside: bool = False) -> None:
    """Ask, restore, tell how it ended, and end with the right exit code.

    It is told `aside`, on stderr, where stdout holds a document for another program.
    """
    count = plan.summary.restore
    if count:
        question = f"Restore {counted(count, 'version')}?"
        ask(question, yes=yes, refused="Nothing was restored.")
    with Activity(recovery.registries.watch, "Restoring", count) as progress:
        done = recovery.restore(plan, halt=halt, watching=(progress.report,))
    typer.echo(render(done, view(utc_now()), words=UNDO), nl=False, err=aside)
    codes = [plan.outcome, *(applied.exit_code for applied in done)]
    finish(ExitCode.INTERRUPTED if halt.interrupted else worst(codes))
