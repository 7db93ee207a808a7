"""The whole path on this machine: what ``make run`` does.

Two simulated SMSC servers, each plain and TLS; the gateway bound to all four; a receiver that prints webhooks. The
certificates come from an authority made for this run, and are verified against it.
"""

import argparse
import asyncio
import contextlib
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
from aiohttp import web

from smpp.simulator import Simulator, SimulatorEvent, throw_away_tls

API_KEY = "demo-api-key"
OPERATOR_KEY = "demo-operator-key"
MOCEAN_KEY, MOCEAN_SECRET = "demo", "demo-secret"

CONFIG = """\
[http]
listen = "127.0.0.1:{http}"

[admin]
listen = "127.0.0.1:{admin}"

[store]
url = "sqlite:{data}/gateway.db"

[webhooks]
allow_private_networks = ["127.0.0.0/8"]   # our own receiver; leave this out where callbacks go to the world

[uplink.demo]
servers = [{servers}]
system_id = "demo"
password = "secret"
tls = {{ ca_file = "{data}/ca.pem" }}

[[route]]
uplinks = ["demo"]

[account.demo]
api_keys = ["{api_key}"]
callback_url = "http://127.0.0.1:{webhooks}/"
inbound_url = "http://127.0.0.1:{webhooks}/"
numbers = ["40404"]
mocean = {{ key = "{mocean_key}", secret = "{mocean_secret}" }}
mobtexting = {{ token = "{mocean_secret}" }}
lanck = {{ user = "{mocean_key}", password = "{mocean_secret}" }}
checkmobi = {{ key = "{mocean_secret}" }}

[account.operator]
api_keys = ["{operator_key}"]
roles = ["admin"]
"""

HELP = """
  Send, over the native API:

    curl -s http://127.0.0.1:{http}/api/v1/messages \\
      -H 'Authorization: Bearer {api_key}' -H 'Content-Type: application/json' \\
      -d '{{"from": "INFO", "to": "+919876543210", "text": "Your code is 4711"}}'

  as an app written for Mocean:

    curl -s http://127.0.0.1:{http}/mocean/rest/2/sms \\
      -d mocean-api-key={mocean_key} -d mocean-api-secret={mocean_secret} \\
      -d mocean-from=INFO -d mocean-to=60123456789 --data-urlencode 'mocean-text=Hello' -d mocean-resp-format=json \\
      -d mocean-dlr-mask=1 -d mocean-dlr-url=http://127.0.0.1:{webhooks}/mocean

  for MOBtexting, Lanck or CheckMobi:

    curl -s 'http://127.0.0.1:{http}/mobtexting/api/v2/sms/send?access_token={mocean_secret}&sender=INFO&to=919876543210&message=Hello&service=T'
    curl -s http://127.0.0.1:{http}/lanck/v1/sms -u {mocean_key}:{mocean_secret} -d number=+37253123456 -d from=INFO \\
      -d text=Hello -d callbackUrl=http://127.0.0.1:{webhooks}/lanck
    curl -s http://127.0.0.1:{http}/checkmobi/v1/sms/send -H 'Authorization: {mocean_secret}' \\
      -d '{{"from": "INFO", "to": "+40743123456", "text": "Hello", "notification_callback": "http://127.0.0.1:{webhooks}/checkmobi"}}'

  Look at it:

    curl -s http://127.0.0.1:{admin}/readyz
    curl -s http://127.0.0.1:{admin}/metrics | grep ^gateway_
    .venv/bin/gateway binds --config {config}          # messages, queue show, pause demo, reload, … : gateway --help

  Receipts come back on any of the four binds, and are printed here as they reach the webhook. Ctrl-C stops everything.
"""


def say(who: str, text: str) -> None:
    """One line for the person who watches."""
    print(f"{who:>16} | {text}", flush=True)


def explain_events(event: SimulatorEvent) -> None:
    """What the SMSCs do, as far as it is interesting."""
    if event.kind in ("bound", "submit", "receipt"):
        say(f"smsc {event.bind}", event.text)


@asynccontextmanager
async def webhook_receiver(port: int) -> AsyncIterator[None]:
    """Print whatever is posted or put."""

    async def receive(request: web.Request) -> web.Response:
        say("webhook", f"{request.method} {request.path} {await request.text()}")
        return web.Response()

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", receive)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    try:
        yield
    finally:
        await runner.cleanup()


