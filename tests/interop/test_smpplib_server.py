"""Our client at a small SMSC written with smpplib 2.2.4's own PDU classes, on a raw socket in a thread.

What the client sent is compared as smpplib reads it, and by the octets of its texts as literals.
"""

import asyncio
import itertools
import socket
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from types import SimpleNamespace
from typing import Any

import pytest
import smpplib.smpp

import smpp
from smpp.client import ClientConfig
from smpp.constants import MessageState
from smpp.errors import BindFailed, SubmitRejected
from smpp.pool import Pool, PoolConfig
from smpp.receipts import text_of
from smpp.session import SessionConfig
from tests.interop.peers import HOST, PASSWORD, REFUSED_DESTINATION, REFUSED_SYSTEM_ID, TIMEOUT

pytestmark = pytest.mark.interop

SENDER, TO = "INFO", "447700900123"
RECEIPT = "id:{} sub:001 dlvrd:001 submit date:2607221530 done date:2607221531 stat:DELIVRD err:000 text:hi"

NOBODY = SimpleNamespace(sequence=0, next_sequence=lambda: 0)
"""smpplib numbers a PDU that it makes, also one that it makes to parse."""


class SmpplibSmsc:
    """Takes one connection after the other: binds, answers, sends a receipt where one is asked for.

    Attributes:
        received: every PDU that came, as smpplib read it.
        receipts_over: which SMSC of the same account sends the receipts; itself by default.
    """

    def __init__(self, name: str = "a") -> None:
        self.received: list[Any] = []
        self.receipts_over: SmpplibSmsc = self
        self._name = name
        self._numbers = itertools.count(1)
        self._ids = itertools.count(1)
        self._lock = threading.Lock()
        self._came = threading.Condition()
        self._listener = socket.create_server((HOST, 0))
        self._connection: socket.socket | None = None
        self._is_stopping = False
        self._thread = threading.Thread(target=self._serve, name="smpplib-smsc")

    @property
    def port(self) -> int:
        port: int = self._listener.getsockname()[1]
        return port

    def __enter__(self) -> "SmpplibSmsc":
        self._thread.start()
        return self

    def __exit__(self, *_exc: object) -> None:
        self._is_stopping = True
        # A socket that is only closed does not wake the thread that waits at it.
        for waited_at in (self._listener, self._connection):
            if waited_at is not None:
                with suppress(OSError):
                    waited_at.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join(TIMEOUT)
        assert not self._thread.is_alive()

    # What it says

    def send(self, command: str, *, sequence: int | None = None, status: int = 0, **fields: Any) -> int:
        """Send a PDU; its sequence_number."""
        number = next(self._numbers) if sequence is None else sequence
        client = SimpleNamespace(sequence=number, next_sequence=lambda: number)
        pdu = smpplib.smpp.make_pdu(command, client=client, sequence=number, **fields)
        pdu.sequence, pdu.status = number, status
        with self._lock:
            assert self._connection is not None
            self._connection.sendall(pdu.generate())
        return number

    def deliver(self, text: bytes, **fields: Any) -> int:
        """Send a deliver_sm."""
        addresses = {"source_addr_ton": 1, "source_addr_npi": 1, "dest_addr_ton": 1, "dest_addr_npi": 1}
        values = {"source_addr": TO, "destination_addr": "40404", "data_coding": 0, **addresses, **fields}
        return self.send("deliver_sm", short_message=text, **values)

    # What it heard

    def of(self, command: str) -> list[Any]:
        """The PDUs of this kind that came."""
        return [pdu for pdu in self.received if pdu.command == command]

    async def wait_for(self, predicate: Callable[[], bool]) -> None:
        """Wait until something has come."""

        def wait() -> None:
            with self._came:
                assert self._came.wait_for(predicate, TIMEOUT), [pdu.command for pdu in self.received]

        await asyncio.to_thread(wait)

    # Inside: its thread

    def _serve(self) -> None:
        while not self._is_stopping:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self._connection = connection
            with connection:
                try:
                    self._talk(connection)
                except OSError:
                    continue

    def _talk(self, connection: socket.socket) -> None:
        with connection.makefile("rb") as stream:
            while True:
                head = stream.read(4)
                if len(head) < 4:
                    return
                octets = head + stream.read(int.from_bytes(head, "big") - 4)
                pdu = smpplib.smpp.parse_pdu(octets, client=NOBODY, allow_unknown_opt_params=True)
                with self._came:
                    # Before the answer: whoever has that may look here.
                    self.received.append(pdu)
                    self._came.notify_all()
                if not self._answer(pdu):
                    return

    def _answer(self, pdu: Any) -> bool:
        """Answer a PDU; False where that was the end."""
        reply, number = f"{pdu.command}_resp", pdu.sequence
        match pdu.command:
            case "bind_transceiver" | "bind_transmitter" | "bind_receiver":
                if pdu.system_id == REFUSED_SYSTEM_ID.encode() or pdu.password != PASSWORD.encode():
                    self.send(reply, sequence=number, status=0x0D)
                    return True
                self.send(reply, sequence=number, system_id="smpplib", sc_interface_version=0x34)
            case "submit_sm" if pdu.destination_addr == REFUSED_DESTINATION.encode():
                self.send(reply, sequence=number, status=0x0B, message_id="")
            case "submit_sm":
                message_id = f"{self._name}{next(self._ids):08x}"
                self.send(reply, sequence=number, message_id=message_id)
                if pdu.registered_delivery:
                    text = RECEIPT.format(message_id).encode()
                    tlvs = {"receipted_message_id": message_id, "message_state": 2}
                    self.receipts_over.deliver(text, source_addr=pdu.destination_addr.decode(), esm_class=4, **tlvs)
            case "enquire_link":
                self.send(reply, sequence=number)
            case "unbind":
                self.send(reply, sequence=number)
                return False
        return True


