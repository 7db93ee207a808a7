"""Four SMSC servers that are killed, restarted, frozen, reset, slow and full: what becomes of every message?

    python -m bench chaos [--seconds 300] [--rate 1000] [--seed N]

Two pools send all along. At the end the logs of the servers, written before any answer left, are held against what the
sender was told: each part was delivered exactly once, or is reported in doubt; nothing is lost silently; nothing was
submitted twice but what was in doubt where the policy said to send it again. Exits with 1 where that is not so.
"""

import argparse
import asyncio
import logging
import random
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import trustme

from bench.chaos_faults import Weather, new_servers
from bench.chaos_judge import Records, Verdict, judge
from bench.chaos_load import POLICIES, RESPONSE_TIMEOUT_SECONDS, Sender
from bench.chaos_smsc import SERVERS, Tail, log_of
from bench.measure import Row, how_busy, machine, print_table
from bench.scale import scale
from bench.work import rss_kib
from smpp import client_tls

_RECEIPT_SECONDS: Final = 90.0
_TELL_EVERY_SECONDS: Final = 10.0


@dataclass(slots=True)
class Report:
    """A run and its outcome."""

    seed: int
    seconds: float
    verdicts: dict[str, Verdict] = field(default_factory=dict)
    faults: Counter[str] = field(default_factory=Counter)
    reconnects: int = 0
    leaks: list[str] = field(default_factory=list)
    """What is not as it should be once all is quiet."""
    mib_grown: float = 0.0

    @property
    def violations(self) -> list[str]:
        """Whatever must not be."""
        found = [f"{name}: {line}" for name, verdict in self.verdicts.items() for line in verdict.lines()]
        return found + self.leaks


async def run(
    seconds: float, *, rate: float, seed: int, pause_seconds: float = 1.0, tell: Callable[[str], None] = lambda _: None
) -> Report:
    """One run.

    Args:
        seconds: how long the trouble lasts.
        rate: messages a second, of both pools together.
        seed: of everything that is left to chance.
        pause_seconds: between two troubles, on average.
        tell: called with what a reader might want to see meanwhile.
    """
    with tempfile.TemporaryDirectory() as folder_name:
        folder = Path(folder_name)
        authority = trustme.CA()
        certificate = folder / "server.pem"
        authority.issue_cert("localhost").private_key_and_cert_chain_pem.write_to_path(certificate)
        context = client_tls()
        context.load_verify_locations(cadata=authority.cert_pem.bytes().decode("ascii"))
        servers = new_servers(folder, seed, str(certificate))
        weather = Weather(
            servers, seed=seed, pause_seconds=pause_seconds, longest=2 * RESPONSE_TIMEOUT_SECONDS, tell=tell
        )
        report = Report(seed, seconds, faults=weather.counts)
        try:
            await asyncio.gather(*(server.start() for server in servers))
            urls = [
                f"{'smpps' if server.settings.certificate else 'smpp'}://127.0.0.1:{server.settings.port}"
                for server in servers
            ]
            senders = [
                Sender(policy, urls, ssl_context=context, rate=rate / len(POLICIES), seed=seed + number)
                for number, policy in enumerate(POLICIES, 1)
            ]
            await _send(senders, weather, report, folder, tell)
            for server in servers:
                await server.end()
            report.leaks += [
                f"server {one.settings.index} did not stop {one.stuck} times" for one in servers if one.stuck
            ]
        finally:
            await asyncio.gather(*(server.close() for server in servers))
        records = Records()
        for index in range(SERVERS):
            records.read(Tail(log_of(folder, index)).lines())
        for sender in senders:
            handed = sender.handed if sender.policy == "again" else None
            report.verdicts[sender.policy] = judge(sender.policy, sender.book, records, handed)
    return report


async def _send(
    senders: list[Sender], weather: Weather, report: Report, folder: Path, tell: Callable[[str], None]
) -> None:
    """Send through the trouble; returns when it is over and all that was to come has come."""
    for sender in senders:
        sender.pool.start()
    before = rss_kib()
    try:
        for sender in senders:
            await sender.pool.wait_bound(2 * SERVERS, 30)
        telling = asyncio.ensure_future(_tell_regularly(senders, tell))
        try:
            results = await asyncio.gather(
                weather.run(report.seconds),
                *(sender.send_for(report.seconds) for sender in senders),
                return_exceptions=True,
            )
            report.leaks += [str(one) or repr(one) for one in results if isinstance(one, BaseException)]
            tell("the trouble is over; waiting for receipts")
            await _wait_for_receipts(senders, folder)
        finally:
            telling.cancel()
        for sender in senders:
            report.reconnects += sum(bind.reconnects for bind in sender.pool.binds)
            report.leaks += await _leaks(sender)
        report.mib_grown = (rss_kib() - before) / 1024
    finally:
        await asyncio.gather(*(sender.pool.stop() for sender in senders))


