"""`reconciler schema`: print the JSON Schema of policy files."""

import typer

app = typer.Typer(add_completion=False)


@app.command()
def schema() -> None:
    """Print the JSON Schema of policy files, for editors. Contacts nothing.

    For VS Code with its YAML extension, save it and add this first line to a policy file:
    # yaml-language-server: $schema=PATH
    """
    import json

    from reconciler.formats.schema import json_schema

    typer.echo(json.dumps(json_schema(), indent=2))
