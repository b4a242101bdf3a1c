"""Repositories named by arguments, read completely once the number of reads is confirmed."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Annotated

import structlog
import typer

from reconciler.commands._console import ask
from reconciler.commands._progress import Activity
from reconciler.connect import Registries
from reconciler.engine.read_all import Ahead, look_ahead, read_whole
from reconciler.errors import InvalidNameError
from reconciler.model.inventory import Inventory
from reconciler.model.names import Repository
from reconciler.model.patterns import RepositoryGlob
from reconciler.model.ports import State
from reconciler.policyfile import load_policies

MaxReads = Annotated[
    int,
    typer.Option(
        "--max-reads", min=0, help="Most manifests to read without being asked.", metavar="N"
    ),
]
YesReads = Annotated[bool, typer.Option("--yes", help="Read however many there are.")]

log = structlog.get_logger()


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
        ahead = [
            look_ahead(registries.reader(repository.registry), repository)
            for repository in repositories
        ]
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


def repositories_named(
    registries: Registries, texts: Iterable[str], paths: Sequence[Path] = ()
) -> list[Repository]:
    """List the repositories that names, patterns and policy files mean, each once, in this order.

    Raises: typer.BadParameter, when a text is no pattern, or names no repository; PolicyError.
    """
    found: dict[Repository, None] = {}
    for text in texts:
        found |= dict.fromkeys(matching(registries, text))
    for policy in load_policies(paths).policies if paths else ():
        for glob in policy.repositories:
            listed = registries.reader(glob.registry).repositories(glob)
            if not listed:
                log.warning("pattern_names_nothing", pattern=glob, policy=policy.name)
            found |= dict.fromkeys(filter(policy.governs, listed))
    return list(found)


def matching(registries: Registries, text: str) -> list[Repository]:
    """List the repositories that one pattern names.

    Raises: typer.BadParameter, when it is no pattern, or names no repository.
    """
    try:
        glob = RepositoryGlob(text)
    except InvalidNameError as error:
        raise typer.BadParameter(str(error), param_hint="REPOSITORY") from error
    repositories = list(registries.reader(glob.registry).repositories(glob))
    if not repositories:
        raise typer.BadParameter(f"{text} names no repository", param_hint="REPOSITORY")
    return repositories
