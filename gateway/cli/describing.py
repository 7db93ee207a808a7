"""What the doors take, for tools that read OpenAPI."""

import json

import click

from gateway.providers.catalogue import CATALOGUE
from gateway.providers.describing import document


@click.command()
@click.argument("dialect", type=click.Choice(list(CATALOGUE)))
def openapi(dialect: str) -> None:
    """Print a dialect as an OpenAPI document, its paths below the dialect's own.

    The native API describes itself: GET /api/v1/openapi.json.
    """
    click.echo(json.dumps(document(dialect), indent=2))
