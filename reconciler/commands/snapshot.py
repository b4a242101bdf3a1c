"""`reconciler snapshot`: a copy of repositories in one file, to rehearse on."""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from reconciler.commands._console import running, save
from reconciler.commands._options import StateDirectory, Verbose
from reconciler.commands._progress import Activity
from reconciler.commands._targets import matching
from reconciler.connect import Registries, open_registries
from reconciler.engine.read_all import copy, find
from reconciler.model.names import Repository
from reconciler.model.ports import State
from reconciler.model.snapshot import PackageRecord, Snapshot
from reconciler.session import open_state, utc_now
from reconciler.settings import Settings

app = typer.Typer(add_completion=False)


@app.command()
def snapshot(
    repositories: Annotated[
        list[str],
        typer.Argument(help="Repositories, or patterns of them.", metavar="REPOSITORY"),
    ],
    out: Annotated[Path, typer.Option("--out", "-o", help="The file to write.", metavar="FILE")],
    configs: Annotated[
        bool,
        typer.Option(
            "--configs",
            help="Copy image configurations, too: for rules that go by `created`. They hold what"
            " a build put into them, environment variables for example.",
        ),
    ] = False,
    state: StateDirectory = None,
    verbose: Verbose = False,
) -> None:
    """Copy repositories, manifests and all, into a file that `reconciler sandbox` serves.

    Reads only. On GitHub each manifest that is read counts as a download, once; the cache keeps
    it. Where a registry lists tags only, what they lead to is copied, and what the state knows.
    Layers are not copied.
    """
    with (
        running(verbose=verbose),
        open_registries(Settings.load(), utc_now) as registries,
        Activity(registries.watch),
    ):
        copying = _Copying(registries, open_state(state), utc_now(), configs)
        packages = tuple(copying.copied(one) for one in _named(registries, repositories))
        made = Snapshot(taken_at=copying.taken_at, packages=packages)
        save(out, made.model_dump_json(exclude_none=True).encode())


@dataclass(frozen=True, slots=True)
class _Copying:
    """Where to read, and what to take."""

    registries: Registries
    state: State
    taken_at: datetime
    configs: bool

    def copied(self, repository: Repository) -> PackageRecord:
        """Copy one repository, and say before and after how many requests that takes."""
        reader = self.registries.reader(repository.registry)
        before = reader.requests
        found = find(reader, repository, self.state.of(repository).observations())
        typer.echo(
            f"{repository}: {len(found.versions):,} versions; reading them takes a request for"
            " each that is not in the cache",
            err=True,
        )
        record = copy(reader, found, self.taken_at, configs=self.configs)
        typer.echo(
            f"{repository}: {len(record.manifests):,} manifests and {len(record.blobs):,}"
            f" configurations copied, {len(record.versions) - len(record.manifests):,} manifests"
            f" missing; {reader.requests - before:,} requests",
            err=True,
        )
        return record


def _named(registries: Registries, texts: list[str]) -> list[Repository]:
    """List the repositories that patterns name, each once.

    Raises: typer.BadParameter, when one names none, or two would be one package of the copy.
    """
    found: dict[str, Repository] = {}
    for text in texts:
        for repository in matching(registries, text):
            other = found.setdefault(repository.path, repository)
            if other != repository:
                both = f"{other} and {repository} would be one package of the copy"
                raise typer.BadParameter(f"{both}: take two", param_hint="REPOSITORY")
    return list(found.values())
