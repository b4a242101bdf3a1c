"""Files that a command writes for the user to keep: new ones only, none is overwritten."""

from collections.abc import Iterable, Mapping
from pathlib import Path

import typer

from reconciler.errors import SettingsError


def refuse_existing(files: Iterable[Path]) -> None:
    """Refuse to begin where something stands in the way.

    Raises: SettingsError, naming every file that is there.
    """
    if there := [str(path) for path in files if path.exists() or path.is_symlink()]:
        raise SettingsError(
            f"{', '.join(there)}: there already, and nothing is overwritten",
            hint="Name another file, or move what is there.",
        )


def create(files: Mapping[Path, str]) -> None:
    """Write new files and print their names; one that appeared meanwhile is left alone.

    Raises: SettingsError, when one cannot be written.
    """
    for path, text in files.items():
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("x", encoding="utf-8") as file:
                file.write(text)
        except OSError as error:
            raise SettingsError(f"{path}: {error.strerror}", hint="Name another file.") from error
        typer.echo(str(path))
