"""`reconciler schema`: what editors need to help with policy files."""

import json

import typer

from reconciler.formats.schema import json_schema

app = typer.Typer(add_completion=False)


@app.command()
def schema() -> None:
    """Print the JSON Schema of policy files, for editors. Contacts nothing.

    In VS Code with its YAML extension, save it and put this on the first line of a policy file:
    # yaml-language-server: $schema=PATH
    """
    typer.echo(json.dumps(json_schema(), indent=2))
