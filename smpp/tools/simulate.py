"""`smpp simulate`: an SMSC to try things against."""

import asyncio
import logging
import ssl
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import zip_longest
from pathlib import Path

import click

from smpp.constants import DEFAULT_PORT
from smpp.endpoint import server_tls
from smpp.errors import EncodeError, ScriptError, SmppError, StateError
from smpp.simulator import RECEIPT_FORMS, Simulator, SimulatorEvent, example_script, throw_away_tls
from smpp.sms import split
from smpp.tools.connecting import BAD_INPUT, PASSWORD_VARIABLE, REFUSED, fail, run, stop_on_signal

_MARKS = {"submit": "<", "operation": "<", "receipt": ">", "notification": ">", "message": ">"}


@dataclass(frozen=True, slots=True)
class _Messages:
    """What handsets send."""

    rate: float
    source: str
    destination: str
    text: str
    system_id: str


def _print_script(context: click.Context, _parameter: click.Parameter, asked: bool) -> None:
    if asked:
        click.echo(example_script(), nl=False)
        context.exit()


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option(
    "--port",
    "ports",
    type=click.IntRange(0, 65535),
    multiple=True,
    help=f"Port of a server; 0 takes a free one. Give it again for another server. [default: {DEFAULT_PORT}]",
)
@click.option(
    "--tls-port", "tls_ports", type=click.IntRange(0, 65535), multiple=True, help="TLS port of a server, likewise."
)
@click.option("--cert", type=click.Path(exists=True, dir_okay=False), help="Certificate of the TLS ports (PEM).")
@click.option("--key", type=click.Path(exists=True, dir_okay=False), help="Its key (PEM), if it is a file of its own.")
@click.option(
    "--ca-out",
    type=click.Path(dir_okay=False, writable=True, path_type=Path),
    help="Without --cert: make a certificate for this run and write its authority here, for clients to trust.",
)
@click.option("--system-id", default="", help="Let only this system_id bind; else anybody may.")
@click.option("--password", envvar=PASSWORD_VARIABLE, default="", help=f"Its password. [env: {PASSWORD_VARIABLE}]")
@click.option("--script", type=click.Path(path_type=Path), help="What to do, in TOML.")
@click.option("--receipt-delay", type=click.FloatRange(0), help="Seconds from a response to its receipt. [default: 0]")
@click.option(
    "--receipt-route",
    type=click.Choice(["any", "same", "other_server", "other_bind"]),
    help="Which of the account's binds gets a receipt. [default: any]",
)
@click.option("--receipt-form", type=click.Choice(list(RECEIPT_FORMS)), help="How receipts are written.")
@click.option("--id-format", type=click.Choice(["decimal", "hex", "padded", "uuid"]), help="How message ids look.")
@click.option("--id-start", type=click.IntRange(0), help="The first message id. [default: 1]")
@click.option("--seed", type=int, help="Makes what is left to chance repeat itself.")
@click.option(
    "--mo-rate",
    type=click.FloatRange(0, 10_000),
    default=0.0,
    help="Messages of handsets a second, to whoever is bound.",
)
@click.option("--mo-from", default="447700900123", show_default=True, help="The handset's number.")
@click.option("--mo-to", default="12345", show_default=True, help="The number it writes to.")
@click.option("--mo-text", default="Hello from a handset", show_default=True, help="What it writes.")
@click.option("--mo-system-id", default="", help="Whose binds get it; else anybody's.")
@click.option(
    "--log", "log_file", type=click.Path(dir_okay=False), help="Append every message and receipt here, as JSON lines."
)
@click.option("--quiet", is_flag=True, help="Print no line for each event.")
@click.option(
    "--print-script",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_print_script,
    help="Print a script with every key explained, and exit.",
)
def simulate(
    host: str,
    ports: tuple[int, ...],
    tls_ports: tuple[int, ...],
    cert: str | None,
    key: str | None,
    ca_out: Path | None,
    system_id: str,
    password: str,
    script: Path | None,
    receipt_delay: float | None,
    receipt_route: str | None,
    receipt_form: str | None,
    id_format: str | None,
    id_start: int | None,
    seed: int | None,
    mo_rate: float,
    mo_from: str,
    mo_to: str,
    mo_text: str,
    mo_system_id: str,
    log_file: str | None,
    quiet: bool,
) -> None:
    """Run an SMSC that takes messages, gives receipts, and misbehaves on order, until Ctrl-C.

    With several --port (or --tls-port), it is one SMSC with as many servers: an account's receipts come on any of its
    binds, whichever server they are to. The first --port and the first --tls-port are one server, and so on.

    \b
    A script is TOML (--print-script shows all of it):
      [receipts]
      delay = [0.5, 3.0]
      states = { DELIVERED = 95, UNDELIVERABLE = 5 }
      [[rule]]
      destination = "4479*"
      every = 10
      status = "ESME_RTHROTTLED"
    """
    logging.getLogger("smpp").setLevel(logging.ERROR)  # what happens is told by events
    if not ports and not tls_ports:
        ports = (DEFAULT_PORT,)
    if password and not system_id:
        password = ""  # the variable may be meant for the clients of this shell
    try:
        split(mo_text)
        simulator = Simulator(
            list(_urls(host, ports, tls_ports)),
            script=script,
            credentials={system_id: password} if system_id else None,
            ssl_context=_tls(host, cert, key, ca_out) if tls_ports else None,
            receipt_delay=receipt_delay,
            receipt_route=receipt_route,
            receipt_form=receipt_form,
            id_format=id_format,
            id_start=id_start,
            seed=seed,
            log_file=log_file,
            on_event=None if quiet else _say,
        )
    except (ScriptError, EncodeError, SmppError) as error:
        fail("simulate", str(error), BAD_INPUT)
    run("simulate", _run(simulator, _Messages(mo_rate, mo_from, mo_to, mo_text, mo_system_id), bool(system_id)))