@pytest.fixture
async def smsc() -> AsyncIterator[SmpplibSmsc]:
    with SmpplibSmsc() as running:
        yield running


def client_of(smsc: SmpplibSmsc, *, system_id: str = "esme", query: str = "", **options: Any) -> smpp.Client:
    return smpp.connect(f"smpp://{system_id}:{PASSWORD}@{HOST}:{smsc.port}{query}", **options)


@pytest.mark.parametrize("mode", ["trx", "tx", "rx"])
async def test_bind_and_unbind(smsc: SmpplibSmsc, mode: str) -> None:
    async with client_of(smsc, query=f"?bind={mode}&system_type=VMS") as client:
        assert client.is_bound
        (bind,) = smsc.received
        assert bind.command == {"trx": "bind_transceiver", "tx": "bind_transmitter", "rx": "bind_receiver"}[mode]
        assert (bind.system_id, bind.password, bind.system_type) == (b"esme", PASSWORD.encode(), b"VMS")
        assert bind.interface_version == 0x34
    assert await asyncio.wait_for(client.closed, TIMEOUT) == "unbound"
    assert [pdu.command for pdu in smsc.received][1:] == ["unbind"]


async def test_refused_bind_says_why(smsc: SmpplibSmsc) -> None:
    with pytest.raises(BindFailed, match="ESME_RBINDFAIL"):
        async with client_of(smsc, system_id=REFUSED_SYSTEM_ID):
            pass


async def test_submit_is_read_and_its_receipt_comes_home(smsc: SmpplibSmsc) -> None:
    async with client_of(smsc) as client:
        sent = await client.send(sender=SENDER, to=TO, text="5€ @ {a_b}")
        receipt = await sent.receipt(TIMEOUT)
        assert (receipt.id, receipt.state) == (sent.message_ids[0], MessageState.DELIVERED)
        assert receipt.id == "a00000001"
        (submit,) = smsc.of("submit_sm")
        assert (submit.source_addr_ton, submit.source_addr_npi, submit.source_addr) == (5, 0, b"INFO")
        assert (submit.dest_addr_ton, submit.dest_addr_npi, submit.destination_addr) == (1, 1, TO.encode())
        assert (submit.esm_class, submit.data_coding, submit.registered_delivery) == (0, 0, 1)
        assert submit.short_message == b"5\x1be \x00 \x1b(a\x11b\x1b)"
        await smsc.wait_for(lambda: bool(smsc.of("deliver_sm_resp")))
        assert [answer.status for answer in smsc.of("deliver_sm_resp")] == [0]


