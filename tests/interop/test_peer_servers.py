"""Our client at SMSCs by other implementations. aiosmpplib has no server.

Quirks of the peers that these tests work around:

- node-smpp 0.6.0-rc.4 answers errors without a body; it decodes texts, but not those with a header
- smpp34 1.5.0 lets everybody bind, and sends enquire_link by itself only
"""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import pytest

import smpp
from smpp.sms import InboundPart, Reassembler, concat_of, parse_udh
from tests.interop.peer_node import NodeServer
from tests.interop.peer_smpp34 import Smpp34Server
from tests.interop.peers import HOST, REFUSED_DESTINATION, REFUSED_SYSTEM_ID, TIMEOUT, PeerServer, Text

pytestmark = pytest.mark.interop

PEERS = (NodeServer, Smpp34Server)
TEXTS = [
    pytest.param("Hello @ {€}", 0, bytes.fromhex("48656c6c6f2000201b281b651b29"), id="gsm"),
    pytest.param("Привет 😀", 8, bytes.fromhex("041f04400438043204350442 0020 d83dde00"), id="ucs2"),
]
LONG = "The quick brown fox jumps over the lazy dog. " * 8
_RECEIPT = "id:{} sub:001 dlvrd:001 submit date:2607221530 done date:2607221531 stat:DELIVRD err:000 text:hi"


@dataclass
class Inbox:
    """What came to our client."""

    messages: "asyncio.Queue[smpp.DeliverSm | smpp.DataSm]" = field(default_factory=asyncio.Queue)
    status: int = 0

    def take(self, message: smpp.DeliverSm | smpp.DataSm) -> int:
        """The handler: keep it, and answer with the status that the test wants."""
        self.messages.put_nowait(message)
        return self.status

    async def next(self) -> smpp.DeliverSm:
        """The next one."""
        message = await asyncio.wait_for(self.messages.get(), TIMEOUT)
        assert isinstance(message, smpp.DeliverSm)
        return message


@pytest.fixture(params=PEERS, ids=lambda kind: kind.name)
async def peer(request: pytest.FixtureRequest) -> AsyncIterator[PeerServer]:
    server = request.param()
    try:
        yield server
    finally:
        await server.stop()


@pytest.fixture
async def url(peer: PeerServer) -> str:
    return f"smpp://peer:secret@{HOST}:{await peer.start()}?window=50"


@pytest.mark.parametrize("mode", ["tx", "rx", "trx"])
async def test_we_bind_in_every_mode_and_unbind(peer: PeerServer, url: str, mode: str) -> None:
    async with smpp.connect(f"{url}&bind={mode}") as client:
        assert client.is_bound
    await peer.unbound()
    assert client.closed.done()


@pytest.mark.parametrize("peer", [kind for kind in PEERS if kind.refuses_binds], indirect=True, ids=lambda k: k.name)
async def test_we_learn_that_a_bind_is_refused(peer: PeerServer, url: str) -> None:
    with pytest.raises(smpp.BindFailed) as failure:
        async with smpp.connect(url.replace("peer", REFUSED_SYSTEM_ID)):
            pass
    assert failure.value.command_status == smpp.CommandStatus.ESME_RBINDFAIL


@pytest.mark.parametrize(("text", "data_coding", "octets"), TEXTS)
async def test_our_text_arrives(peer: PeerServer, url: str, text: str, data_coding: int, octets: bytes) -> None:
    async with smpp.connect(url) as client:
        sent = await client.send(sender="INFO", to="447700900123", text=text)
    message = await peer.submitted()
    assert message.is_like(text, octets)
    assert (message.source, message.destination, message.data_coding) == ("INFO", "447700900123", data_coding)
    assert message.registered_delivery == 1
    assert [part.message_id for part in sent.parts] == ["1"]


async def test_our_long_message_arrives_in_parts_with_headers(peer: PeerServer, url: str) -> None:
    async with smpp.connect(url) as client:
        sent = await client.send(sender="INFO", to="447700900123", text=LONG)
    parts = [await peer.submitted() for _ in sent.parts]
    headers = [parse_udh(part.udh).concat for part in parts]
    assert [header and (header.number, header.total) for header in headers] == [(1, 3), (2, 3), (3, 3)]
    assert "".join(part.text or (part.octets or b"").decode("ascii") for part in parts) == LONG


async def test_our_long_message_arrives_in_parts_with_tlvs(peer: PeerServer, url: str) -> None:
    async with smpp.connect(url) as client:
        sent = await client.send(sender="INFO", to="447700900123", text=LONG, method="sar")
    parts = [await peer.submitted() for _ in sent.parts]
    assert [(part.tlvs[0x020E], part.tlvs[0x020F]) for part in parts] == [
        (b"\3", b"\1"),
        (b"\3", b"\2"),
        (b"\3", b"\3"),
    ]
    assert "".join(part.text or (part.octets or b"").decode("ascii") for part in parts) == LONG


async def test_our_long_message_arrives_as_message_payload(peer: PeerServer, url: str) -> None:
    async with smpp.connect(url) as client:
        await client.send(sender="INFO", to="447700900123", text=LONG, method="payload")
    assert (await peer.submitted()).is_like(LONG, LONG.encode("ascii"))