async def _wait_for_receipts(senders: list[Sender], folder: Path) -> None:
    """Until they are all there, or long enough after the last one that came.

    Those of what is in doubt have no submission that could wait for them: the logs say whether they were taken.
    """
    loop = asyncio.get_running_loop()
    tails = [Tail(log_of(folder, index)) for index in range(SERVERS)]
    untaken: set[str] = set()
    taken: set[str] = set()
    patience, before = loop.time() + _RECEIPT_SECONDS, -1
    while loop.time() < patience:
        for line in (line for tail in tails for line in tail.lines()):
            if line.is_accepted_message and line.message_id not in taken:
                untaken.add(line.message_id)
            elif line.is_acknowledged_receipt:
                taken.add(line.message_id)
                untaken.discard(line.message_id)
        missing = len(untaken) + sum(sender.receipts_missing() for sender in senders)
        if not missing:
            return
        if missing != before:
            patience, before = loop.time() + _RECEIPT_SECONDS, missing
        await asyncio.sleep(0.2)


async def _leaks(sender: Sender) -> list[str]:
    """Once all is quiet, every bind is up, nothing is in flight, and each place of each window can be had."""
    pool, found = sender.pool, []
    try:
        await pool.wait_bound(2 * SERVERS, 15)
    except TimeoutError as error:
        found.append(f"{sender.policy}: {error}")
    if in_flight := sum(bind.in_flight for bind in pool.binds):
        found.append(f"{sender.policy}: {in_flight} requests are in flight, and nothing was sent")
    wanted = sum(bind.window for bind in pool.binds)
    slots = await pool.reserve(wanted)
    if len(slots) != wanted and not found:
        found.append(f"{sender.policy}: only {len(slots)} of {wanted} places can be had")
    for slot in slots:
        slot.release()
    return found


async def _tell_regularly(senders: list[Sender], tell: Callable[[str], None]) -> None:
    while True:
        await asyncio.sleep(_TELL_EVERY_SECONDS)
        for sender in senders:
            binds = sender.pool.binds
            up = sum(bind.state.value == "bound" for bind in binds)
            accepted, in_doubt, throttled = (
                sum(counts)
                for counts in zip(*((one.submitted, one.in_doubt, one.throttled) for one in binds), strict=True)
            )
            tell(
                f"{sender.policy}: {len(sender.book):,} parts, {accepted:,} accepted, {in_doubt:,} in doubt, "
                f"{throttled:,} throttled, {up} of {len(binds)} binds up"
            )


def show(report: Report) -> None:
    """Print the tables."""
    heads = tuple(report.verdicts)
    rows = [
        Row(name, tuple(f"{verdict.counts[name]:,}" for verdict in report.verdicts.values()))
        for name in next(iter(report.verdicts.values())).counts
    ]
    print_table(f"Chaos, {report.seconds:g} s, seed {report.seed}: parts by policy", heads, rows)
    faults = ", ".join(f"{name} {count}" for name, count in report.faults.most_common())
    print(f"servers: {faults}; {report.reconnects} reconnects; {report.mib_grown:.0f} MiB more memory, books included")
    for line in report.violations:
        print(f"VIOLATION {line}")
    print("violations: none" if not report.violations else f"violations: {len(report.violations)}")


def main() -> None:
    """Run it, print, and say by the exit status whether all was well."""
    parser = argparse.ArgumentParser(prog="bench chaos", description=__doc__.partition("\n")[0])
    parser.add_argument("--seconds", type=float, default=300.0 if scale().is_full else 20.0)
    parser.add_argument("--rate", type=float, default=1000.0, help="messages a second [default: 1000]")
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1_000_000))
    parser.add_argument("--pause", type=float, default=1.0, help="seconds between two troubles, on average")
    parser.add_argument("--verbose", action="store_true", help="tell each trouble as it comes")
    arguments, _ = parser.parse_known_args()
    print(machine())
    print(f"{how_busy()}; seed {arguments.seed}", flush=True)
    logging.getLogger("smpp").setLevel(logging.CRITICAL)
    started = time.monotonic()

    def tell(text: str) -> None:
        if arguments.verbose or not text.startswith("server "):
            print(f"{time.monotonic() - started:6.1f} s  {text}", flush=True)

    report = asyncio.run(
        run(arguments.seconds, rate=arguments.rate, seed=arguments.seed, pause_seconds=arguments.pause, tell=tell)
    )
    show(report)
    if report.violations:
        sys.exit(1)


if __name__ == "__main__":
    main()
