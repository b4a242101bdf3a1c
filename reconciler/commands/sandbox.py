"""`reconciler sandbox`: serve a simulated registry to rehearse on."""

import json
import os
from pathlib import Path
from typing import Annotated

import typer

from reconciler.commands._console import running
from reconciler.errors import SettingsError

app = typer.Typer(add_completion=False)


@app.command()
def sandbox(
    snapshot: Annotated[
        Path | None,
        typer.Argument(
            help="A file written by the command `snapshot`. Default: a made-up package.",
            metavar="SNAPSHOT",
        ),
    ] = None,
    port: Annotated[
        int,
        typer.Option(
            help="The port on the loopback interface; 0 chooses a free one.", min=0, max=65535
        ),
    ] = 0,
    settings: Annotated[
        Path | None,
        typer.Option(
            help="A JSON file with accounts, limits, latency and other settings.", metavar="FILE"
        ),
    ] = None,
) -> None:
    """Serve a simulated GitHub Packages and ghcr.io on this machine, until interrupted.

    Prints the two environment variables that make Reconciler use it. Nothing is sent to a real
    registry.
    """
    from pydantic import ValidationError

    from reconciler.model.snapshot import Snapshot
    from reconciler.sandbox.generate import lifelike
    from reconciler.sandbox.server import serve_forever
    from reconciler.sandbox.settings import SandboxSettings
    from reconciler.sandbox.snapshots import packages_of
    from reconciler.session import utc_now

    with running(verbose=False):
        packages, chosen = [lifelike(utc_now())], SandboxSettings()
        if snapshot:
            try:
                packages = packages_of(Snapshot.model_validate_json(snapshot.read_bytes()))
            except (OSError, ValidationError) as error:
                raise SettingsError(
                    f"{snapshot}: not a snapshot: {error}",
                    hint="Create one with `reconciler snapshot REPOSITORY --out FILE`.",
                ) from error
        if settings:
            try:
                chosen = SandboxSettings.model_validate_json(settings.read_bytes())
            except (OSError, ValidationError) as error:
                raise SettingsError(
                    f"{settings}: not valid sandbox settings: {error}",
                    hint="docs/sandbox.md lists them; begin with {}.",
                ) from error
        try:
            serve_forever(chosen, packages, port=port, started=_announce)
        except OSError as error:
            raise SettingsError(
                f"port {port} on this machine cannot be used: {os.strerror(error.errno or 0)}",
                hint="Another program may use it, perhaps another sandbox. Name another --port, or"
                " none for a free one.",
            ) from error


def _announce(url: str) -> None:
    """Print the shell commands that make Reconciler use the sandbox."""
    from reconciler.sandbox.accounts import CLASSIC

    host = url.partition("//")[2]
    known = json.dumps({host: {"kind": "ghcr", "api": url, "plain_http": True}})
    typer.echo(f"export RECONCILER_REGISTRIES='{known}'")
    typer.echo(f"export GITHUB_TOKEN={CLASSIC.token.get_secret_value()}")
    # On stderr, so that a shell can evaluate stdout.
    typer.echo(f"# Packages are at {host}/OWNER/NAME; stop with Ctrl-C.", err=True)
