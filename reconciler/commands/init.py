"""`reconciler init`: a first policy, its test, and the workflow that uses them."""

import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated

import typer

from reconciler.commands.asking import ask
from reconciler.commands.options import Verbose
from reconciler.commands.progress import Activity
from reconciler.commands.running import complain, running
from reconciler.core.proposing.propose import Proposal, Subject, has_push_times, propose
from reconciler.engine.observe import observe
from reconciler.errors import InvalidNameError, ReconcilerError, SettingsError
from reconciler.formats.humanise import counted
from reconciler.formats.proposing.policy import write_policy, write_test
from reconciler.formats.proposing.workflow import (
    UNKNOWN,
    WORKFLOW,
    ActionReference,
    write_workflow,
)
from reconciler.model.inventory import Fact, Inventory
from reconciler.model.patterns import RepositoryGlob
from reconciler.registries import Registries, open_registries
from reconciler.session import utc_now
from reconciler.settings import GITHUB_HOST, Settings

app = typer.Typer(add_completion=False)

_PER_POLICY = 20
"""Most repositories that are read for one policy; a pattern may name thousands."""


@app.command()
def init(
    names: Annotated[
        list[str] | None,
        typer.Argument(
            help="Repositories, or patterns of them. Default: the one of this workflow.",
            metavar="[REPOSITORY]...",
        ),
    ] = None,
    repository: Annotated[
        list[str] | None,
        typer.Option("--repository", help="The same, as an option.", metavar="REPOSITORY"),
    ] = None,
    policy_file: Annotated[
        Path | None,
        typer.Option(
            "--policy-file",
            help="Where the policy goes. Default: policies/NAME.yaml",
            metavar="FILE",
        ),
    ] = None,
    no_workflow: Annotated[
        bool, typer.Option("--no-workflow", help=f"Do not write {WORKFLOW}.")
    ] = False,
    action: Annotated[
        str,
        typer.Option(help="Where the workflow takes the action from, with its commit."),
    ] = UNKNOWN,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    verbose: Verbose = False,
) -> None:
    """Write a first policy whose plan deletes nothing surprising, its test, and a workflow.

    Looks at the registry if it can: each family of tags that it finds gets a rule, releases and
    moving tags stay, and so does every tag it does not know. Where a plan would go beyond a guard,
    ages are chosen so that it does not. Deletes nothing, and overwrites no file. Asks on a
    terminal, and nowhere else.
    """
    with running(verbose=verbose):
        settings = Settings.load()
        globs = _globs([*(names or ()), *(repository or ())], settings)
        where = policy_file or Path("policies", f"{_policy_name(globs)}.yaml")
        reference = _action(action)
        if not no_workflow:
            _refuse_outside(where)
        _refuse_existing(_targets(where, workflow=not no_workflow))
        proposal = propose(_subject(globs, settings), utc_now())
        files = {where: write_policy(proposal), _test_of(where): write_test(proposal, utc_now())}
        if not no_workflow:
            files[Path(WORKFLOW)] = write_workflow(where, reference)
        _confirm(files, yes=yes)
        _write(files)
        _say_what_next(proposal, files)


def _globs(texts: Sequence[str], settings: Settings) -> list[RepositoryGlob]:
    """Read the names given, else of the workflow that this runs in, else ask for one.

    Raises: typer.BadParameter, when there is none, or one is no name.
    """
    told = list(texts)
    if not told and settings.workflow_repository:
        told = [f"{GITHUB_HOST}/{settings.workflow_repository.lower()}"]
    if not told and sys.stdin.isatty():
        told = input("Which repositories, such as ghcr.io/acme/web? ").split()
    if not told:
        raise typer.BadParameter("name a repository", param_hint="REPOSITORY")
    try:
        return [RepositoryGlob(text) for text in dict.fromkeys(told)]
    except InvalidNameError as error:
        raise typer.BadParameter(str(error), param_hint="REPOSITORY") from error


