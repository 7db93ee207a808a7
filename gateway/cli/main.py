"""The group of all commands, and those that run or try the gateway itself."""

import asyncio
import sys
from pathlib import Path

import click

from gateway import config as settings
from gateway.cli.accounts import account
from gateway.cli.callbacks import callback_urls
from gateway.cli.describing import openapi
from gateway.cli.messages import message, messages, queue
from gateway.cli.remote import CONFIG_FILE, REFUSED, fail, load_config
from gateway.cli.secrets import secrets
from gateway.cli.store import migrate
from gateway.cli.uplinks import binds, drain, nodes, pause, reload, resume, route, uplinks
from gateway.cli.webhooks import webhooks
from gateway.errors import GatewayError
from gateway.logs import LogFormat, configure_logging
from gateway.loops import LoopName, new_loop, settle_process
from gateway.run import run
from gateway.uplinks.check import check_uplink


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="smppkit")
def main() -> None:
    """A durable messaging gateway: HTTP and SMPP apps in, SMPP and REST out, receipts and replies back.

    serve, check, config, migrate and callback-urls read a config file, openapi needs none; all other commands ask the
    gateway that runs, over its admin listener. Exit codes: 0 done, 1 refused, 2 wrong command line or config, 3 the
    gateway cannot be reached.
    """


@main.command()
@click.argument("config_file", metavar="[CONFIG.toml]", type=CONFIG_FILE, default=Path("gateway.toml"))
@click.option(
    "--log-level", type=click.Choice(["debug", "info", "warning", "error"]), default="info", show_default=True
)
@click.option("--log-format", type=click.Choice(["auto", "text", "json"]), default="auto", show_default=True)
@click.option(
    "--loop",
    type=click.Choice(["auto", "asyncio", "uvloop"]),
    default="auto",
    show_default=True,
    help="The event loop; auto takes uvloop where it is installed.",
)
def serve(config_file: Path, log_level: str, log_format: LogFormat, loop: LoopName) -> None:
    """Run the gateway until SIGTERM or Ctrl-C; then it stops in order. SIGHUP reads the config again."""
    configure_logging(log_level, log_format)
    config = load_config(config_file)
    try:
        with asyncio.Runner(loop_factory=new_loop(loop)) as runner:
            runner.run(run(config, lambda _: settle_process(), source=lambda: settings.load(config_file)))
    except GatewayError as error:
        fail(str(error), REFUSED)


@main.command()
@click.argument("config_file", metavar="CONFIG.toml", type=CONFIG_FILE)
@click.option(
    "--timeout", type=click.FloatRange(min=0.1), default=10.0, show_default=True, help="Seconds a bind may take."
)
def check(config_file: Path, timeout: float) -> None:
    """Read the config, then try every way out: nothing is sent, no receipt is swallowed."""
    configure_logging("error")
    config = load_config(config_file)
    click.echo(
        f"{config_file}: {len(config.uplink)} uplinks, {len(config.route)} routes, {len(config.account)} accounts"
    )
    failed = 0
    for name, uplink in config.uplink.items():
        for server, problem in asyncio.run(check_uplink(uplink, timeout)):
            failed += bool(problem)
            click.echo(f"  uplink {name} {server}: {problem or ('bound' if uplink.kind == 'smpp' else 'lets us in')}")
    sys.exit(REFUSED if failed else 0)


@main.command("config")
def print_config() -> None:
    """Print every setting with its type, unit, default and meaning; the text loads as it is."""
    click.echo(settings.example(), nl=False)


for command in (account, binds, drain, message, messages, migrate, nodes, pause, queue, reload, resume, route, uplinks):
    main.add_command(command)
main.add_command(secrets)
main.add_command(webhooks)
main.add_command(callback_urls)
main.add_command(openapi)
