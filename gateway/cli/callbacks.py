"""Where providers call us back, for whoever registers the addresses in their portals."""

from pathlib import Path

import click

from gateway.cli.remote import CONFIG_FILE, REFUSED, fail, load_config
from gateway.uplinks.addresses import CallbackAddresses


@click.command("callback-urls")
@click.argument("config_file", metavar="CONFIG.toml", type=CONFIG_FILE)
def callback_urls(config_file: Path) -> None:
    """Print the callback address of each uplink to a provider.

    Whoever has it can tell us of receipts: keep it close.
    """
    config = load_config(config_file)
    addresses = CallbackAddresses(config.http.public_url, config.http.callback_secrets)
    names = [name for name, uplink in config.uplink.items() if uplink.kind != "smpp"]
    if not names:
        fail("no uplink leads to a provider", REFUSED)
    if not config.http.public_url:
        fail("http.public_url is not set: providers cannot call back", REFUSED)
    for name in names:
        click.echo(f"{name}  {addresses.address(name)}")
