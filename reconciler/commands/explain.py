"""`reconciler explain`: why is this version here, and when does it go."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from reconciler.analysis.explain import explain as explained
from reconciler.analysis.explain import find_versions, near_names
from reconciler.commands._console import AllRows, running, view
from reconciler.commands._options import StateDirectory, Verbose, policy_paths
from reconciler.commands._progress import Activity
from reconciler.errors import InvalidNameError
from reconciler.formats.explain import as_json, render
from reconciler.model.inventory import Inventory
from reconciler.model.names import Digest, Reference
from reconciler.session import open_session

app = typer.Typer(add_completion=False)

ExplainFormat = Literal["text", "json"]


@app.command()
def explain(
    reference: Annotated[
        str, typer.Argument(help="REPOSITORY:TAG or REPOSITORY@DIGEST.", metavar="REF")
    ],
    policy: Annotated[
        list[Path] | None,
        typer.Option(help="Policy files or folders of them. Default: policies/", metavar="PATHS"),
    ] = None,
    output: Annotated[ExplainFormat, typer.Option("--format", help="How to print it.")] = "text",
    state: StateDirectory = None,
    all_rows: AllRows = False,
    verbose: Verbose = False,
) -> None:
    """Say what a tag or digest is, what keeps it, what every rule says of it, and when it goes.

    Reads the repository as `plan` does; deletes nothing.
    """
    with running(verbose=verbose):
        wanted = _reference(reference)
        with (
            open_session(policy_paths(policy), state) as session,
            Activity(session.registries.watch),
        ):
            case = session.case(wanted.repository)
        told = explained(case, _digest(case.inventory, wanted))
        seen = view(case.now, all_rows=all_rows)
        typer.echo(as_json(told) if output == "json" else render(told, seen), nl=False)


def _reference(text: str) -> Reference:
    """Read the reference.

    Raises: typer.BadParameter, when it is none.
    """
    try:
        return Reference.parse(text)
    except InvalidNameError as error:
        raise typer.BadParameter(str(error), param_hint="REF") from error


def _digest(inventory: Inventory, wanted: Reference) -> Digest:
    """Return the digest of the one version that a reference means.

    Raises: typer.BadParameter, naming what is there instead, when it means none or several.
    """
    found = find_versions(inventory, wanted)
    if len(found) == 1:
        return found[0].digest
    if found:
        listed = ", ".join(version.digest for version in found[:5])
        raise typer.BadParameter(f"{wanted} can mean {len(found)}: {listed}", param_hint="REF")
    near = ", ".join(near_names(inventory, wanted))
    raise typer.BadParameter(
        f"{wanted} is not among the {len(inventory.versions):,} versions of the repository."
        + (f" Did you mean {near}?" if near else "")
        + " `reconciler log` tells whether a run deleted it.",
        param_hint="REF",
    )
