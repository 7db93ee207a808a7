"""smpp34: Rust below, asyncio above. Its sockets get TCP_NODELAY from here: without it small windows stall."""

import asyncio
import contextlib
import itertools
import json
import os
import socket
import sys
from pathlib import Path
from typing import Any

import smpp34

from bench.work import DESTINATION, PDU_RECEIPT, RECEIPT, SOURCE, TEXT, Codec, Load, Meter


def force_no_delay() -> None:
    """Set TCP_NODELAY on every TCP socket of this process."""
    for entry in Path("/proc/self/fd").iterdir():
        with contextlib.suppress(OSError), socket.socket(fileno=os.dup(int(entry.name))) as one:
            if one.family == socket.AF_INET and one.type == socket.SOCK_STREAM:
                one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


async def client(load: Load) -> None:
    """Submit, and wait for receipts where the server sends them."""
    connection = smpp34.Client(
        "127.0.0.1",
        load.port,
        "demo",
        "secret",
        bind_type="TRX",
        window_size=load.window,
        inbound_capacity=max(1000, load.count),
    )
    smsc = await connection.connect()
    force_no_delay()
    left = iter(range(load.count))

    async def work() -> None:
        for _ in left:
            await smsc.submit_sm(
                DESTINATION,
                TEXT,
                source_addr=SOURCE,
                source_addr_ton=5,
                dest_addr_ton=1,
                dest_addr_npi=1,
                registered_delivery=1,
            )

    async def receive() -> None:
        for _ in range(load.count if load.receipts else 0):
            await smsc.next()

    meter = Meter()
    await asyncio.gather(receive(), *(work() for _ in range(load.window)))
    meter.report(load.count)
    await connection.stop()
    os._exit(0)  # its threads may outlive the interpreter, which then aborts


async def server(load: Load) -> None:
    """Serve until standard input ends."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    listening = smpp34.Server("127.0.0.1", port, inbound_capacity=10_000)
    await listening.start()
    print(json.dumps({"port": port}), flush=True)
    serving = asyncio.create_task(serve(listening, load))
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
    serving.cancel()
    await listening.stop()


async def serve(listening: smpp34.Server, load: Load) -> None:
    """Say yes to everything; report at once on what asks for it."""
    numbers = itertools.count(1)
    reports: set[asyncio.Task[object]] = set()
    room = asyncio.Semaphore(load.window)
    esme: smpp34.Esme | None = None

    async def report(message_id: str, source: str, destination: str) -> None:
        assert esme is not None
        async with room:
            await esme.deliver_sm(
                source,
                RECEIPT.format(message_id).encode(),
                source_addr=destination,
                source_addr_ton=1,
                source_addr_npi=1,
                dest_addr_ton=5,
                esm_class=PDU_RECEIPT,
            )

    while True:
        event = await listening.next()
        if isinstance(event, smpp34.SubmitSmEvent):
            message_id = f"{next(numbers):x}"
            event.accept(message_id)
            if load.receipts:
                task: asyncio.Task[object] = asyncio.create_task(
                    report(message_id, event.source_addr, event.destination_addr)
                )
                reports.add(task)
                task.add_done_callback(reports.discard)
        elif isinstance(event, smpp34.Esme):
            esme = event
            force_no_delay()


def codec() -> Codec:
    """Make and encode; decode and read every field."""

    def make() -> smpp34.SubmitSm:
        return smpp34.SubmitSm(
            SOURCE,
            DESTINATION,
            TEXT,
            source_addr_ton=5,
            dest_addr_ton=1,
            dest_addr_npi=1,
            registered_delivery=1,
            sequence_number=1,
        )

    octets = make().encode()

    def decode_and_read() -> object:
        message: Any = smpp34.decode(octets)
        return (
            message.sequence_number,
            message.command_id,
            message.service_type,
            message.source_addr_ton,
            message.source_addr_npi,
            message.source_addr,
            message.dest_addr_ton,
            message.dest_addr_npi,
            message.destination_addr,
            message.esm_class,
            message.protocol_id,
            message.priority_flag,
            message.schedule_delivery_time,
            message.validity_period,
            message.registered_delivery,
            message.replace_if_present_flag,
            message.data_coding,
            message.sm_default_msg_id,
            message.short_message,
            message.tlvs,
        )

    return Codec(lambda: make().encode(), decode_and_read)


if __name__ == "__main__":
    asyncio.run((client if sys.argv[1] == "client" else server)(Load.from_arguments()))
