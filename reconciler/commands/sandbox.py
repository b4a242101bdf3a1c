"""`reconciler sandbox`: a copy of a registry, to rehearse on."""

import json
from pathlib import Path
from typing import Annotated

import typer
from pydantic import ValidationError

from reconciler.commands._console import running
from reconciler.errors import SettingsError
from reconciler.model.snapshot import Snapshot
from reconciler.sandbox.accounts import CLASSIC
from reconciler.sandbox.generate import lifelike
from reconciler.sandbox.package import StoredPackage
from reconciler.sandbox.server import serve_forever
from reconciler.sandbox.settings import SandboxSettings
from reconciler.sandbox.snapshots import packages_of
from reconciler.session import utc_now

app = typer.Typer(add_completion=False)


@app.command()
def sandbox(
    snapshot: Annotated[
        Path | None,
        typer.Argument(help="A file made by `reconciler snapshot`. Default: a made-up package."),
    ] = None,
    port: Annotated[int, typer.Option(help="The loopback port; 0 takes a free one.")] = 0,
    settings: Annotated[
        Path | None, typer.Option(help="JSON with accounts, limits, latency, lag and the like.")
    ] = None,
) -> None:
    """Serve a stand-in for GitHub Packages and ghcr.io on this machine, until interrupted.

    Prints the two variables that point Reconciler at it. Nothing in it is real, and nothing
    leaves this machine.
    """
    with running(verbose=False):
        packages = _packages(snapshot)
        serve_forever(_settings(settings), packages, port=port, started=_announce)


def _packages(path: Path | None) -> list[StoredPackage]:
    if path is None:
        return [lifelike(utc_now())]
    try:
        return packages_of(Snapshot.model_validate_json(path.read_bytes()))
    except (OSError, ValidationError) as error:
        raise SettingsError(
            f"{path}: not a snapshot: {error}", hint="Make one with `reconciler snapshot`."
        ) from error


def _settings(path: Path | None) -> SandboxSettings:
    if path is None:
        return SandboxSettings()
    try:
        return SandboxSettings.model_validate_json(path.read_bytes())
    except (OSError, ValidationError) as error:
        raise SettingsError(f"{path}: not settings of a sandbox: {error}") from error


def _announce(url: str) -> None:
    """Print what points Reconciler, or a shell, at the sandbox."""
    host = url.partition("//")[2]
    known = json.dumps({host: {"kind": "ghcr", "api": url, "plain_http": True}})
    typer.echo(f"export RECONCILER_REGISTRIES='{known}'")
    typer.echo(f"export GITHUB_TOKEN={CLASSIC.token.get_secret_value()}")
    typer.echo(f"# The packages are {host}/OWNER/NAME; Ctrl-C ends it.", err=True)
