"""What `init` asks, reads, refuses and prints around the policy that it writes."""

import re
import sys
from collections.abc import Sequence
from pathlib import Path

import typer

from reconciler.analysis.propose import Proposal, ProposalInput
from reconciler.commands._console import complain
from reconciler.commands._names import glob_named, names_here
from reconciler.commands._next import suggest
from reconciler.commands._origin import action_of_this_program, repository_of
from reconciler.commands._progress import Activity
from reconciler.connect import open_registries
from reconciler.engine.read_all import sample
from reconciler.errors import (
    HiddenError,
    InvalidNameError,
    SettingsError,
    UnknownRepositoryError,
)
from reconciler.formats.phrases import counted
from reconciler.formats.propose import ActionReference, policies_of, write_settings, write_workflow
from reconciler.model.inventory import Fact
from reconciler.model.patterns import RepositoryGlob
from reconciler.policyfile import is_policy_file, load_policies
from reconciler.project import FILE, STATE, find_project
from reconciler.session import utc_now
from reconciler.settings import GITHUB_HOST, Settings

BRANCH = "reconciler-state"
"""The branch of the state, as in the workflow that `init` writes."""


def globs_named(texts: Sequence[str], settings: Settings) -> list[RepositoryGlob]:
    """Parse the names given, by default that of the workflow or clone, else ask on a terminal.

    Raises: typer.BadParameter, when there is none, or one is malformed.
    """
    names = list(texts)
    # The name of a repository of GitHub may have capitals; that of a package may not.
    if not names and settings.workflow_repository:
        names = [f"{GITHUB_HOST}/{settings.workflow_repository.lower()}"]
    if not names and (here := names_here()):
        names = here[:1]
        typer.echo(f"This is a clone of github.com: {names[0]}", err=True)
    if not names and sys.stdin.isatty():
        typer.echo("Which repositories, such as ghcr.io/acme/web? ", nl=False, err=True)
        names = input().split()
    if not names:
        raise typer.BadParameter("name a repository", param_hint="REPOSITORY")
    return [glob_named(text, settings.registries) for text in dict.fromkeys(names)]


def known_action() -> str:
    """Return the action of this installation, else ask for it on a terminal.

    Raises: typer.BadParameter, when it is not known and nobody can be asked, or none is given.
    """
    action = action_of_this_program()
    if not action and sys.stdin.isatty():
        typer.echo(
            "Where is the action that the workflow uses, such as acme/reconciler@COMMIT? ",
            nl=False,
            err=True,
        )
        action = input().strip()
    if not action:
        raise typer.BadParameter(
            "this installation does not know where its action is; name it, pinned to a commit, or"
            " add --no-workflow",
            param_hint="--action",
        )
    return action


def settings_text(policy: Path, *, workflow: bool) -> str:
    """Write the settings file, empty where there is one, or where the policy is elsewhere.

    The state of a workflow is on a branch of the repository of this clone, if that is known.
    """
    if (find_project(Path.cwd()).folder / FILE).exists() or _is_elsewhere(policy):
        return ""
    repository = repository_of(Path.cwd()) if workflow else ""
    return write_settings(policy, f"github://{repository}/{BRANCH}" if repository else STATE)


def ignore_state(path: Path) -> None:
    """Let git ignore a local state, unless it does; print the name of the file that is changed."""
    try:
        text = path.read_text("utf-8") if path.exists() else ""
        if {STATE, f"/{STATE}", f"{STATE}/", f"/{STATE}/"} & set(text.splitlines()):
            return
        with path.open("a", encoding="utf-8") as file:
            file.write(("" if not text or text.endswith("\n") else "\n") + f"{STATE}/\n")
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path}: {error}", hint=f"Add a line with {STATE}/ to it.") from error
    typer.echo(str(path))


def _is_elsewhere(policy: Path) -> bool:
    return policy.is_absolute() or ".." in policy.parts


