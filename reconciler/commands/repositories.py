"""The repositories that arguments name, by their names or by patterns of them."""

from collections.abc import Iterable

import typer

from reconciler.errors import InvalidNameError
from reconciler.model.names import Repository
from reconciler.model.patterns import RepositoryGlob
from reconciler.registries import Registries


def named(registries: Registries, texts: Iterable[str]) -> list[Repository]:
    """List the repositories that names and patterns mean, each once, in the order given.

    Raises: typer.BadParameter, when one is no pattern, or names no repository.
    """
    found: dict[Repository, None] = {}
    for text in texts:
        found |= dict.fromkeys(matching(registries, text))
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
