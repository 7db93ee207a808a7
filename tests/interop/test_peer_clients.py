"""Other implementations as ESMEs of our server.

Quirks of the peers that these tests work around:

- node-smpp 0.6.0-rc.4 compares ``esm_class & (A || B)``, so only bit 0x40 tells it of a header
- smpp34 1.5.0 sends enquire_link by itself only, codes no text, and says "bind timed out" when a bind is refused
- aiosmpplib 0.7.4 does not wait for unbind_resp, hands out one answer for all parts of a long message, and has no
  TLVs but those of the specification
"""

import asyncio
from collections.abc import AsyncIterator

import pytest

import smpp
from smpp.simulator import Rule, Script, Simulator
from smpp.sms import InboundPart, Reassembler, concat_of, split_udh
from tests.interop.peer_aiosmpplib import AiosmpplibClient
from tests.interop.peer_node import NodeClient
from tests.interop.peer_smpp34 import Smpp34Client
from tests.interop.peers import REFUSED_DESTINATION, TIMEOUT, PeerClient, Text

pytestmark = pytest.mark.interop

PEERS = (NodeClient, Smpp34Client, AiosmpplibClient)
TEXTS = [
    pytest.param("Hello @ {€}", 0, bytes.fromhex("48656c6c6f2000201b281b651b29"), id="gsm"),
    pytest.param("Привет 😀", 8, bytes.fromhex("041f04400438043204350442 0020 d83dde00"), id="ucs2"),
]
LONG = [
    pytest.param("The quick brown fox jumps over the lazy dog. " * 8, id="gsm"),
    pytest.param("Съешь ещё этих мягких французских булок. " * 5, id="ucs2"),
]
_BIND_FAILED, _INVALID_DESTINATION, _THROTTLED = 0x0D, 0x0B, 0x58


@pytest.fixture(params=PEERS, ids=lambda kind: kind.name)
async def peer(request: pytest.FixtureRequest) -> AsyncIterator[PeerClient]:
    client = request.param()
    try:
        yield client
    finally:
        await client.stop()


@pytest.fixture
async def simulator() -> AsyncIterator[Simulator]:
    script = Script(
        rules=(
            Rule(destination=REFUSED_DESTINATION, status="ESME_RINVDSTADR"),
            Rule(destination="447700900888", status="ESME_RTHROTTLED"),
        )
    )
    async with Simulator(script=script, credentials={"peer": "secret"}) as simulator:
        yield simulator


def port_of(simulator: Simulator) -> int:
    return simulator.ports[0]


def submitted(simulator: Simulator) -> list[smpp.SubmitSm]:
    return [entry.message for entry in simulator.log if isinstance(entry.message, smpp.SubmitSm)]


@pytest.mark.parametrize("mode", ["tx", "rx", "trx"])
async def test_it_binds_in_every_mode(peer: PeerClient, simulator: Simulator, mode: str) -> None:
    assert await peer.bind(port_of(simulator), mode) == 0
    (session,) = simulator.servers[0].sessions
    assert session.system_id == "peer"
    assert session.bind_mode is not None and session.bind_mode.value == mode


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # aiosmpplib leaves its stream open
async def test_it_learns_of_a_wrong_password(peer: PeerClient, simulator: Simulator) -> None:
    status = await peer.bind(port_of(simulator), "trx", password="wrong")
    assert status == (_BIND_FAILED if peer.tells_bind_status else -1)


@pytest.mark.parametrize(("text", "data_coding", "octets"), TEXTS)
async def test_its_text_arrives_octet_by_octet(
    peer: PeerClient, simulator: Simulator, text: str, data_coding: int, octets: bytes
) -> None:
    await peer.bind(port_of(simulator), "trx")
    status, message_id = await peer.submit(Text(text, octets, data_coding=data_coding))
    (message,) = submitted(simulator)
    assert (status, message_id) == (0, simulator.log[0].message_id)
    assert (message.data_coding, message.short_message) == (data_coding, octets)
    assert smpp.text_of(message) == text
    assert (message.source_addr, message.destination_addr) == ("INFO", "447700900123")
    assert (message.dest_addr_ton, message.dest_addr_npi) == (1, 1)


