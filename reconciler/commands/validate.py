"""`reconciler validate`: are the policy files right."""

from collections.abc import Sequence
from typing import Annotated, Literal

import typer

from reconciler.commands._console import running
from reconciler.commands._options import PolicyPaths, policy_paths
from reconciler.errors import ExitCode
from reconciler.formats.problems import as_github, as_json, as_text
from reconciler.model.language import PolicyProblems, Problem
from reconciler.policyfile import load_policies, remarks_on

app = typer.Typer(add_completion=False)

ProblemFormat = Literal["text", "json", "github"]


@app.command()
def validate(
    paths: PolicyPaths = None,
    output: Annotated[
        ProblemFormat, typer.Option("--format", help="How to print what is found.")
    ] = "text",
) -> None:
    """Check policy files, and remark on rules that cannot do what they seem to.

    Contacts nothing. Problems end it with 78; remarks do not.
    """
    with running(verbose=False):
        try:
            found = load_policies(policy_paths(paths))
        except PolicyProblems as error:
            typer.echo(_printed(error.problems, output, "error"), nl=False)
            raise typer.Exit(ExitCode.BAD_POLICY) from error
        typer.echo(_printed(remarks_on(found), output, "warning"), nl=False)
        if output == "text":
            typer.echo(f"{len(found.policies)} policies in {len(found.sources)} files are valid.")


def _printed(
    problems: Sequence[Problem], output: ProblemFormat, level: Literal["error", "warning"]
) -> str:
    match output:
        case "json":
            return as_json(problems)
        case "github":
            return as_github(problems, level=level)
        case _:
            return as_text(problems)
