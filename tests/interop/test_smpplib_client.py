"""smpplib 2.2.4 as ESMEs of our server, in the simulator's clothes.

smpplib blocks, so each call runs in a thread of its own. What it sends is compared with literals, not with what our
encoder makes of it.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest

from smpp.simulator import Rule, Script, Simulator
from smpp.sms import parse_receipt
from smpp.wire.pdu import EnquireLink, EnquireLinkResp
from tests.interop.peers import peer_module

pytestmark = pytest.mark.interop

TIMEOUT = 60.0


class Smpplib:
    """A client of smpplib, and what it heard."""

    def __init__(self, port: int) -> None:
        self.lib = peer_module("smpplib")
        module = peer_module("smpplib.client")
        self.client = module.Client("127.0.0.1", port, timeout=TIMEOUT, allow_unknown_opt_params=True)
        self.sent: list[Any] = []
        self.received: list[Any] = []
        self.client.set_message_sent_handler(self._note)
        self.client.set_message_received_handler(self._receive)

    def _note(self, pdu: Any) -> None:
        self.sent.append(pdu)

    def _receive(self, pdu: Any) -> int:
        self.received.append(pdu)
        return 0

    async def call(self, name: str, **arguments: Any) -> Any:
        """Call a method of the client."""
        return await asyncio.to_thread(getattr(self.client, name), **arguments)

    async def read_until(self, enough: Callable[[], bool]) -> None:
        """Let it read PDUs until something is so."""
        while not enough():
            await self.call("read_once", auto_send_enquire_link=False)

    async def send(self, text: str, *, destination: str = "447900900123", **fields: Any) -> int:
        """Send a text the way smpplib's manual does; returns the number of parts."""
        parts, coding, esm_class = peer_module("smpplib.gsm").make_parts(text)
        for part in parts:
            await self.call(
                "send_message",
                source_addr_ton=5,
                source_addr_npi=0,
                source_addr="INFO",
                dest_addr_ton=1,
                dest_addr_npi=1,
                destination_addr=destination,
                short_message=part,
                data_coding=coding,
                esm_class=esm_class,
                registered_delivery=True,
                **fields,
            )
        return len(parts)


@asynccontextmanager
async def bound(simulator: Simulator, mode: str = "transceiver", index: int = 0) -> AsyncIterator[Smpplib]:
    peer = Smpplib(simulator.ports[index])
    await peer.call("connect")
    try:
        await peer.call(f"bind_{mode}", system_id="peer", password="secret")
        yield peer
        assert (await peer.call("unbind")).command == "unbind_resp"
    finally:
        peer.client.state = peer_module("smpplib.consts").SMPP_CLIENT_STATE_OPEN
        await peer.call("disconnect")


@pytest.fixture
async def simulator() -> AsyncIterator[Simulator]:
    urls = ("smpp://127.0.0.1:0", "smpp://127.0.0.1:0")
    async with Simulator(urls, credentials={"peer": "secret"}, receipt_route="other_server") as simulator:
        yield simulator


@pytest.mark.parametrize("mode", ["transmitter", "receiver", "transceiver"])
async def test_binds_and_unbinds(simulator: Simulator, mode: str) -> None:
    async with bound(simulator, mode):
        assert simulator.counters["binds"] == 1
    await simulator.wait_until(lambda: not simulator.servers[0].sessions)


async def test_wrong_password_is_understood_as_a_refusal(simulator: Simulator) -> None:
    peer = Smpplib(simulator.ports[0])
    await peer.call("connect")
    with pytest.raises(peer_module("smpplib.exceptions").PDUError, match=r"\(13\) bind_transceiver_resp"):
        await peer.call("bind_transceiver", system_id="peer", password="wrong")
    await peer.call("disconnect")


