"""smpplib as a customer of our SMPP door: binds, sends a long text in parts, gets its receipts, queries."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("smpplib")

import smpplib.client
import smpplib.consts
import smpplib.exceptions
import smpplib.gsm

from smpp.sms import parse_receipt
from tests.gateway.smsc_path import PASSWORD, SYSTEM_ID, TO, DoorPath, smsc_path

pytestmark = pytest.mark.interop

TEXT = "Your code is 4711. " * 12


class Customer:
    """A smpplib client; it blocks, so it runs in a thread."""

    def __init__(self, port: int) -> None:
        self.client = smpplib.client.Client("127.0.0.1", port, timeout=5, allow_unknown_opt_params=True)
        self.client.logger.disabled = True
        self.receipts: list[Any] = []
        self.parts: list[bytes] = []
        self.sent: dict[int, str] = {}
        self.client.set_message_received_handler(self._receive)
        self.client.set_message_sent_handler(self._note)

    def _receive(self, pdu: Any) -> int:
        self.receipts.append(parse_receipt(pdu.short_message, esm_class=pdu.esm_class))
        return 0

    def _note(self, pdu: Any) -> None:
        self.sent[pdu.sequence] = pdu.message_id.decode()

    def send_and_wait(self) -> None:
        """Bind, send all parts, read until every one has its receipt, unbind."""
        self.client.connect()
        self.client.bind_transceiver(system_id=SYSTEM_ID, password=PASSWORD)
        self.parts, data_coding, esm_class = smpplib.gsm.make_parts(TEXT)
        for part in self.parts:
            self.client.send_message(
                source_addr_ton=smpplib.consts.SMPP_TON_ALNUM,
                source_addr="INFO",
                dest_addr_ton=smpplib.consts.SMPP_TON_INTL,
                destination_addr=TO,
                short_message=part,
                data_coding=data_coding,
                esm_class=esm_class,
                registered_delivery=True,
            )
        while min(len(self.receipts), len(self.sent)) < len(self.parts):
            self.client.read_once()
        self.client.unbind()
        self.client.disconnect()


async def in_thread(path: DoorPath, customer: Customer) -> None:
    async with asyncio.timeout(20):
        await asyncio.to_thread(customer.send_and_wait)


async def test_smpplib_sends_a_long_text_and_gets_its_receipts(tmp_path: Path) -> None:
    async with smsc_path(tmp_path) as path:
        customer = Customer(path.gateway.smpp_ports[0])
        await in_thread(path, customer)

        assert [one.short_message for one in path.seen()] == customer.parts
        assert {one.id for one in customer.receipts} == set(customer.sent.values())
        assert {one.stat for one in customer.receipts} == {"DELIVRD"}
        await path.owed(0)


async def test_smpplib_with_a_wrong_password_is_told_so(tmp_path: Path) -> None:
    async with smsc_path(tmp_path) as path:
        client = Customer(path.gateway.smpp_ports[0]).client

        def bind() -> None:
            client.connect()
            client.bind_transmitter(system_id=SYSTEM_ID, password="wrong")

        with pytest.raises(smpplib.exceptions.PDUError, match="Bind Failed"):
            await asyncio.to_thread(bind)
        client.disconnect()