def _urls(host: str, ports: tuple[int, ...], tls_ports: tuple[int, ...]) -> Iterator[list[str]]:
    shown = f"[{host}]" if ":" in host else host
    for port, tls_port in zip_longest(ports, tls_ports):
        plain = [] if port is None else [f"smpp://{shown}:{port}"]
        yield plain + ([] if tls_port is None else [f"smpps://{shown}:{tls_port}"])


def _tls(host: str, cert: str | None, key: str | None, ca_out: Path | None) -> ssl.SSLContext:
    if cert is not None:
        try:
            return server_tls(cert, key)
        except (OSError, ssl.SSLError) as error:
            fail("simulate", f"--cert {cert}: no certificate with its key ({error})", BAD_INPUT)
    if ca_out is None:
        raise click.UsageError("--tls-port needs --cert, or --ca-out for a certificate of this run")
    tls = throw_away_tls((host, "localhost"))
    try:
        tls.write_ca(ca_out)
    except OSError as error:
        fail("simulate", f"--ca-out {ca_out}: {error.strerror or error}", BAD_INPUT)
    return tls.server_context


async def _run(simulator: Simulator, messages: _Messages, is_closed_shop: bool) -> int:
    asked = stop_on_signal()
    try:
        await simulator.start()
    except OSError as error:
        fail("simulate", str(error), REFUSED)
    try:
        for url in simulator.urls:
            click.echo(f"listening on {url}")
        if not is_closed_shop:
            click.echo("anybody may bind (--system-id and --password change that)")
        generator = asyncio.ensure_future(_send_messages(simulator, messages))
        stopping = asyncio.ensure_future(asked.wait())
        try:
            await asyncio.wait((stopping, generator), return_when=asyncio.FIRST_COMPLETED)
            if generator.done():
                generator.result()
        finally:
            for task in (generator, stopping):
                task.cancel()
            await asyncio.gather(generator, stopping, return_exceptions=True)
    finally:
        pending = simulator.pending_receipts
        await simulator.stop()
    _summarize(simulator, pending)
    return 0


async def _send_messages(simulator: Simulator, messages: _Messages) -> None:
    """Send messages of handsets at their rate while somebody can receive them."""
    if not messages.rate:
        await asyncio.Event().wait()
    loop = asyncio.get_running_loop()
    due = loop.time()
    while True:
        due = max(due + 1 / messages.rate, loop.time() - 1)  # what a second could not take is not made up for
        await asyncio.sleep(due - loop.time())
        if not simulator.can_reach(messages.system_id):
            continue
        try:
            simulator.deliver(
                messages.text,
                source=messages.source,
                destination=messages.destination,
                system_id=messages.system_id,
            )
        except StateError:
            continue  # too much is under way: the ESME is slower than this rate


def _say(event: SimulatorEvent) -> None:
    mark = _MARKS.get(event.kind, "=")
    click.echo(f"{datetime.now():%H:%M:%S.%f} {event.bind:12} {mark} {_line(event)}")


def _line(event: SimulatorEvent) -> str:
    return event.text if event.kind in ("submit", "operation") else f"{event.kind} {event.text}"


def _summarize(simulator: Simulator, pending: int) -> None:
    counters = simulator.counters
    click.echo("")
    for name in sorted(counters):
        click.echo(f"{name.replace('_', ' '):24} {counters[name]:>10,}")
    click.echo(f"{'receipts still pending':24} {pending:>10,}")
    for server in simulator.servers:
        click.echo(
            f"{', '.join(server.urls)}: {server.rate.total:,} messages, at most {server.rate.max_per_second:,}/s"
        )
