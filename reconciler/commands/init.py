"""`reconciler init`: a first policy, its test, and the workflow that uses them."""

import re
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated

import typer

from reconciler.analysis.propose import Proposal, ProposalInput, propose
from reconciler.commands._console import ask, complain, create, refuse_existing, running
from reconciler.commands._options import Verbose
from reconciler.commands._progress import Activity
from reconciler.connect import open_registries
from reconciler.engine.read_all import Sample, sample
from reconciler.errors import InvalidNameError, SettingsError
from reconciler.formats.phrases import counted
from reconciler.formats.propose import (
    UNKNOWN,
    WORKFLOW,
    ActionReference,
    write_policy,
    write_test,
    write_workflow,
)
from reconciler.model.inventory import Fact
from reconciler.model.patterns import RepositoryGlob
from reconciler.policyfile import is_policy_file, load_policies
from reconciler.session import utc_now
from reconciler.settings import GITHUB_HOST, Settings

app = typer.Typer(add_completion=False)

Names = Annotated[
    list[str] | None,
    typer.Argument(
        help="Repositories, or patterns of them. Default: the package of this workflow.",
        metavar="REPOSITORY",
    ),
]
MoreNames = Annotated[
    list[str] | None,
    typer.Option("--repository", help="The same, as an option.", metavar="REPOSITORY"),
]
PolicyFile = Annotated[
    Path | None,
    typer.Option(
        "--policy-file", help="Where the policy goes. Default: policies/NAME.yaml", metavar="FILE"
    ),
]
NoWorkflow = Annotated[bool, typer.Option("--no-workflow", help=f"Do not write {WORKFLOW}.")]
Action = Annotated[
    str,
    typer.Option(help="Where the workflow takes the action from.", metavar="OWNER/NAME@COMMIT"),
]
Yes = Annotated[bool, typer.Option("--yes", help="Do not ask before writing.")]


@app.command()
def init(
    names: Names = None,
    repository: MoreNames = None,
    policy_file: PolicyFile = None,
    no_workflow: NoWorkflow = False,
    action: Action = UNKNOWN,
    yes: Yes = False,
    verbose: Verbose = False,
) -> None:
    """Write a first policy whose plan deletes nothing surprising, its test, and a workflow.

    Looks at the registry if it can: each family of tags that it finds gets a rule; releases and
    moving tags stay, and so does what has a tag it does not know. Ages are chosen so that no guard
    stops the first plan. Deletes nothing, and overwrites no file. Asks on a terminal, and nowhere
    else.
    """
    with running(verbose=verbose):
        settings = Settings.load()
        globs = _globs([*(names or ()), *(repository or ())], settings)
        where = _place(policy_file, globs)
        workflow = None if no_workflow else _workflow(where, action)
        test = where.with_suffix(".test.yaml")
        refuse_existing([where, test, *([Path(WORKFLOW)] if workflow else [])])
        _refuse_clashes(globs, where)
        now = utc_now()
        proposal = propose(_subject(globs, settings, _label(where.stem)), now)
        files = {where: write_policy(proposal), test: write_test(proposal, now)}
        if workflow:
            files[Path(WORKFLOW)] = workflow
        _ask(files, yes=yes)
        create(files)
        _print_next_steps(proposal, where)


def _globs(texts: Sequence[str], settings: Settings) -> list[RepositoryGlob]:
    """Read the names given, else the one of the workflow that this runs in, else ask for some.

    Raises: typer.BadParameter, when there is none, or one is no name.
    """
    told = list(texts)
    if not told and settings.workflow_repository:
        told = [f"{GITHUB_HOST}/{settings.workflow_repository.lower()}"]
    if not told and sys.stdin.isatty():
        typer.echo("Which repositories, such as ghcr.io/acme/web? ", nl=False, err=True)
        told = input().split()
    if not told:
        raise typer.BadParameter("name a repository", param_hint="REPOSITORY")
    try:
        return [RepositoryGlob(text) for text in dict.fromkeys(told)]
    except InvalidNameError as error:
        raise typer.BadParameter(str(error), param_hint="REPOSITORY") from error


