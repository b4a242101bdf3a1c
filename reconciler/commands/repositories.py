"""The repositories that arguments name, by their names or by patterns of them."""

from collections.abc import Iterable, Sequence
from pathlib import Path

import structlog
import typer

from reconciler.errors import InvalidNameError
from reconciler.model.names import Repository
from reconciler.model.patterns import RepositoryGlob
from reconciler.policyfile import load_policies
from reconciler.registries import Registries

log = structlog.get_logger()


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