@pytest.mark.parametrize(
    ("text", "whole"),
    [
        (
            "Hello @ €",
            "0000003b 00000004 00000000 00000003 00 05 00 494e464f00 01 01 34343739303039303031323300"
            " 00 00 00 00 00 01 00 00 00 0a 48656c6c6f2000201b65",
        ),
        (
            "Привет 😀",
            "00000043 00000004 00000000 00000003 00 05 00 494e464f00 01 01 34343739303039303031323300"
            " 00 00 00 00 00 01 00 08 00 12 041f04400438043204350442 0020 d83dde00",
        ),
    ],
)
async def test_texts_arrive_as_the_octets_they_are(simulator: Simulator, text: str, whole: str) -> None:
    async with bound(simulator) as peer:
        await peer.send(text)
        await peer.read_until(lambda: len(peer.sent) == 1)
        assert peer.sent[0].message_id == b"1"
        assert simulator.log[0].octets == bytes.fromhex(whole)
        await peer.read_until(lambda: len(peer.received) == 1)


async def test_long_messages_arrive_in_parts_and_each_gets_its_receipt(simulator: Simulator) -> None:
    async with bound(simulator) as peer, bound(simulator, index=1) as other:
        assert await peer.send("The quick brown fox jumps over the lazy dog. " * 8) == 3
        await peer.read_until(lambda: len(peer.sent) == 3)
        await other.read_until(lambda: len(other.received) == 3)
        headers = [entry.message.short_message[:6] for entry in simulator.log]  # type: ignore[union-attr]
        assert [header[:3].hex() + header[4:].hex() for header in headers] == ["0500030301", "0500030302", "0500030303"]
        receipts = [parse_receipt(pdu.short_message, esm_class=pdu.esm_class) for pdu in other.received]
        assert [receipt and receipt.id for receipt in receipts] == ["1", "2", "3"]
        await simulator.drained()


async def test_a_receiver_gets_what_a_transmitter_asked_for(simulator: Simulator) -> None:
    async with bound(simulator, "transmitter") as sender, bound(simulator, "receiver", index=1) as receiver:
        await sender.send("hello")
        await sender.read_until(lambda: len(sender.sent) == 1)
        await receiver.read_until(lambda: len(receiver.received) == 1)
        (receipt,) = receiver.received
        assert receipt.receipted_message_id.rstrip(b"\0") == b"1"
        assert receipt.message_state == 2
        assert receipt.short_message.startswith(b"id:1 sub:001 dlvrd:001 submit date:")
        await simulator.drained()


async def test_messages_of_handsets_are_taken(simulator: Simulator) -> None:
    async with bound(simulator) as peer:
        (delivery,) = simulator.deliver("Hi", source="447900900123", destination="12345")
        await peer.read_until(lambda: len(peer.received) == 1)
        assert await delivery.wait(TIMEOUT) == 0
        assert (peer.received[0].source_addr, peer.received[0].short_message) == (b"447900900123", b"Hi")


async def test_errors_are_understood(simulator: Simulator) -> None:
    simulator.script = Script(rules=(Rule(destination="4479*", status="ESME_RTHROTTLED"),))
    async with bound(simulator) as peer:
        await peer.send("hello")
        with pytest.raises(peer_module("smpplib.exceptions").PDUError, match=r"\(88\) submit_sm_resp"):
            await peer.call("read_once")


async def test_enquire_link_is_answered_both_ways(simulator: Simulator) -> None:
    async with bound(simulator) as peer:
        make_pdu = peer_module("smpplib.smpp").make_pdu
        await peer.call("send_pdu", p=make_pdu("enquire_link", client=peer.client))
        assert (await peer.call("read_pdu")).command == "enquire_link_resp"
        (session,) = simulator.servers[0].sessions
        asking = asyncio.create_task(session.request(EnquireLink()))
        await peer.call("read_once")
        assert (await asking).message == EnquireLinkResp()


async def test_its_states_are_asked_for(simulator: Simulator) -> None:
    answers: list[Any] = []
    async with bound(simulator) as peer:
        peer.client.set_query_resp_handler(answers.append)
        await peer.send("hello")
        await peer.read_until(lambda: len(peer.sent) == 1)
        await peer.call("query_message", message_id="1", source_addr_ton=5, source_addr_npi=0, source_addr="INFO")
        await peer.read_until(lambda: bool(answers))
        assert answers[0].message_state == 2
