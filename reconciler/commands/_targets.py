"""Find the repositories that arguments name, and confirm a large number of reads."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from difflib import get_close_matches
from pathlib import Path

import typer

from reconciler.commands._console import ask
from reconciler.commands._progress import Activity
from reconciler.connect import Registries
from reconciler.engine.read_all import Ahead, look_ahead, read_whole
from reconciler.errors import InvalidNameError
from reconciler.events import log
from reconciler.model.inventory import Inventory
from reconciler.model.names import Repository
from reconciler.model.patterns import RepositoryGlob
from reconciler.model.ports import State
from reconciler.policyfile import load_policies
from reconciler.session import Session


def read_all(
    registries: Registries,
    repositories: Iterable[Repository],
    state: State,
    *,
    limit: int,
    yes: bool,
) -> list[Inventory]:
    """Read every manifest of some repositories; more than `limit` only after confirmation.

    Raises: typer.Exit, when it is refused; UsageError, when there is no terminal to ask on;
        EvidenceError, when a repository cannot be read completely.
    """
    # Every listing comes first, so that one question covers the reads of all repositories.
    with Activity(registries.watch):
        ahead = registries.each(
            lambda repository: look_ahead(registries.reader(repository.registry), repository),
            repositories,
        )
    permit(ahead, limit, yes=yes)
    with Activity(registries.watch):
        return registries.each(
            lambda each: read_whole(
                registries.reader(each.repository.registry),
                each,
                state.of(each.repository).observations(),
            ),
            ahead,
        )


def permit(ahead: Sequence[Ahead], limit: int, *, yes: bool) -> None:
    """Print how many reads there will be, and ask for confirmation of more than `limit`.

    Raises: typer.Exit, when it is refused; UsageError, when there is no terminal to ask on.
    """
    reads = sum(each.reads for each in ahead)
    versions = sum(len(each.listing.versions) for each in ahead)
    # A registry that lists only tags reveals further manifests while they are read.
    least = "" if all(each.listing.closed for each in ahead) else "at least "
    typer.echo(
        f"{versions:,} versions; {least}{reads:,} manifests are not in the cache and need one"
        " request each",
        err=True,
    )
    if reads > limit:
        typer.echo(f"This exceeds --max-reads {limit}.", err=True)
        ask("Read them?", yes=yes, refused="Nothing was read.")


def narrowed(session: Session, texts: Sequence[str] | None) -> Session:
    """Return a session that works on those repositories alone that names or patterns match.

    Raises: typer.BadParameter, when one is malformed, or matches no repository of a policy.
    """
    chosen: set[Repository] = set()
    for text in texts or ():
        listed = matching(session.registries, text, option="--only")
        governed = [each for each in listed if session.policies.policy_for(each)]
        if not governed:
            globs = dict.fromkeys(
                glob for policy in session.policies.policies for glob in policy.repositories
            )
            near = get_close_matches(text, globs, 1)
            cure = f"did you mean {near[0]}?" if near else f"they name {', '.join(globs)[:200]}"
            raise typer.BadParameter(
                f"{text} is a repository of no policy; {cure}", param_hint="--only"
            )
        chosen.update(governed)
    return replace(session, only=frozenset(chosen)) if texts else session


def repositories_named(
    registries: Registries, texts: Iterable[str], paths: Sequence[Path] = ()
) -> list[Repository]:
    """List the repositories that names, patterns and policy files match, each once, in order.

    Raises: typer.BadParameter, when a text is not a pattern, or matches no repository;
        PolicyError.
    """
    repositories: dict[Repository, None] = {}
    for text in texts:
        repositories |= dict.fromkeys(matching(registries, text))
    for policy in load_policies(paths).policies if paths else ():
        for glob in policy.repositories:
            listed = registries.reader(glob.registry).repositories(glob)
            # Only a warning: the repository may be created by the next push.
            if not listed:
                log.warning("pattern_names_nothing", pattern=glob, policy=policy.name)
            repositories |= dict.fromkeys(filter(policy.governs, listed))
    return list(repositories)


def matching(registries: Registries, text: str, *, option: str = "REPOSITORY") -> list[Repository]:
    """List the repositories that one pattern matches.

    Raises: typer.BadParameter, when it is not a pattern, or matches no repository.
    """
    try:
        glob = RepositoryGlob(text)
    except InvalidNameError as error:
        raise typer.BadParameter(str(error), param_hint=option) from error
    repositories = list(registries.reader(glob.registry).repositories(glob))
    # An error, other than for a pattern of a policy: an argument that matches nothing is a typo.
    if not repositories:
        raise typer.BadParameter(f"{text} matches no repository", param_hint=option)
    return repositories
