"""`botproxy schema`: what an editor needs to complete and check a configuration while it is written."""

from __future__ import annotations

import json

import click


@click.command()
@click.option("--markdown", is_flag=True, help="Print a page for people instead, docs/settings.md.")
def schema(markdown: bool) -> None:
    """Print the JSON Schema of the configuration, for editors.

    \b
    For the YAML language server, as first line of the configuration:
        # yaml-language-server: $schema=botproxy.schema.json
    """
    if markdown:
        from botproxy.config.reference import reference

        click.echo(reference(), nl=False)
        return
    from botproxy.config.schema import json_schema

    click.echo(json.dumps(json_schema(), indent=2))