@pytest.mark.parametrize("text", LONG)
async def test_its_long_message_becomes_whole(peer: PeerClient, simulator: Simulator, text: str) -> None:
    await peer.bind(port_of(simulator), "trx")
    await peer.submit_long(text)
    collector, whole = Reassembler(), None
    for message in submitted(simulator):
        assert message.esm_class & smpp.EsmClass.UDHI
        header, body = split_udh(message.short_message)
        found = concat_of(header, {})
        assert found is not None
        part = InboundPart("peer", "INFO", message.destination_addr, found[0], body, message.data_coding, header)
        whole = collector.add(part, 0.0)
    assert len(submitted(simulator)) > 1
    assert whole is not None
    assert whole.text() == text


async def test_its_tlvs_arrive(peer: PeerClient, simulator: Simulator) -> None:
    await peer.bind(port_of(simulator), "trx")
    tlvs = {0x0204: b"\x12\x34"}
    if peer.sends_vendor_tlvs:
        tlvs[0x1400] = b"110100001"
    await peer.submit(Text("hi", b"hi", tlvs=tlvs))
    (message,) = submitted(simulator)
    assert dict(message.tlvs) == tlvs
    assert message.tlvs.get(smpp.tlv.user_message_reference) == 0x1234


async def test_it_gets_a_receipt(peer: PeerClient, simulator: Simulator) -> None:
    await peer.bind(port_of(simulator), "trx")
    _, message_id = await peer.submit(Text("hi", b"hi", registered_delivery=1))
    receipt = await peer.delivered()
    words = receipt.text or (receipt.octets or b"").decode("ascii")
    assert words.startswith(f"id:{message_id} sub:001 dlvrd:001 ")
    assert " stat:DELIVRD " in words
    assert receipt.esm_class & 0x3C == 0x04
    assert (receipt.source, receipt.destination) == ("447700900123", "INFO")
    assert receipt.tlvs[0x001E] == message_id.encode() + b"\0"
    assert receipt.tlvs[0x0427] == b"\x02"
    await simulator.wait_until(lambda: len(simulator.deliveries) == 1)
    assert simulator.deliveries[0].status == 0


@pytest.mark.parametrize(("text", "data_coding", "octets"), TEXTS)
async def test_it_gets_a_message(
    peer: PeerClient, simulator: Simulator, text: str, data_coding: int, octets: bytes
) -> None:
    await peer.bind(port_of(simulator), "rx")
    (delivery,) = simulator.deliver(text, source="447700900123", destination="12345")
    message = await peer.delivered()
    assert message.is_like(text, octets)
    assert (message.source, message.destination, message.data_coding) == ("447700900123", "12345", data_coding)
    assert await delivery.wait(TIMEOUT) == 0


async def test_it_learns_of_errors_and_goes_on(peer: PeerClient, simulator: Simulator) -> None:
    await peer.bind(port_of(simulator), "trx")
    assert (await peer.submit(Text("hi", b"hi", destination=REFUSED_DESTINATION)))[0] == _INVALID_DESTINATION
    if peer.name != "aiosmpplib":  # it holds back what follows a throttled message
        assert (await peer.submit(Text("hi", b"hi", destination="447700900888")))[0] == _THROTTLED
    assert (await peer.submit(Text("hi", b"hi")))[0] == 0


async def test_each_of_many_gets_its_own_answer(peer: PeerClient, simulator: Simulator) -> None:
    await peer.bind(port_of(simulator), "trx")
    numbers = range(300)
    answers = await asyncio.gather(
        *(peer.submit(Text(f"n{number}", b"n%d" % number, destination=f"4477009{number:05}")) for number in numbers)
    )
    ids = {entry.message.destination_addr: entry.message_id for entry in simulator.log}  # type: ignore[union-attr]
    assert answers == [(0, ids[f"4477009{number:05}"]) for number in numbers]
    assert len(set(ids.values())) == len(numbers)


async def test_both_ask_whether_the_link_is_up(peer: PeerClient, simulator: Simulator) -> None:
    await peer.bind(port_of(simulator), "trx")
    (session,) = simulator.servers[0].sessions
    assert (await session.request(smpp.EnquireLink())).command_status == 0
    if peer.sends_enquire_link:
        assert await peer.enquire_link() == 0


async def test_it_unbinds(peer: PeerClient, simulator: Simulator) -> None:
    await peer.bind(port_of(simulator), "trx")
    (session,) = simulator.servers[0].sessions
    await peer.unbind()
    async with asyncio.timeout(TIMEOUT):
        reason = await session.connection.closed
    assert "unb" in reason


async def test_it_is_unbound(peer: PeerClient, simulator: Simulator) -> None:
    await peer.bind(port_of(simulator), "trx")
    (session,) = simulator.servers[0].sessions
    async with asyncio.timeout(TIMEOUT):
        await session.unbind()
        await session.connection.closed
