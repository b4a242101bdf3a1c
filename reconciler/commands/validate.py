"""`reconciler validate`: check policy files."""

from collections.abc import Sequence
from pathlib import Path
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
    """Check policy files and their tests; remark on rules that may not do what they appear to do.

    Tests are read and not run. Contacts nothing. Exits with 78 when there is a problem; remarks
    do not change the exit code.
    """
    from reconciler.model.language import PolicyProblems
    from reconciler.policyfile import is_test_file, load_policies, load_tests, remarks_on

    with reported_errors():
        try:
            named = policy_paths(paths)
            tests = [path for path in named if is_test_file(path.name) and not path.is_dir()]
            # The policies of a test are those beside it, unless others are named.
            files = [path for path in named if path not in tests]
            policies = load_policies(files or [path.parent for path in tests])
            folders = [path for path in files if any(map(is_test_file, _names_in(path)))]
            if tests or folders:
                load_tests([*tests, *folders])
        # Problems are the result of this command, so they are printed on stdout, in its format.
        except PolicyProblems as error:
            typer.echo(_printed(error.problems, output, "error"), nl=False)
            raise typer.Exit(ExitCode.BAD_POLICY) from error
        typer.echo(_printed(remarks_on(policies), output, "warning"), nl=False)
        if output == "text":
            typer.echo(
                f"{len(policies.policies)} policies in {len(policies.sources)} files are valid."
            )


def _names_in(path: Path) -> list[str]:
    """List the names of all files below a folder; none for a file."""
    return [file.name for file in path.rglob("*")] if path.is_dir() else []


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