def workflow_text(policy: Path, action: str, *, state_in_file: bool) -> str:
    """Write the workflow for a policy in the same repository.

    Raises: typer.BadParameter, when the policy is elsewhere, or the action is malformed.
    """
    if _is_elsewhere(policy):
        raise typer.BadParameter(
            f"{policy} is not below the current folder, so the workflow could not read it;"
            " name another file, or add --no-workflow",
            param_hint="--policy-file",
        )
    try:
        return write_workflow(policy, ActionReference(action), state_in_file=state_in_file)
    except InvalidNameError as error:
        raise typer.BadParameter(str(error), param_hint="--action") from error


def label(text: str) -> str:
    """Make the name of a policy from that of a repository or file."""
    # The names of policies allow no other characters; cutting may leave a hyphen at the end.
    parts = re.findall(r"[a-z0-9]+", text.lower())
    return "-".join(parts)[:40].strip("-") or "images"


def refuse_clashes(globs: Sequence[RepositoryGlob], where: Path) -> None:
    """Refuse a policy that has the name or a repository of another policy in the same folder.

    Raises: SettingsError, naming the other policy; PolicyProblems, when one of them is invalid.
    """
    folder, name = where.parent, label(where.stem)
    # A folder without policies is an error when it is loaded, but here it is the usual start.
    if not any(is_policy_file(path.name) for path in folder.glob("*")):
        return
    policies = load_policies([folder])
    for other in policies.policies:
        claimed = [glob for glob in globs if glob.literal and other.governs(glob.literal)]
        if claimed or other.name == name:
            conflict = f"already governs {claimed[0]}" if claimed else "already has this name"
            raise SettingsError(
                f"{policies.source_of(other).path}: policy {other.name} {conflict}",
                hint="Extend that policy, or name another file with --policy-file: the policy is"
                " named after the file.",
            )


def read_samples(globs: Sequence[RepositoryGlob], settings: Settings, name: str) -> ProposalInput:
    """Read the repositories; one that cannot be read is reported and left out.

    Raises: HiddenError, UnknownRepositoryError or SettingsError, when one does not exist.
    """
    with open_registries(settings, utc_now) as registries:
        readers = {glob: registries.reader(glob.registry) for glob in globs}
        with Activity(registries.watch):
            samples = [sample(glob, reader) for glob, reader in readers.items()]
        # One policy governs all of them, so it may use only what each registry can report.
        facts = frozenset(Fact).intersection(
            *(reader.capabilities.facts for reader in readers.values())
        )
    for read in samples:
        for inventory in read.inventories:
            tags = counted(len(inventory.tagged), "tag")
            versions = counted(len(inventory.versions), "version")
            typer.echo(f"{inventory.repository}: {versions}, {tags}", err=True)
        if isinstance(read.error, (HiddenError, UnknownRepositoryError)):
            raise read.error
        if not (read.inventories or read.error):
            raise SettingsError(
                f"no repository matches {read.glob}",
                hint="Nothing was written. Check the name; a repository exists once an image was"
                " pushed to it.",
            )
        if read.error:
            typer.echo(f"{read.glob} could not be read completely:", err=True)
            complain(read.error)
    return ProposalInput(
        name=name,
        repositories=globs,
        inventories=[inventory for read in samples for inventory in read.inventories],
        has_push_times=Fact.PUSHED in facts,
    )


def print_next_steps(proposal: Proposal, policy: Path) -> None:
    """Print on stderr what the policy would delete now, and the next commands."""
    deleted = sum(plan.images_deleted for plan in proposal.plans)
    images = sum(plan.images for plan in proposal.plans)
    if proposal.plans:
        typer.echo(
            f"With this policy, {deleted:,} of {counted(images, 'image')} would be deleted now.",
            err=True,
        )
    if proposal.unknown:
        unmatched = counted(len(proposal.unknown), "tag")
        typer.echo(f"No rule matches {unmatched}; their images are kept.", err=True)
    paths = [] if policies_of(policy) in find_project(Path.cwd()).file.policies else [policy]
    folder = [policy.parent] if paths else []
    suggest("test", *folder, why="the test of the policy")
    first = [] if proposal.is_safe else ["--first"]
    shows = "shows what would be deleted"
    allows = "; --first allows more than a guard does, for this plan alone"
    suggest("plan", *paths, *first, "--out", "plan.json", why=f"{shows}{allows if first else ''}")
