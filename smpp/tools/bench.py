"""`smpp bench`: loads an SMSC with messages, and shows how fast it takes them."""

import asyncio
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import click
import msgspec

from smpp.client import ClientConfig, compose
from smpp.errors import SmppError
from smpp.pool import Pool, PoolConfig
from smpp.sms import SplitMethod
from smpp.tools import plot
from smpp.tools.bench_load import Load
from smpp.tools.bench_report import line, picture, report, table
from smpp.tools.connecting import BAD_INPUT, REFUSED, connection_options, fail, has_uvloop, run, stop_on_signal
from smpp.tools.decode import ALPHABETS
from smpp.tools.pooling import FirstBind, Target, find_target, quiet_log, stop_with
from smpp.tools.progress import Progress
from smpp.wire import encode
from smpp.wire.pdu import SubmitSm
from smpp.wire.tlv import NO_TLVS

_ALL_BINDS_SECONDS: Final = 5.0


@click.command()
@click.argument("url")
@click.option("--count", type=click.IntRange(1), default=10_000, show_default=True, help="Messages to send.")
@click.option("--window", type=click.IntRange(1, 100_000), help="Requests in flight on each bind. [default: the URL's]")
@click.option("--binds", type=click.IntRange(1, 1000), default=1, show_default=True, help="Binds to each server.")
@click.option("--rate", type=click.FloatRange(0, min_open=True), help="Most messages a second in all.")
@click.option("--server", "others", multiple=True, metavar="URL", help="Another server of the same SMSC.")
@click.option("--from", "sender", default="BENCH", show_default=True, help="Sender of every message.")
@click.option("--to", default="447700900123", show_default=True, help="Recipient of every message.")
@click.option("--text", default="Your code is 4711", show_default=True, help="Text; a long one makes several parts.")
@click.option("--receipts", is_flag=True, help="Ask for receipts, and wait for them.")
@click.option(
    "--wait", type=click.FloatRange(0), default=10.0, show_default=True, help="Seconds to wait for the last receipts."
)
@click.option(
    "--long",
    "method",
    type=click.Choice([method.value for method in SplitMethod]),
    default=SplitMethod.UDH8.value,
    show_default=True,
    help="How a long text is split.",
)
@click.option(
    "--alphabet", type=click.Choice(ALPHABETS), default="gsm", show_default=True, help="What data_coding 0 means."
)
@click.option("--uvloop", "with_uvloop", is_flag=True, help="Run on uvloop; else on the standard library's loop.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.option(
    "--plot",
    "plot_file",
    type=click.Path(dir_okay=False, writable=True, path_type=Path),
    metavar="FILE.png",
    help="Draw the latencies, and the rate over time.",
)
@connection_options
def bench(
    url: str,
    count: int,
    window: int | None,
    binds: int,
    rate: float | None,
    others: tuple[str, ...],
    sender: str,
    to: str,
    text: str,
    receipts: bool,
    wait: float,
    method: str,
    alphabet: str,
    with_uvloop: bool,
    as_json: bool,
    plot_file: Path | None,
    password_file: Path | None,
    ca_file: Path | None,
    server_name: str,
) -> None:
    """Send the same message many times and measure rate and latency.

    URL is as for "smpp send". Never point it at an SMSC that delivers for real: every message is sent and paid for.

    A latency is the time from the writing of a submit_sm to its response. A bind that is throttled pauses as a pool's
    does, and what was throttled is counted as an error, not sent again. Ctrl-C ends the run in order, with the figures
    so far.

    The exit code is 0 when every message sent was accepted, 1 when some were not or no bind came up, 2 for input that
    makes no sense.
    """
    if plot_file is not None and not plot.is_available():
        fail("bench", "--plot draws with Pillow, which is not there: pip install 'smppkit[bench]'", BAD_INPUT)
    if with_uvloop and not has_uvloop():
        fail("bench", "--uvloop needs uvloop, which is not there: pip install 'smppkit[uvloop]'", BAD_INPUT)
    try:
        parts = compose(
            sender=sender,
            to=to,
            text=text,
            receipt=receipts,
            validity_seconds=None,
            tlvs=NO_TLVS,
            service_type="",
            reference=1,
            coding={"method": method, "default_alphabet": alphabet},
        )
        for part in parts:
            encode(part, 1)
        target = find_target(
            url,
            others,
            PoolConfig(binds_per_server=binds, client=ClientConfig(default_alphabet=alphabet)),
            password_file=password_file,
            ca_file=ca_file,
            server_name=server_name,
            window=window,
        )
    except SmppError as error:
        fail("bench", str(error), BAD_INPUT)
    job = _Job(parts, count, rate, text, receipts, wait if target.endpoint.bind_mode.can_receive else 0.0)
    with quiet_log():
        run("bench", _bench(job, target, as_json, plot_file), with_uvloop=with_uvloop)


@dataclass(frozen=True, slots=True)
class _Job:
    """What is to be sent."""

    parts: list[SubmitSm]
    count: int
    rate: float | None
    text: str
    receipts: bool
    wait: float


async def _bench(job: _Job, target: Target, as_json: bool, plot_file: Path | None) -> int:
    asked = stop_on_signal()
    load = Load(job.parts, job.count, job.rate, receipts=job.receipts)
    first = FirstBind()
    pool = target.pool(desk=load.desk, on_change=first.changed)
    async with pool:
        stopper = asyncio.ensure_future(stop_with(pool, asked))
        try:
            if await first.wait(pool, asked):
                await _wait_for_all(pool, asked)
                await _load(load, pool, job.wait)
        finally:
            stopper.cancel()
    binds = pool.binds
    if as_json:
        shown = report(load, binds, target, text=job.text, receipts=job.receipts, is_interrupted=asked.is_set())
        click.echo(msgspec.json.encode(shown))
    else:
        click.echo("\n".join(table(load, binds, receipts=job.receipts)))
    if plot_file is not None:
        _plot(plot_file, load, target)
    if load.failure:
        fail("bench", load.failure, REFUSED)
    return REFUSED if load.accepted < load.sent or (load.sent < load.total and not asked.is_set()) else 0


async def _wait_for_all(pool: Pool, asked: asyncio.Event) -> None:
    """Give the other binds a moment to come up, so that all of them are measured."""
    if not asked.is_set():
        with suppress(TimeoutError):
            await pool.wait_bound(len(pool.binds), timeout=_ALL_BINDS_SECONDS)


async def _load(load: Load, pool: Pool, wait: float) -> None:
    progress = asyncio.ensure_future(Progress(lambda: picture(load, pool), lambda: line(load)).run())
    try:
        await load.run(pool, wait=wait)
    finally:
        progress.cancel()
        with suppress(asyncio.CancelledError):
            await progress


def _some(number: int, what: str) -> str:
    return f"{number} {what}{'s' * (number != 1)}"


def _plot(path: Path, load: Load, target: Target) -> None:
    session = target.config.client.session
    title = (
        f"{load.accepted:,} parts, {load.messages_per_second:,.0f} messages/s: window {session.window}, "
        f"{_some(len(target.names), 'server')}, {_some(target.config.binds_per_server, 'bind')} each"
    )
    try:
        plot.draw(path, title, load.latencies, load.rates())
    except OSError as error:
        fail("bench", f"--plot {path}: {error.strerror or error}", BAD_INPUT)
