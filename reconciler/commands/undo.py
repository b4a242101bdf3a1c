"""`reconciler undo`: restore what a run deleted, and hold it until it is released."""

from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from reconciler.commands._console import ask, finish, print_plan, running, save, view
from reconciler.commands._next import options, suggest
from reconciler.commands._options import (
    AllRows,
    PlanFormat,
    StateDirectory,
    Verbose,
    mention,
    refuse,
)
from reconciler.errors import ExitCode, worst

if TYPE_CHECKING:
    from reconciler.commands._stop import Halt
    from reconciler.model.plan import RestorePlan
    from reconciler.undo_session import Recovery

app = typer.Typer(add_completion=False)

Names = Annotated[
    list[str] | None,
    typer.Argument(
        help="The id of a run, as in `log list`; with --release, repositories, tags or digests.",
        metavar="RUN|NAMES",
    ),
]
Last = Annotated[bool, typer.Option("--last", help="Undo the last run that deleted anything.")]
Only = Annotated[
    str,
    typer.Option(
        help="Only this image, with its platform manifests and referrers.", metavar="TAG|DIGEST"
    ),
]
Out = Annotated[
    Path | None,
    typer.Option(
        help="Save the plan to a file for `apply`, and restore nothing now.", metavar="FILE"
    ),
]
Yes = Annotated[bool, typer.Option("--yes", help="Do not ask for confirmation.")]
Retag = Annotated[
    bool,
    typer.Option(
        "--retag",
        help="Also push tags that the registry does not restore, unless another image has them.",
    ),
]
Release = Annotated[
    bool,
    typer.Option(
        "--release", help="Let policies delete restored images again: all of them, or NAMES."
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
    """Restore what a run deleted, if the registry can: GitHub can for 30 days.

    A tag that another image has now is not moved back. Restored images are held: no plan deletes
    them until they are released with --release. Asks for confirmation on a terminal; elsewhere it
    needs --yes.
    """
    from reconciler.api import LASTS
    from reconciler.commands._progress import Activity
    from reconciler.commands._stop import halting
    from reconciler.model.names import Mention
    from reconciler.session import utc_now
    from reconciler.undo_session import open_recovery

    with running(verbose=verbose):
        if release:
            given = {"--last": last, "--only": only, "--out": out, "--retag": retag}
            refuse(given, "cannot be combined with --release")
            _release(names or [], state)
            return
        runs = names or []
        # Exactly one: undoing several would need several plans, each with its own confirmation.
        if len(runs) + last != 1:
            raise typer.BadParameter(
                "name one run, or add --last; `reconciler log list` lists all runs",
                param_hint="RUN",
            )
        run = "" if last else runs[0]
        wanted = mention(only, "--only") if only else Mention()
        place = options({"--state": state})
        with halting(utc_now) as halt, open_recovery(state, halt.sleep) as recovery:
            with Activity(recovery.registries.watch):
                plan = recovery.plan(run, wanted, retag=retag, lasts=LASTS)
            # Printed before the confirmation: it is what is asked about.
            print_plan(plan, output, view(utc_now(), all_rows=all_rows))
            if out:
                save(out, plan.chunks())
                if output == "text":
                    suggest("apply", out, *place, why="asks before it restores")
                finish(plan.outcome)
            else:
                restore(plan, recovery, halt, yes=yes, aside=output != "text")
                if output == "text":
                    suggest("undo", "--release", *place, why="lets policies delete them again")


def _release(names: list[str], state: str | None) -> None:
    """Release the holds on what is named, by default all of them, and print them."""
    from reconciler.engine.restore import release_holds
    from reconciler.engine.run import holder
    from reconciler.formats.phrases import counted
    from reconciler.session import open_state, utc_now

    # No registry is contacted: a hold exists only in the state.
    mentions = [mention(name, "NAMES") for name in names]
    released = release_holds(mentions, open_state(state), holder(utc_now()))
    for part in released:
        for digest in part.digests:
            typer.echo(f"{part.repository}@{digest}")
    count = sum(len(part.digests) for part in released)
    typer.echo(f"Released {counted(count, 'version')}.")


def restore_saved(
    plan: "RestorePlan", state: str | None, budget: timedelta | None, *, yes: bool
) -> None:
    """Restore what a saved plan lists, and end with its exit code."""
    from reconciler.commands._stop import halting
    from reconciler.session import utc_now
    from reconciler.undo_session import open_recovery

    with halting(utc_now, budget) as halt, open_recovery(state, halt.sleep) as recovery:
        restore(plan, recovery, halt, yes=yes)


def restore(
    plan: "RestorePlan", recovery: "Recovery", halt: "Halt", *, yes: bool, aside: bool = False
) -> None:
    """Ask for confirmation, restore, print the result, and end with its exit code.

    With `aside` the result is printed on stderr: stdout has a document for another program.
    """
    from reconciler.commands._progress import Activity
    from reconciler.formats.applied import UNDO, render
    from reconciler.formats.phrases import counted
    from reconciler.session import utc_now

    count = plan.summary.restore
    if count:
        question = f"Restore {counted(count, 'version')}?"
        ask(question, yes=yes, refused="Nothing was restored.")
    with Activity(recovery.registries.watch, "Restoring", count) as progress:
        done = recovery.restore(plan, halt=halt, watching=(progress.report,))
    typer.echo(render(done, view(utc_now()), texts=UNDO), nl=False, err=aside)
    # An incomplete plan keeps its code, even if all that it lists was restored.
    codes = [plan.outcome, *(applied.exit_code for applied in done)]
    finish(ExitCode.INTERRUPTED if halt.interrupted else worst(codes))
