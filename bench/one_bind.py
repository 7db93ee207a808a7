"""How many submit_sm a second does one bind carry, window 100, beside smpplib against the same server?"""

import asyncio
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import smpplib.client

import smpp
from bench.codec import TEXT, make_submit
from bench.measure import Row, print_table

WINDOW = 100
COUNT = 60_000
SMPPLIB_COUNT = 10_000


@contextmanager
def server() -> Iterator[int]:
    """An SMSC in its own process; gives its port."""
    with subprocess.Popen(
        [sys.executable, "-m", "bench.peer_server"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        try:
            yield int(process.stdout.readline())
        finally:
            assert process.stdin is not None
            process.stdin.close()
            process.wait(10)


async def _ours(port: int, count: int) -> float:
    async with smpp.connect(f"smpp://demo:secret@127.0.0.1:{port}?window={WINDOW}") as client:
        left = iter(range(count))

        async def work() -> None:
            for _ in left:
                await client.submit(make_submit())

        started = time.perf_counter()
        await asyncio.gather(*(work() for _ in range(WINDOW)))
        return count / (time.perf_counter() - started)


def ours(port: int) -> float:
    """Messages a second of `await client.submit(...)` from as many workers as the window has places."""
    return asyncio.run(_ours(port, COUNT))


def with_smpplib(port: int) -> float:
    """Messages a second of smpplib's client, writing a window full and then reading its answers."""
    client = smpplib.client.Client("127.0.0.1", port, allow_unknown_opt_params=True)
    client.logger.disabled = True
    client.connect()
    client.bind_transceiver(system_id="demo", password="secret")
    answered = 0

    def count_answer(pdu: object) -> None:
        nonlocal answered
        answered += 1

    client.set_message_sent_handler(count_answer)
    started = time.perf_counter()
    for first in range(0, SMPPLIB_COUNT, WINDOW):
        for _ in range(WINDOW):
            client.send_message(
                source_addr_ton=5,
                source_addr="INFO",
                dest_addr_ton=1,
                dest_addr_npi=1,
                destination_addr="919876543210",
                registered_delivery=True,
                short_message=TEXT,
            )
        while answered < first + WINDOW:
            client.read_once()
    rate = SMPPLIB_COUNT / (time.perf_counter() - started)
    client.unbind()
    client.disconnect()
    return rate


def main() -> None:
    """Print the table: medians of three interleaved runs."""
    candidates: dict[str, Callable[[int], float]] = {"smppkit": ours, "smpplib": with_smpplib}
    rates: dict[str, list[float]] = {name: [] for name in candidates}
    with server() as port:
        for _ in range(3):
            for name, run in candidates.items():
                rates[name].append(run(port))
    median = {name: sorted(values)[1] for name, values in rates.items()}
    print_table(
        f"One bind, window {WINDOW}, plain TCP, server in another process: submit_sm a second (median of 3)",
        ("rate", "against smpplib"),
        [Row(name, (f"{rate:,.0f}", f"{rate / median['smpplib']:.1f}x")) for name, rate in median.items()],
    )


if __name__ == "__main__":
    main()
