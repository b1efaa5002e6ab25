"""`engagement policy schema`: what may stand in a policy file, for editors."""

from __future__ import annotations

import json

import click

from streams.policy_file.schema import policy_schema


@click.command()
def schema() -> None:
    """Print the JSON Schema of policy files, by which editors complete and check them.

    Example: engagement policy schema > policy.schema.json
    """
    click.echo(json.dumps(policy_schema(), indent=1, ensure_ascii=False))
