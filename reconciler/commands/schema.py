"""`reconciler schema`: print the JSON Schema of a file or of what a command writes."""

from typing import Annotated, Literal

import typer

app = typer.Typer(add_completion=False)

SchemaName = Literal["policy", "policy-test", "plan", "diagnose", "usage", "check", "snapshot"]


@app.command()
def schema(
    name: Annotated[
        SchemaName, typer.Argument(help="What the schema describes.", show_default=True)
    ] = "policy",
) -> None:
    """Print a JSON Schema: of policy files, of their tests, or of JSON output. Contacts nothing.

    For VS Code with its YAML extension, save it and add this first line to a policy file:
    # yaml-language-server: $schema=PATH
    """
    import json

    from reconciler.formats.schema import schema_of

    typer.echo(json.dumps(schema_of(name), indent=2))
