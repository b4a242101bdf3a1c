"""Read every manifest of repositories, once whoever asked knows how many reads that takes."""

from collections.abc import Iterable, Sequence
from typing import Annotated

import typer

from reconciler.commands.asking import ask
from reconciler.commands.progress import Activity
from reconciler.engine.whole import Ahead, look_ahead, read_whole
from reconciler.model.inventory import Inventory
from reconciler.model.names import Repository
from reconciler.model.ports import State
from reconciler.registries import Registries

MaxReads = Annotated[
    int,
    typer.Option(
        "--max-reads", min=0, help="Most manifests to read without being asked.", metavar="N"
    ),
]
YesReads = Annotated[bool, typer.Option("--yes", help="Read however many there are.")]


def read_all(
    registries: Registries,
    repositories: Iterable[Repository],
    state: State,
    *,
    limit: int,
    yes: bool,
) -> list[Inventory]:
    """Read every manifest of some repositories; more than `limit` only if somebody agrees.

    Raises: typer.Exit, when nobody does; EvidenceError, when one cannot be read whole.
    """
    with Activity(registries.watch):
        ahead = [look_ahead(registries.reader(one.registry), one) for one in repositories]
    permit(ahead, limit, yes=yes)
    with Activity(registries.watch):
        return [_read(registries, state, one) for one in ahead]


def _read(registries: Registries, state: State, ahead: Ahead) -> Inventory:
    reader = registries.reader(ahead.repository.registry)
    return read_whole(reader, ahead, state.of(ahead.repository).observations())


def permit(ahead: Sequence[Ahead], limit: int, *, yes: bool) -> None:
    """Say how many reads there will be, and ask where there are many.

    Raises: typer.Exit, when nobody agrees.
    """
    reads = sum(one.reads for one in ahead)
    versions = sum(len(one.listing.versions) for one in ahead)
    least = "" if all(one.listing.closed for one in ahead) else "at least "
    typer.echo(
        f"{versions:,} versions; {least}{reads:,} manifests are not in the cache, and take a"
        " request each",
        err=True,
    )
    if reads > limit:
        typer.echo(f"That is more than --max-reads {limit} lets be read unasked.", err=True)
        ask("Read them?", yes=yes, refused="Nothing was read.")
