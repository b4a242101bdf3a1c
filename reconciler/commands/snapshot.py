"""`reconciler snapshot`: copy repositories into one file, to rehearse on."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from reconciler.commands._console import running, save
from reconciler.commands._options import Repositories, StateDirectory, Verbose

if TYPE_CHECKING:
    from reconciler.connect import Registries
    from reconciler.model.names import Repository
    from reconciler.model.ports import State
    from reconciler.model.snapshot import PackageRecord

app = typer.Typer(add_completion=False)


@app.command()
def snapshot(
    *,
    repositories: Repositories = None,
    out: Annotated[Path, typer.Option("--out", "-o", help="The file to write.", metavar="FILE")],
    configs: Annotated[
        bool,
        typer.Option(
            "--configs",
            help="Also copy image configurations, for rules that use `created`. They contain what"
            " the build put into them, for example environment variables.",
        ),
    ] = False,
    state: StateDirectory = None,
    verbose: Verbose = False,
) -> None:
    """Copy repositories and their manifests into a file that `reconciler sandbox` serves.

    Reads only. GitHub counts each manifest that is read as a download; the cache keeps it, so
    this happens once. If a registry lists only tags, the copy has what they refer to and what
    the state recorded. Layers are not copied.
    """
    from reconciler.commands._progress import Activity
    from reconciler.connect import open_registries
    from reconciler.model.snapshot import Snapshot
    from reconciler.session import open_state, utc_now
    from reconciler.settings import Settings

    with (
        running(verbose=verbose),
        open_registries(Settings.load(), utc_now) as registries,
        Activity(registries.watch),
    ):
        copying = _Copying(registries, open_state(state), utc_now(), configs)
        packages = tuple(
            copying.copied(repository) for repository in _named(registries, repositories or ())
        )
        snapshot_file = Snapshot(taken_at=copying.taken_at, packages=packages)
        save(out, [snapshot_file.model_dump_json(exclude_none=True).encode()])


@dataclass(frozen=True, slots=True)
class _Copying:
    """Where to read, and what to copy."""

    registries: "Registries"
    state: "State"
    taken_at: datetime
    configs: bool

    def copied(self, repository: "Repository") -> "PackageRecord":
        """Copy one repository, and print how many requests that takes, before and after."""
        from reconciler.engine.read_all import copy, find

        reader = self.registries.reader(repository.registry)
        before = reader.requests(repository)
        content = find(reader, repository, self.state.of(repository).observations())
        typer.echo(
            f"{repository}: {len(content.versions):,} versions; each that is not in the cache"
            " needs one request",
            err=True,
        )
        record = copy(reader, content, self.taken_at, configs=self.configs)
        typer.echo(
            f"{repository}: {len(record.manifests):,} manifests and {len(record.blobs):,}"
            f" configurations copied, {len(record.versions) - len(record.manifests):,} manifests"
            f" missing; {reader.requests(repository) - before:,} requests",
            err=True,
        )
        return record


def _named(registries: "Registries", texts: Collection[str]) -> list["Repository"]:
    """List the repositories that patterns match, by default those of this clone, each once.

    Raises: typer.BadParameter, when one matches none, or two have the same path.
    """
    from reconciler.commands._targets import repositories_named

    by_path: dict[str, Repository] = {}
    for repository in repositories_named(registries, texts):
        # The sandbox has one host, so the path alone must tell repositories apart.
        other = by_path.setdefault(repository.path, repository)
        if other != repository:
            both = f"{other} and {repository} would be the same package in the copy"
            raise typer.BadParameter(f"{both}: make two copies", param_hint="REPOSITORY")
    return list(by_path.values())
