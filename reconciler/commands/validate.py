"""`reconciler validate`: check policy files."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from reconciler.commands._console import reported_errors
from reconciler.commands._options import PolicyPaths, policy_paths
from reconciler.errors import ExitCode

if TYPE_CHECKING:
    from reconciler.model.language import Problem

app = typer.Typer(add_completion=False)

ProblemFormat = Literal["text", "json", "github"]


@app.command()
def validate(
    paths: PolicyPaths = None,
    output: Annotated[
        ProblemFormat, typer.Option("--format", help="The output format of problems and remarks.")
    ] = "text",
) -> None:
    """Check policy files, and remark on rules that may not do what they appear to do.

    Contacts nothing. Exits with 78 when there is a problem; remarks do not change the exit code.
    """
    from reconciler.model.language import PolicyProblems
    from reconciler.policyfile import load_policies, remarks_on

    with reported_errors():
        try:
            policies = load_policies(policy_paths(paths))
        # Problems are the result of this command, so they are printed on stdout, in its format.
        except PolicyProblems as error:
            typer.echo(_printed(error.problems, output, "error"), nl=False)
            raise typer.Exit(ExitCode.BAD_POLICY) from error
        typer.echo(_printed(remarks_on(policies), output, "warning"), nl=False)
        if output == "text":
            typer.echo(
                f"{len(policies.policies)} policies in {len(policies.sources)} files are valid."
            )


def _printed(
    problems: Sequence["Problem"], output: ProblemFormat, level: Literal["error", "warning"]
) -> str:
    from reconciler.formats.problems import as_github, as_json, as_text

    match output:
        case "json":
            return as_json(problems)
        case "github":
            return as_github(problems, level=level)
        case _:
            return as_text(problems)