def _action(text: str) -> ActionReference:
    try:
        return ActionReference(text)
    except InvalidNameError as error:
        raise typer.BadParameter(str(error), param_hint="--action") from error


def _policy_name(globs: Sequence[RepositoryGlob]) -> str:
    """Name the policy after the last word of the first repository."""
    words = re.findall(r"[a-z0-9]+", globs[0].rpartition("/")[2])
    return "-".join(words)[:40].strip("-") or "images"


def _subject(globs: Sequence[RepositoryGlob], settings: Settings) -> Subject:
    """Look at the repositories; where that is not possible, say why and go on without."""
    with open_registries(settings, utc_now) as registries, Activity(registries.watch):
        found = list(_inventories(globs, registries))
        hosts = {glob.registry for glob in globs}
        facts = [registries.reader(host).capabilities.facts for host in sorted(hosts)]
    return Subject(
        name=_policy_name(globs),
        repositories=globs,
        inventories=found,
        has_push_times=all(Fact.PUSHED in given for given in facts) and has_push_times(found),
    )


def _inventories(globs: Sequence[RepositoryGlob], registries: Registries) -> Iterator[Inventory]:
    """Read what the names mean, as far as the registries allow."""
    for glob in globs:
        try:
            reader = registries.reader(glob.registry)
            for repository in list(reader.repositories(glob))[:_PER_POLICY]:
                inventory = observe(reader, repository)
                tags = counted(len(inventory.tagged), "tag")
                versions = counted(len(inventory.versions), "version")
                typer.echo(f"{repository}: {versions}, {tags}", err=True)
                yield inventory
        except ReconcilerError as error:
            typer.echo(f"{glob} could not be read, so nothing of it is known.", err=True)
            complain(error)


def _targets(where: Path, *, workflow: bool) -> list[Path]:
    return [where, _test_of(where), *([Path(WORKFLOW)] if workflow else [])]


def _test_of(where: Path) -> Path:
    return where.with_suffix(".test.yaml")


def _refuse_outside(where: Path) -> None:
    """Refuse a policy that the workflow, which stands in this repository, could not read.

    Raises: typer.BadParameter, when it lies elsewhere.
    """
    if where.is_absolute() or ".." in where.parts:
        raise typer.BadParameter(
            f"{where} is not below this folder, where the workflow could read it;"
            " name a file that is, or add --no-workflow",
            param_hint="--policy-file",
        )


def _refuse_existing(files: Sequence[Path]) -> None:
    """Overwrite nothing.

    Raises: SettingsError, naming every file that is there.
    """
    there = [str(path) for path in files if path.exists()]
    if there:
        raise SettingsError(
            f"{', '.join(there)}: there already, and init overwrites nothing",
            hint="Name another file with --policy-file, leave the workflow out with"
            " --no-workflow, or move what is there.",
        )


def _confirm(files: Mapping[Path, str], *, yes: bool) -> None:
    """Ask on a terminal; elsewhere nobody is asked, since nothing that exists is changed."""
    listed = ", ".join(map(str, files))
    ask(f"Write {listed}?", yes=yes or not sys.stdin.isatty(), refused="Nothing was written.")


def _write(files: Mapping[Path, str]) -> None:
    """Write new files, each as a whole; one that appeared meanwhile is left alone.

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


def _say_what_next(proposal: Proposal, files: Mapping[Path, str]) -> None:
    """Say on stderr what the policy would do, and how to go on."""
    folder = next(iter(files)).parent
    going = sum(plan.images_deleted for plan in proposal.plans)
    images = sum(plan.images for plan in proposal.plans)
    if proposal.plans:
        typer.echo(f"As of now it would let {going:,} of {counted(images, 'image')} go.", err=True)
    if proposal.unknown:
        left = counted(len(proposal.unknown), "tag")
        typer.echo(f"No rule knows {left}; what has one stays. The policy lists them.", err=True)
    typer.echo(f"Next: reconciler test {folder} && reconciler plan {folder}", err=True)
