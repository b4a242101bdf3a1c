"""`reconciler explain`: what keeps a version, and when it expires."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from reconciler.commands._console import running, view
from reconciler.commands._options import AllRows, StateDirectory, Verbose, policy_paths

if TYPE_CHECKING:
    from reconciler.model.inventory import Inventory
    from reconciler.model.names import Digest, Reference

app = typer.Typer(add_completion=False)

ExplainFormat = Literal["text", "json"]


@app.command()
def explain(
    reference: Annotated[
        str, typer.Argument(help="An image: REPOSITORY:TAG or REPOSITORY@DIGEST.", metavar="REF")
    ],
    policy: Annotated[
        list[Path] | None,
        typer.Option(help="Policy files or folders of them. Default: policies/", metavar="PATHS"),
    ] = None,
    output: Annotated[ExplainFormat, typer.Option("--format", help="The output format.")] = "text",
    state: StateDirectory = None,
    all_rows: AllRows = False,
    verbose: Verbose = False,
) -> None:
    """Explain what a tag or digest is, what keeps it, how each rule decides, and when it expires.

    Reads the repository as `plan` does, and deletes nothing.
    """
    from reconciler.analysis.explain import explain as explained
    from reconciler.commands._names import reference_named
    from reconciler.commands._progress import Activity
    from reconciler.formats.explain import as_json, render
    from reconciler.session import open_session
    from reconciler.settings import Settings

    with running(verbose=verbose):
        wanted = reference_named(reference, Settings.load().registries)
        with (
            open_session(policy_paths(policy), state) as session,
            Activity(session.registries.watch),
        ):
            case = session.case(wanted.repository)
        explanation = explained(case, _digest(case.inventory, wanted))
        display = view(case.now, all_rows=all_rows)
        text = as_json(explanation) if output == "json" else render(explanation, display)
        typer.echo(text, nl=False)


def _digest(inventory: "Inventory", wanted: "Reference") -> "Digest":
    """Return the digest of the one version that a reference matches.

    Raises: typer.BadParameter, when it matches none or several, naming candidates.
    """
    from reconciler.analysis.explain import find_versions, near_names

    # A tag has one version. The first digits of a digest may match several, and none is guessed.
    matches = find_versions(inventory, wanted)
    if len(matches) == 1:
        return matches[0].digest
    if matches:
        listed = ", ".join(version.digest for version in matches[:5])
        raise typer.BadParameter(
            f"{wanted} is ambiguous; it matches {len(matches)} versions: {listed}",
            param_hint="REF",
        )
    # A mistyped tag is the usual cause, so suggest tags that look like it.
    near = ", ".join(near_names(inventory, wanted))
    raise typer.BadParameter(
        f"{wanted} is not among the {len(inventory.versions):,} versions of the repository."
        + (f" Did you mean {near}?" if near else "")
        + f" `reconciler log why {wanted}` shows whether a run deleted it.",
        param_hint="REF",
    )
