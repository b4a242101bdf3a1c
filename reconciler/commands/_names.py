"""Read the names of repositories that users give, and ask about those that are almost right."""

import sys
from collections.abc import Collection
from pathlib import Path

import typer

from reconciler.commands._origin import repository_of
from reconciler.errors import InvalidNameError
from reconciler.model.names import Reference
from reconciler.model.patterns import RepositoryGlob
from reconciler.settings import GITHUB_HOST


def glob_named(text: str, hosts: Collection[str], where: str = "REPOSITORY") -> RepositoryGlob:
    """Read the name of a repository, or a pattern; on a terminal, ask what a wrong one means.

    `hosts` are those with settings, which may be words without a dot.

    Raises: typer.BadParameter, with what the text may mean.
    """
    wrong = RepositoryGlob.misspelt(text, hosts)
    if wrong is None:
        try:
            return RepositoryGlob(text)
        except InvalidNameError as error:
            raise typer.BadParameter(str(error), param_hint=where) from error
    if sys.stdin.isatty():
        candidate = wrong.candidates[0]
        typer.echo(f'{wrong}\nType "yes" to use {candidate}: ', nl=False, err=True)
        if input().strip() == "yes":
            return RepositoryGlob(candidate)
    raise typer.BadParameter(str(wrong), param_hint=where)


def reference_named(text: str, hosts: Collection[str]) -> Reference:
    """Read the reference of an image.

    Raises: typer.BadParameter, with what the text may mean.
    """
    name, at, digest = text.partition("@")
    repository, colon, tag = (name, "", "") if at else text.rpartition(":")
    suffix = f"{at}{digest}{colon}{tag}"
    if not repository or "/" in tag:
        repository, suffix = text, ""
    if wrong := RepositoryGlob.misspelt(repository, hosts):
        whole = [f"{candidate}{suffix}" for candidate in wrong.candidates]
        error = InvalidNameError("reference", text, reason=wrong.reason, candidates=whole)
        raise typer.BadParameter(str(error), param_hint="REF")
    try:
        return Reference.parse(text)
    except InvalidNameError as error:
        raise typer.BadParameter(str(error), param_hint="REF") from error


def names_here() -> list[str]:
    """Return the name and the pattern of the packages of the clone of github.com that this is.

    Empty outside of such a clone.
    """
    repository = repository_of(Path.cwd())
    # The name of a repository of GitHub may have capitals; that of a package may not.
    name = f"{GITHUB_HOST}/{repository.lower()}"
    return [name, f"{name}/**"] if repository else []
