"""`reconciler validate`: are the policy files right."""

from typing import Annotated, Literal

import typer

from reconciler.commands.options import PolicyPaths, policy_paths
from reconciler.commands.running import finish, running
from reconciler.errors import ExitCode
from reconciler.formats import problems as problems_format
from reconciler.model.problems import PolicyProblems
from reconciler.policyfile import load_policies

app = typer.Typer()

RENDER = {
    "text": problems_format.as_text,
    "json": problems_format.as_json,
    "github": problems_format.as_github,
}

ProblemFormat = Literal["text", "json", "github"]


@app.command()
def validate(
    paths: PolicyPaths = None,
    output: Annotated[
        ProblemFormat, typer.Option("--format", help="How to print problems.")
    ] = "text",
) -> None:
    """Check policy files. Contacts nothing."""
    with running(verbose=False):
        try:
            found = load_policies(policy_paths(paths))
        except PolicyProblems as error:
            typer.echo(RENDER[output](error.problems), nl=False)
            finish(ExitCode.BAD_POLICY)
        else:
            typer.echo(_fine(output, len(found.policies), len(found.sources)), nl=False)


def _fine(output: ProblemFormat, policies: int, files: int) -> str:
    """Say that all is well; machines get the list of problems, which is empty."""
    return (
        f"{policies} policies in {files} files are valid.\n"
        if output == "text"
        else RENDER[output](())
    )
