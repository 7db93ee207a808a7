"""The command line: ``gateway serve CONFIG.toml``, ``gateway check CONFIG.toml``, ``gateway config``."""

import asyncio
import sys
from pathlib import Path

import click

from gateway import config as settings
from gateway.errors import ConfigError, GatewayError
from gateway.logs import LogFormat, configure_logging
from gateway.run import run
from gateway.uplinks.check import check_uplink

_CONFIG_FILE = click.Path(exists=False, dir_okay=False, path_type=Path)


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="smppkit")
def main() -> None:
    """A durable messaging gateway: HTTP apps in, SMPP out, receipts and replies back."""


@main.command()
@click.argument("config_file", metavar="[CONFIG.toml]", type=_CONFIG_FILE, default=Path("gateway.toml"))
@click.option(
    "--log-level", type=click.Choice(["debug", "info", "warning", "error"]), default="info", show_default=True
)
@click.option("--log-format", type=click.Choice(["auto", "text", "json"]), default="auto", show_default=True)
def serve(config_file: Path, log_level: str, log_format: LogFormat) -> None:
    """Run the gateway until SIGTERM or Ctrl-C; then it stops in order."""
    configure_logging(log_level, log_format)
    config = _load(config_file)
    try:
        asyncio.run(run(config))
    except GatewayError as error:
        _fail(str(error), 1)


@main.command()
@click.argument("config_file", metavar="CONFIG.toml", type=_CONFIG_FILE)
@click.option(
    "--timeout", type=click.FloatRange(min=0.1), default=10.0, show_default=True, help="Seconds a bind may take."
)
def check(config_file: Path, timeout: float) -> None:
    """Read the config, then bind to every server as a transmitter: nothing is sent, no receipt is swallowed."""
    configure_logging("error")
    config = _load(config_file)
    click.echo(
        f"{config_file}: {len(config.uplink)} uplinks, {len(config.route)} routes, {len(config.account)} accounts"
    )
    failed = 0
    for name, uplink in config.uplink.items():
        for server, problem in asyncio.run(check_uplink(uplink, timeout)):
            failed += bool(problem)
            click.echo(f"  uplink {name} {server}: {problem or 'bound'}")
    sys.exit(1 if failed else 0)


@main.command("config")
def print_config() -> None:
    """Print every setting with its type, unit, default and meaning; the text loads as it is."""
    click.echo(settings.example(), nl=False)


def _load(config_file: Path) -> settings.Config:
    try:
        return settings.load(config_file)
    except ConfigError as error:
        _fail(str(error), 2)
        raise


def _fail(message: str, code: int) -> None:
    click.echo(f"gateway: {message}", err=True)
    sys.exit(code)


if __name__ == "__main__":
    main()
