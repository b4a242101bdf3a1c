"""`reconciler undo`: restore what a run deleted, and hold it until it is released."""

from datetime import timedelta
from pathlib import Path
from typing import Annotated

import typer

from reconciler.commands._console import (
    AllRows,
    PlanFormat,
    ask,
    finish,
    print_plan,
    running,
    save,
    view,
)
from reconciler.commands._options import StateDirectory, Verbose, mention, refuse
from reconciler.commands._progress import Activity
from reconciler.commands._stop import Halt, halting
from reconciler.engine.restore import release_holds
from reconciler.errors import ExitCode, worst
from reconciler.formats.applied import UNDO, render
from reconciler.formats.phrases import counted
from reconciler.model.names import Mention
from reconciler.model.plan import Plan
from reconciler.session import holder, open_state, utc_now
from reconciler.undo_session import Recovery, open_recovery

app = typer.Typer(add_completion=False)

_EXPIRY = timedelta(hours=72)

Names = Annotated[
    list[str] | None,
    typer.Argument(
        help="A run, as `log list` names it; with --release, repositories, tags or digests.",
        metavar="RUN|NAMES",
    ),
]
Last = Annotated[bool, typer.Option("--last", help="Undo the last run that deleted anything.")]
Only = Annotated[
    str,
    typer.Option(
        help="Only this image, with all it lists and what speaks of it.", metavar="TAG|DIGEST"
    ),
]
Out = Annotated[
    Path | None,
    typer.Option(help="Save the plan for `apply`, and restore nothing now.", metavar="FILE"),
]
Yes = Annotated[bool, typer.Option("--yes", help="Do not ask.")]
Retag = Annotated[
    bool,
    typer.Option("--retag", help="Attach tags that do not come back, where nobody has them."),
]
Release = Annotated[
    bool,
    typer.Option(
        "--release", help="Let policies decide again on what undo restored: on all, or on NAMES."
    ),
]


@app.command()
def undo(
    names: Names = None,
    last: Last = False,
    only: Only = "",
    out: Out = None,
    yes: Yes = False,
    retag: Retag = False,
    release: Release = False,
    output: PlanFormat = "text",
    state: StateDirectory = None,
    all_rows: AllRows = False,
    verbose: Verbose = False,
) -> None:
    """Bring back what a run deleted, where the registry can: on GitHub for 30 days.

    Tags that are on another image by now stay there. What comes back is held: no plan deletes it
    before it is released. Asks on a terminal; elsewhere it needs --yes.
    """
    with running(verbose=verbose):
        if release:
            given = {"--last": last, "--only": only, "--out": out, "--retag": retag}
            refuse(given, "go with --release")
            _release(names or [], state)
            return
        run = _run(names or [], last=last)
        wanted = mention(only, "--only") if only else Mention()
        with halting(utc_now) as halt, open_recovery(state, halt.sleep) as recovery:
            with Activity(recovery.registries.watch):
                plan = recovery.plan(run, wanted, retag=retag, lasts=_EXPIRY)
            print_plan(plan, output, view(utc_now(), all_rows=all_rows))
            if out:
                save(out, plan.to_bytes())
                finish(plan.outcome)
            else:
                restore(plan, recovery, halt, yes=yes, aside=output != "text")


def _run(names: list[str], *, last: bool) -> str:
    """Return the run to undo, the empty text for the last one.

    Raises: typer.BadParameter, when none is named, or several are.
    """
    if len(names) + last != 1:
        raise typer.BadParameter(
            "name one run, or --last; `reconciler log list` names them all", param_hint="RUN"
        )
    return "" if last else names[0]


def _release(names: list[str], state: str | None) -> None:
    """Release what is named, everything where nothing is, and say what it was."""
    mentions = [mention(name, "NAMES") for name in names]
    released = release_holds(mentions, open_state(state), holder(utc_now()))
    for one in released:
        for digest in one.digests:
            typer.echo(f"{one.repository}@{digest}")
    count = sum(len(one.digests) for one in released)
    typer.echo(f"Released {counted(count, 'version')}.")


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
    typer.echo(render(done, view(utc_now()), texts=UNDO), nl=False, err=aside)
    codes = [plan.outcome, *(applied.exit_code for applied in done)]
    finish(ExitCode.INTERRUPTED if halt.interrupted else worst(codes))
