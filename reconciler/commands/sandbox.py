"""`reconciler sandbox`: serve a simulated registry to rehearse on."""

import json
import os
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from reconciler.commands._console import running
from reconciler.errors import SettingsError

if TYPE_CHECKING:
    from pydantic import BaseModel

app = typer.Typer(add_completion=False)

Document = TypeVar("Document", bound="BaseModel")

TOKEN = "RECONCILER_SANDBOX_TOKEN"  # noqa: S105 - the name of a variable
"""Where the token for the sandbox is."""

_MOST_NAMED = 5
"""Packages that are named at the start."""


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
    from reconciler.model.snapshot import Snapshot
    from reconciler.sandbox.generate import lifelike
    from reconciler.sandbox.server import serve_forever
    from reconciler.sandbox.settings import SandboxSettings
    from reconciler.sandbox.snapshots import packages_of
    from reconciler.session import utc_now

    with running(verbose=False):
        packages, chosen = [lifelike(utc_now())], SandboxSettings()
        if snapshot:
            hint = "Create one with `reconciler snapshot REPOSITORY --out FILE`."
            packages = packages_of(_document(Snapshot, snapshot, "a snapshot", hint))
        if settings:
            hint = "docs/sandbox.md lists them; begin with {}."
            chosen = _document(SandboxSettings, settings, "settings of a sandbox", hint)
        paths = sorted(package.path for package in packages)
        try:
            serve_forever(chosen, packages, port=port, started=partial(_announce, paths))
        except OSError as error:
            raise SettingsError(
                f"port {port} on this machine cannot be used: {os.strerror(error.errno or 0)}",
                hint="Another program may use it, perhaps another sandbox. Name another --port, or"
                " none for a free one.",
            ) from error


def _document(model: type[Document], path: Path, name: str, hint: str) -> Document:
    """Read a JSON file that the user named.

    Raises: SettingsError, when it cannot be read, or is not what `name` says.
    """
    from pydantic import ValidationError

    try:
        return model.model_validate_json(path.read_bytes())
    except (OSError, ValidationError) as error:
        raise SettingsError(f"{path}: not {name}: {error}", hint=hint) from error


def _announce(paths: Sequence[str], url: str) -> None:
    """Print the shell commands that make Reconciler use the sandbox, and what it serves."""
    from reconciler.sandbox.accounts import CLASSIC

    host = url.partition("//")[2]
    # A token of its own, so that that for GitHub stays what it is.
    settings = {"kind": "ghcr", "api": url, "plain_http": True, "token_variable": TOKEN}
    typer.echo(f"export RECONCILER_REGISTRIES='{json.dumps({host: settings})}'")
    typer.echo(f"export {TOKEN}={CLASSIC.token.get_secret_value()}")
    # On stderr, so that a shell can evaluate stdout.
    named = " ".join(f"{host}/{path}" for path in paths[:_MOST_NAMED])
    more = f" and {len(paths) - _MOST_NAMED} more" if len(paths) > _MOST_NAMED else ""
    typer.echo(f"# Serves {named}{more}; stop with Ctrl-C.", err=True)
