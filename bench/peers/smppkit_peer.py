"""Ourselves: public names, default settings, and whatever ships switched on."""

import asyncio
import itertools
import json
import sys
import tempfile
from collections import deque
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import smpp
from bench.work import DESTINATION, PDU_RECEIPT, RECEIPT, SOURCE, TEXT, Codec, Load, Meter, use_loop
from smpp.simulator import throw_away_tls


def make_submit() -> smpp.SubmitSm:
    """The usual message."""
    return smpp.SubmitSm(
        source_addr_ton=5,
        source_addr=SOURCE,
        dest_addr_ton=1,
        dest_addr_npi=1,
        destination_addr=DESTINATION,
        registered_delivery=1,
        short_message=TEXT,
    )


# Client


async def client(load: Load) -> None:
    """Submit, and wait for receipts where the server sends them."""
    desk = smpp.ReceiptDesk()
    context = smpp.client_tls(load.ca_file) if load.tls else None
    scheme = "smpps" if load.tls else "smpp"
    session = smpp.SessionConfig(window=load.window)
    config = smpp.ClientConfig(session=session, server_hostname="localhost" if load.tls else None)
    url = f"{scheme}://demo:secret@127.0.0.1:{load.port}"
    async with AsyncExitStack() as stack:
        if load.how.startswith("pool"):
            pool = smpp.Pool(
                [url],
                config=smpp.PoolConfig(client=config, binds_per_server=load.binds),
                desk=desk,
                ssl_context=context,
            )
            await stack.enter_async_context(pool)
            await pool.wait_bound(load.binds, 10)
            sender: Any = pool
        else:
            sender = await stack.enter_async_context(smpp.connect(url, config=config, desk=desk, ssl_context=context))
        meter = Meter()
        if load.how.endswith("submit_all"):
            await _submit_all(sender, load)
        else:
            await _submit_each(sender, load)
        if load.receipts:
            while desk.correlator.counters.matched < load.count:
                await asyncio.sleep(0.002)
        meter.report(load.count)


async def _submit_each(sender: Any, load: Load) -> None:
    left = iter(range(load.count))

    async def work() -> None:
        for _ in left:
            await sender.submit(make_submit())

    await asyncio.gather(*(work() for _ in range(load.window * load.binds)))


async def _submit_all(sender: Any, load: Load) -> None:
    done = 0
    async for _, outcome in sender.submit_all(make_submit() for _ in range(load.count)):
        if isinstance(outcome, smpp.SmppError):
            raise outcome
        done += 1
    assert done == load.count


# Server


class Smsc:
    """Says yes to everything; reports at once on what asks for it."""

    def __init__(self, load: Load) -> None:
        self._numbers = itertools.count(1)
        self._receipts = load.receipts
        self._waiting: dict[smpp.ServerSession, deque[smpp.DeliverSm]] = {}
        self._loop = asyncio.get_running_loop()

    def on_submit(self, session: smpp.ServerSession, message: smpp.SubmitSm) -> smpp.SubmitSmResp:
        """Take a message."""
        message_id = f"{next(self._numbers):x}"
        if self._receipts:
            self._waiting.setdefault(session, deque()).append(
                smpp.DeliverSm(
                    source_addr_ton=1,
                    source_addr_npi=1,
                    source_addr=message.destination_addr,
                    dest_addr_ton=5,
                    destination_addr=message.source_addr,
                    esm_class=PDU_RECEIPT,
                    short_message=RECEIPT.format(message_id).encode(),
                )
            )
            if len(self._waiting[session]) == 1:
                # Behind the response.
                self._loop.call_soon(self.on_room, session)
        return smpp.SubmitSmResp(message_id)

    def on_room(self, session: smpp.ServerSession) -> None:
        """Send as many receipts as the window takes."""
        waiting = self._waiting.get(session)
        try:
            while waiting:
                session.send(waiting[0], self)
                waiting.popleft()
        except smpp.WindowFull:
            pass

    # What becomes of a receipt (smpp.owner.Completion): nobody asks.

    def done(self) -> bool:
        """Whether nobody waits any more."""
        return True

    def set_result(self, result: object, /) -> None:
        """The peer answered."""

    def set_exception(self, exception: BaseException, /) -> None:
        """It did not."""


async def server(load: Load) -> None:
    """Serve until standard input ends."""
    smsc = Smsc(load)
    config = smpp.ServerConfig()
    # All binds of a pool come from one address at once.
    config = replace(config, session=replace(config.session, window=load.window), max_unbound_per_address=100)
    with tempfile.TemporaryDirectory() as folder:
        context, ca_file = None, Path(folder) / "ca.pem"
        if load.tls:
            tls = throw_away_tls()
            context = tls.server_context
            ca_file.write_bytes(tls.ca_pem)
        url = "smpps://127.0.0.1:0" if load.tls else "smpp://127.0.0.1:0"
        async with smpp.serve(
            url,
            on_submit=smsc.on_submit,
            on_room=smsc.on_room if load.receipts else None,
            config=config,
            ssl_context=context,
        ) as listening:
            print(json.dumps({"port": listening.ports[0], "ca_file": str(ca_file)}), flush=True)
            await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)


# Codec


def codec() -> Codec:
    """Make and encode; decode and read every field."""
    octets = smpp.encode(make_submit(), 1)

    def decode_and_read() -> object:
        pdu = smpp.decode(octets)
        message: Any = pdu.message
        return (
            pdu.sequence_number,
            pdu.command_status,
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

    return Codec(lambda: smpp.encode(make_submit(), 1), decode_and_read)


if __name__ == "__main__":
    use_loop()
    asyncio.run((client if sys.argv[1] == "client" else server)(Load.from_arguments()))
