"""`reconciler init`: write a first policy, its test, and the workflow that uses them."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from reconciler.commands._console import ask, create, refuse_existing, running
from reconciler.commands._options import Verbose

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
    typer.Option(
        "--repository",
        help="A repository or pattern, given as an option; may be repeated.",
        metavar="REPOSITORY",
    ),
]
PolicyFile = Annotated[
    Path | None,
    typer.Option(
        "--policy-file",
        help="The policy file to write. Default: policies/NAME.yaml",
        metavar="FILE",
    ),
]
NoWorkflow = Annotated[
    bool, typer.Option("--no-workflow", help="Do not write .github/workflows/retention.yml.")
]
Action = Annotated[
    str,
    typer.Option(
        help="The action that the workflow uses. Default: that of this installation.",
        metavar="OWNER/NAME@COMMIT",
    ),
]
Yes = Annotated[bool, typer.Option("--yes", help="Do not ask for confirmation.")]


@app.command()
def init(
    names: Names = None,
    repository: MoreNames = None,
    policy_file: PolicyFile = None,
    no_workflow: NoWorkflow = False,
    action: Action = "",
    yes: Yes = False,
    verbose: Verbose = False,
) -> None:
    """Write a cautious first policy, its test, and the workflow that uses them.

    Reads the registry if it can, and writes a rule for each kind of tag that it recognizes.
    Releases, moving tags and tags of an unknown kind are kept. Where there is no reconciler.toml,
    it writes one, which names the policies and the state. Deletes nothing and overwrites no file.
    Asks for confirmation on a terminal only.
    """
    from reconciler.analysis.propose import propose
    from reconciler.commands import _first_policy as first
    from reconciler.formats.propose import WORKFLOW, write_policy, write_test
    from reconciler.policyfile import is_policy_file
    from reconciler.project import FILE
    from reconciler.session import utc_now
    from reconciler.settings import Settings

    with running(verbose=verbose):
        settings = Settings.load()
        globs = first.globs_named([*(names or ()), *(repository or ())], settings)
        if policy_file and not is_policy_file(policy_file.name):
            raise typer.BadParameter(
                f"{policy_file} is not the name of a policy file: that ends in .yaml, but not in"
                " .test.yaml",
                param_hint="--policy-file",
            )
        where = policy_file or Path("policies", f"{first.label(globs[0].rpartition('/')[2])}.yaml")
        configured = first.settings_text(where, workflow=not no_workflow)
        workflow = (
            None
            if no_workflow
            else first.workflow_text(
                where, action or first.known_action(), state_in_file="github://" in configured
            )
        )
        test = where.with_suffix(".test.yaml")
        # Refuse before the registry is read, which can take minutes.
        refuse_existing([where, test, *([Path(WORKFLOW)] if workflow else [])])
        first.refuse_clashes(globs, where)
        now = utc_now()
        proposal = propose(first.read_samples(globs, settings, first.label(where.stem)), now)
        files = {where: write_policy(proposal), test: write_test(proposal, now)}
        if workflow:
            files[Path(WORKFLOW)] = workflow
        if configured:
            files[Path(FILE)] = configured
        # Off a terminal no confirmation is needed: no existing file is changed.
        question = f"Write {', '.join(map(str, files))}?"
        ask(question, yes=yes or not sys.stdin.isatty(), refused="Nothing was written.")
        create(files)
        if configured:
            first.ignore_state(Path(".gitignore"))
        first.print_next_steps(proposal, where)