def _place(told: Path | None, globs: Sequence[RepositoryGlob]) -> Path:
    """Say where the policy goes: as told, else among the others.

    Raises: typer.BadParameter, when it would be taken for no policy there.
    """
    if told and not is_policy_file(told.name):
        raise typer.BadParameter(
            f"{told} would be no policy: its name ends in .yaml and not in .test.yaml",
            param_hint="--policy-file",
        )
    return told or Path("policies", f"{_label(globs[0].rpartition('/')[2])}.yaml")


def _workflow(policy: Path, action: str) -> str:
    """Write the workflow for a policy that it can read, since it stands in the same repository.

    Raises: typer.BadParameter, when the policy lies elsewhere, or the action is no reference.
    """
    if policy.is_absolute() or ".." in policy.parts:
        raise typer.BadParameter(
            f"{policy} is not below this folder, where the workflow could read it;"
            " name a file that is, or add --no-workflow",
            param_hint="--policy-file",
        )
    try:
        return write_workflow(policy, ActionReference(action))
    except InvalidNameError as error:
        raise typer.BadParameter(str(error), param_hint="--action") from error


def _label(text: str) -> str:
    """Make a policy's name of a text: of the repository's last word, or of the file's name."""
    words = re.findall(r"[a-z0-9]+", text.lower())
    return "-".join(words)[:40].strip("-") or "images"


def _refuse_clashes(globs: Sequence[RepositoryGlob], where: Path) -> None:
    """Refuse what the policies beside the new one would not let stand: two of a name or claim.

    Raises: SettingsError, naming the other policy; PolicyProblems, when one of them is wrong.
    """
    folder, name = where.parent, _label(where.stem)
    if not any(is_policy_file(path.name) for path in folder.glob("*")):
        return
    policies = load_policies([folder])
    for other in policies.policies:
        claimed = [glob for glob in globs if glob.literal and other.governs(glob.literal)]
        if claimed or other.name == name:
            words = f"governs {claimed[0]} already" if claimed else "has this name already"
            raise SettingsError(
                f"{policies.source_of(other).path}: policy {other.name} {words}",
                hint="Extend that one, or name another file with --policy-file: the policy is"
                " called after it.",
            )


def _subject(globs: Sequence[RepositoryGlob], settings: Settings, name: str) -> ProposalInput:
    """Look at the repositories; where that is not possible, say why and go on without."""
    with open_registries(settings, utc_now) as registries:
        readers = {glob: registries.reader(glob.registry) for glob in globs}
        with Activity(registries.watch):
            samples = [sample(glob, reader) for glob, reader in readers.items()]
        facts = frozenset(Fact).intersection(
            *(reader.capabilities.facts for reader in readers.values())
        )
    for one in samples:
        _print_sample(one)
    return ProposalInput(
        name=name,
        repositories=globs,
        inventories=[inventory for one in samples for inventory in one.inventories],
        has_push_times=Fact.PUSHED in facts,
    )


def _print_sample(one: Sample) -> None:
    """Say on stderr what was read, and what could not be."""
    for inventory in one.inventories:
        tags = counted(len(inventory.tagged), "tag")
        versions = counted(len(inventory.versions), "version")
        typer.echo(f"{inventory.repository}: {versions}, {tags}", err=True)
    if one.error:
        typer.echo(f"{one.glob} could not be read, so less is known of it.", err=True)
        complain(one.error)
    elif not one.inventories:
        typer.echo(f"{one.glob} names nothing that is there yet.", err=True)


def _ask(files: Mapping[Path, str], *, yes: bool) -> None:
    """Ask on a terminal; elsewhere nobody is asked, since nothing that exists is changed."""
    listed = ", ".join(map(str, files))
    ask(f"Write {listed}?", yes=yes or not sys.stdin.isatty(), refused="Nothing was written.")


def _print_next_steps(proposal: Proposal, policy: Path) -> None:
    """Say on stderr what the policy would do, and how to go on."""
    going = sum(plan.images_deleted for plan in proposal.plans)
    images = sum(plan.images for plan in proposal.plans)
    if proposal.plans:
        typer.echo(f"As of now it would let {going:,} of {counted(images, 'image')} go.", err=True)
    if proposal.unknown:
        left = counted(len(proposal.unknown), "tag")
        typer.echo(f"No rule knows {left}; what has one stays. The policy lists them.", err=True)
    typer.echo(f"Next: reconciler test {policy.parent} && reconciler plan {policy}", err=True)
