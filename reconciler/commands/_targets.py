"""Find the repositories that arguments name, and confirm a large number of reads."""

from collections.abc import Collection, Iterable, Sequence
from contextlib import suppress
from dataclasses import replace
from difflib import get_close_matches
from pathlib import Path

import typer

from reconciler.commands._console import ask
from reconciler.commands._names import glob_named, names_here
from reconciler.commands._progress import Activity
from reconciler.connect import Registries
from reconciler.engine.read_all import Ahead, look_ahead, read_whole
from reconciler.engine.similar import similar
from reconciler.errors import ReconcilerError, did_you_mean
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
    registries: Registries, texts: Collection[str], paths: Sequence[Path] = ()
) -> list[Repository]:
    """List the repositories that names, patterns and policy files match, each once, in order.

    Without both, these are the packages of the clone of github.com that the command runs in.

    Raises: typer.BadParameter, when a text is not a pattern, or matches no repository, and when
        there is none; PolicyError.
    """
    if not texts and not paths:
        return packages_here(registries)
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


def packages_here(registries: Registries) -> list[Repository]:
    """List the packages of the clone of github.com that the command runs in, and print them.

    Raises: typer.BadParameter, outside of such a clone.
    """
    names = names_here()
    if not names:
        raise typer.BadParameter(
            "name a repository, such as ghcr.io/acme/web; only in a clone of github.com can it be"
            " left out",
            param_hint="REPOSITORY",
        )
    first, *patterns = map(RepositoryGlob, names)
    packages = [first.literal] if first.literal else []
    for pattern in patterns:
        # A token may be unable to list; the package of the same name can be read without that.
        with suppress(ReconcilerError):
            packages += registries.reader(pattern.registry).repositories(pattern)
    typer.echo(f"This is a clone of github.com: {', '.join(packages)}", err=True)
    return packages


def matching(registries: Registries, text: str, *, option: str = "REPOSITORY") -> list[Repository]:
    """List the repositories that one pattern matches.

    Raises: typer.BadParameter, when it is not a pattern, or matches no repository.
    """
    glob = glob_named(text, registries.settings.registries, option)
    reader = registries.reader(glob.registry)
    repositories = list(reader.repositories(glob))
    # An error, other than for a pattern of a policy: an argument that matches nothing is a typo.
    if not repositories:
        question = did_you_mean(similar(reader, glob))
        raise typer.BadParameter(
            f"{text} matches no repository{question and f'. {question}'}", param_hint=option
        )
    return repositories