async def test_our_tlvs_arrive(peer: PeerServer, url: str) -> None:
    tlvs = smpp.Tlvs.of(smpp.tlv.user_message_reference(0x1234), smpp.dlt.pe_id("110100001"))
    async with smpp.connect(url) as client:
        await client.send(sender="INFO", to="447700900123", text="hi", tlvs=tlvs)
    seen = (await peer.submitted()).tlvs
    assert seen[0x0204] == b"\x12\x34"
    assert seen[0x1400] == dict(tlvs)[0x1400]


async def test_a_receipt_of_the_peer_finds_its_message(peer: PeerServer, url: str) -> None:
    async with smpp.connect(url) as client:
        sent = await client.send(sender="INFO", to="447700900123", text="hi")
        words = _RECEIPT.format(sent.parts[0].message_id)
        receipt = Text(words, words.encode("ascii"), source="447700900123", destination="INFO", esm_class=0x04)
        assert await peer.deliver(receipt) == 0
        found = await sent.receipt(timeout=TIMEOUT)
    assert found.state is smpp.MessageState.DELIVERED
    assert found.id == "1"


async def test_a_receipt_with_nothing_but_tlvs_finds_its_message(peer: PeerServer, url: str) -> None:
    async with smpp.connect(url) as client:
        sent = await client.send(sender="INFO", to="447700900123", text="hi")
        tlvs = {0x001E: b"1\0", 0x0427: b"\x05"}
        receipt = Text("", b"", source="447700900123", destination="INFO", esm_class=0x04, tlvs=tlvs)
        assert await peer.deliver(receipt) == 0
        found = await sent.receipt(timeout=TIMEOUT)
    assert found.state is smpp.MessageState.UNDELIVERABLE


@pytest.mark.parametrize(("text", "data_coding", "octets"), TEXTS)
async def test_a_message_of_the_peer_arrives(
    peer: PeerServer, url: str, text: str, data_coding: int, octets: bytes
) -> None:
    inbox = Inbox()
    async with smpp.connect(url, on_deliver=inbox.take):
        message = Text(text, octets, source="447700900123", destination="12345", data_coding=data_coding)
        assert await peer.deliver(message) == 0
        came = await inbox.next()
    assert smpp.text_of(came) == text
    assert came.short_message == octets
    assert (came.source_addr, came.destination_addr) == ("447700900123", "12345")


async def test_a_long_message_of_the_peer_becomes_whole(peer: PeerServer, url: str) -> None:
    inbox, collector, whole = Inbox(), Reassembler(), None
    async with smpp.connect(url, on_deliver=inbox.take):
        for number, piece in ((2, "part."), (1, "The second is the last ")):
            await peer.deliver(Text(piece, piece.encode(), udh=bytes((5, 0, 3, 7, 2, number))))
            came = await inbox.next()
            assert came.esm_class & smpp.EsmClass.UDHI
            header = parse_udh(came.short_message[:6])
            found = concat_of(header, {})
            assert found is not None
            part = InboundPart("", came.source_addr, came.destination_addr, found[0], came.short_message[6:], 0, header)
            whole = collector.add(part, 0.0)
    assert whole is not None
    assert whole.text() == "The second is the last part."


async def test_the_peer_learns_that_we_refuse_a_message(peer: PeerServer, url: str) -> None:
    inbox = Inbox(status=smpp.CommandStatus.ESME_RX_T_APPN)
    async with smpp.connect(url, on_deliver=inbox.take):
        assert await peer.deliver(Text("hi", b"hi")) == 0x64


async def test_an_error_of_the_peer_is_raised_and_the_session_goes_on(peer: PeerServer, url: str) -> None:
    async with smpp.connect(url) as client:
        with pytest.raises(smpp.SubmitRejected) as failure:
            await client.send(sender="INFO", to=REFUSED_DESTINATION, text="hi")
        assert failure.value.command_status == smpp.CommandStatus.ESME_RINVDSTADR
        assert (await client.send(sender="INFO", to="447700900123", text="hi")).parts[0].message_id == "1"


async def test_each_of_many_gets_its_own_answer_whatever_their_order(peer: PeerServer, url: str) -> None:
    async with smpp.connect(url) as client:
        await peer.hold(10)
        numbers = range(300)
        submissions = await asyncio.gather(
            *(
                client.submit(
                    smpp.SubmitSm(source_addr="1", destination_addr=str(number), short_message=b"%d" % number)
                )
                for number in numbers
            )
        )
    seen = [int((await peer.submitted()).destination) for _ in numbers]
    # Ids count up in the order of arrival; answers came ten at a time, the last one first.
    in_batches = [seen[start : start + 10] for start in range(0, len(seen), 10)]
    ids = {number: int(submission.message_id) for number, submission in zip(numbers, submissions, strict=True)}
    assert sorted(ids.values()) == list(range(1, 301))
    for position, batch in enumerate(in_batches):
        assert {(ids[number] - 1) // 10 for number in batch} == {position}


async def test_both_ask_whether_the_link_is_up(peer: PeerServer, url: str) -> None:
    async with smpp.connect(url) as client:
        assert isinstance(await client.request(smpp.EnquireLink()), smpp.EnquireLinkResp)
        if peer.sends_enquire_link:
            assert await peer.enquire_link() == 0


async def test_the_peer_unbinds_us(peer: PeerServer, url: str) -> None:
    async with smpp.connect(url) as client:
        await peer.unbind()
        async with asyncio.timeout(TIMEOUT):
            await client.closed
        assert not client.is_bound
        with pytest.raises(smpp.SmppError):
            await client.send(sender="INFO", to="447700900123", text="hi")