async def wait_ready(admin_port: int, process: asyncio.subprocess.Process) -> bool:
    """Wait until the gateway is bound, or has ended."""
    async with aiohttp.ClientSession() as session:
        while process.returncode is None:
            with contextlib.suppress(aiohttp.ClientError):
                async with session.get(f"http://127.0.0.1:{admin_port}/readyz") as answer:
                    if answer.status == 200:
                        return True
            await asyncio.sleep(0.1)
    return False


async def run(arguments: argparse.Namespace) -> int:
    """Start everything, wait for Ctrl-C, stop everything."""
    asked = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, asked.set)

    data: Path = arguments.data
    tls = throw_away_tls()
    tls.write_ca(data / "ca.pem")
    host, first = "127.0.0.1", arguments.smpp_port
    servers = [
        [f"smpp://{host}:{first}", f"smpps://{host}:{first + 1}"],
        [f"smpp://{host}:{first + 2}", f"smpps://{host}:{first + 3}"],
    ]
    values = {
        "http": arguments.http_port,
        "admin": arguments.admin_port,
        "webhooks": arguments.webhook_port,
        "data": data.as_posix(),
        "servers": ", ".join(f'"{url}"' for urls in servers for url in urls),
        "api_key": API_KEY,
        "operator_key": OPERATOR_KEY,
        "mocean_key": MOCEAN_KEY,
        "mocean_secret": MOCEAN_SECRET,
    }
    config = data / "gateway.toml"
    values["config"] = config
    config.write_text(CONFIG.format_map(values))
    simulator = Simulator(
        servers,
        credentials={"demo": "secret"},
        ssl_context=tls.server_context,
        receipt_route="other_server",
        receipt_delay=1.0,
        on_event=explain_events,
    )
    async with simulator, webhook_receiver(arguments.webhook_port):
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "gateway",
            "serve",
            str(config),
            "--log-level",
            arguments.log_level,
            start_new_session=True,  # Ctrl-C is for us alone: we ask the gateway to stop.
        )
        ended = asyncio.ensure_future(process.wait())
        stop = asyncio.ensure_future(asked.wait())
        try:
            if await wait_ready(arguments.admin_port, process):
                print(HELP.format_map(values), flush=True)
                await asyncio.wait((ended, stop), return_when=asyncio.FIRST_COMPLETED)
        finally:
            stop.cancel()
            if process.returncode is None:
                with contextlib.suppress(ProcessLookupError):
                    process.send_signal(signal.SIGTERM)
            code = await ended
        say("all", "stopped" if code == 0 else f"the gateway ended with {code}")
        return code


def busy_port(ports: list[int]) -> int | None:
    """The first of these ports that somebody else has."""
    for port in ports:
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                return port
    return None


def main() -> int:
    """Read the arguments and run."""
    parser = argparse.ArgumentParser(prog="make run", description="The whole path on this machine.")
    parser.add_argument("--http-port", type=int, default=int(os.environ.get("HTTP_PORT", "8080")))
    parser.add_argument("--admin-port", type=int, default=int(os.environ.get("ADMIN_PORT", "8081")))
    parser.add_argument("--webhook-port", type=int, default=int(os.environ.get("WEBHOOK_PORT", "8090")))
    parser.add_argument(
        "--smpp-port", type=int, default=int(os.environ.get("SMPP_PORT", "2775")), help="the first of four"
    )
    parser.add_argument("--data", type=Path, default=Path("data/demo"), help="where the store and certificates go")
    parser.add_argument("--log-level", default="warning", choices=["debug", "info", "warning", "error"])
    arguments = parser.parse_args()
    first = arguments.smpp_port
    ports = [arguments.http_port, arguments.admin_port, arguments.webhook_port, *range(first, first + 4)]
    if (port := busy_port(ports)) is not None:
        print(f"port {port} is in use; choose others: make run ARGS='--http-port … --smpp-port …'", file=sys.stderr)
        return 2
    arguments.data.mkdir(parents=True, exist_ok=True)
    return asyncio.run(run(arguments))


if __name__ == "__main__":
    sys.exit(main())