async def test_emoji_and_long_texts_arrive_in_their_octets(smsc: SmpplibSmsc) -> None:
    async with client_of(smsc) as client:
        await client.send(sender=SENDER, to=TO, text="Привет 🙂", receipt=False)
        sent = await client.send(sender=SENDER, to=TO, text="A" * 153 + "B" * 10)
        assert (await sent.receipt(TIMEOUT)).state is MessageState.DELIVERED
    short, first, second = smsc.of("submit_sm")
    assert (short.data_coding, short.esm_class) == (8, 0)
    assert short.short_message.hex() == "041f04400438043204350442" + "0020" + "d83dde42"
    reference = first.short_message[3:4]
    assert (first.esm_class, second.esm_class) == (0x40, 0x40)
    assert first.short_message == b"\x05\x00\x03" + reference + b"\x02\x01" + b"A" * 153
    assert second.short_message == b"\x05\x00\x03" + reference + b"\x02\x02" + b"B" * 10


async def test_refused_message_is_an_error_and_the_bind_goes_on(smsc: SmpplibSmsc) -> None:
    async with client_of(smsc) as client:
        with pytest.raises(SubmitRejected, match="ESME_RINVDSTADR") as raised:
            await client.send(sender=SENDER, to=REFUSED_DESTINATION, text="no")
        assert raised.value.command_status == 0x0B
        assert (await client.send(sender=SENDER, to=TO, text="yes", receipt=False)).message_ids == ("a00000001",)


async def test_message_of_a_handset_is_read_and_answered(smsc: SmpplibSmsc) -> None:
    came: asyncio.Queue[smpp.DeliverSm | smpp.DataSm] = asyncio.Queue()
    async with client_of(smsc, on_deliver=came.put_nowait):
        number = smsc.deliver("Stop 🙂".encode("utf-16-be"), data_coding=8)
        message = await asyncio.wait_for(came.get(), TIMEOUT)
        assert text_of(message) == "Stop 🙂"
        assert (message.source_addr, message.destination_addr) == (TO, "40404")
        await smsc.wait_for(lambda: bool(smsc.of("deliver_sm_resp")))
        (answer,) = smsc.of("deliver_sm_resp")
        assert (answer.sequence, answer.status) == (number, 0)


async def test_enquire_link_both_ways(smsc: SmpplibSmsc) -> None:
    async with client_of(smsc, query="?enquire_link=0.1") as client:
        number = smsc.send("enquire_link")
        await smsc.wait_for(lambda: len(smsc.of("enquire_link")) >= 3 and bool(smsc.of("enquire_link_resp")))
        assert smsc.of("enquire_link_resp")[0].sequence == number
        assert client.is_bound


async def test_unbind_by_the_smsc_is_answered(smsc: SmpplibSmsc) -> None:
    async with client_of(smsc) as client:
        number = smsc.send("unbind")
        assert await asyncio.wait_for(client.closed, TIMEOUT) == "the peer unbound"
        await smsc.wait_for(lambda: bool(smsc.of("unbind_resp")))
        assert smsc.of("unbind_resp")[0].sequence == number
        assert not client.is_bound


async def test_pool_joins_receipts_that_come_from_the_other_server(smsc: SmpplibSmsc) -> None:
    with SmpplibSmsc("b") as other:
        smsc.receipts_over, other.receipts_over = other, smsc
        config = PoolConfig(client=ClientConfig(session=SessionConfig(window=5)))
        servers = [f"smpp://{HOST}:{one.port}" for one in (smsc, other)]
        async with Pool(servers, system_id="esme", password=PASSWORD, config=config) as pool:
            await pool.wait_bound(2, TIMEOUT)
            sent = await asyncio.gather(
                *(pool.send(sender=SENDER, to=str(447700900200 + n), text="hi") for n in range(40))
            )
            for message in sent:
                assert (await message.receipt(TIMEOUT)).id == message.message_ids[0]
        assert len(smsc.of("submit_sm")) + len(other.of("submit_sm")) == 40
        for one in (smsc, other):
            assert one.of("submit_sm")
            assert one.received[-1].command == "unbind"
