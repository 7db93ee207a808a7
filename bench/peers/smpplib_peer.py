"""smpplib: a blocking client, which writes a window full and then reads its answers. It has no server."""

import socket
from typing import Any

import smpplib.client
import smpplib.smpp

from bench.work import DESTINATION, SOURCE, TEXT, Codec, Load, Meter

MESSAGE = {
    "source_addr_ton": 5,
    "source_addr": SOURCE,
    "dest_addr_ton": 1,
    "dest_addr_npi": 1,
    "destination_addr": DESTINATION,
    "registered_delivery": True,
    "short_message": TEXT,
}


class Numbers:
    """What smpplib wants of a client where there is none: a source of sequence numbers."""

    sequence = 0

    def next_sequence(self) -> int:
        """The next one."""
        self.sequence += 1
        return self.sequence


def client(load: Load) -> None:
    """Submit, and wait for receipts where the server sends them."""
    connection = smpplib.client.Client("127.0.0.1", load.port, allow_unknown_opt_params=True)
    connection.logger.disabled = True
    connection.connect()
    connection._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    connection.bind_transceiver(system_id="demo", password="secret")
    answered = received = 0

    def count_answer(pdu: object) -> None:
        nonlocal answered
        answered += 1

    def count_receipt(pdu: object) -> None:
        nonlocal received
        received += 1

    connection.set_message_sent_handler(count_answer)
    connection.set_message_received_handler(count_receipt)
    meter = Meter()
    for first in range(0, load.count, load.window):
        for _ in range(min(load.window, load.count - first)):
            connection.send_message(**MESSAGE)
        while answered < min(first + load.window, load.count):
            connection.read_once()
    while load.receipts and received < load.count:
        connection.read_once()
    meter.report(load.count)
    connection.unbind()
    connection.disconnect()


def codec() -> Codec:
    """Make and encode; decode and read every field."""
    numbers = Numbers()
    octets = make(numbers).generate()

    def decode_and_read() -> object:
        pdu = smpplib.smpp.parse_pdu(octets, client=numbers)
        return (
            pdu.sequence,
            pdu.status,
            pdu.service_type,
            pdu.source_addr_ton,
            pdu.source_addr_npi,
            pdu.source_addr,
            pdu.dest_addr_ton,
            pdu.dest_addr_npi,
            pdu.destination_addr,
            pdu.esm_class,
            pdu.protocol_id,
            pdu.priority_flag,
            pdu.schedule_delivery_time,
            pdu.validity_period,
            pdu.registered_delivery,
            pdu.replace_if_present_flag,
            pdu.data_coding,
            pdu.sm_default_msg_id,
            pdu.short_message,
        )

    return Codec(lambda: make(numbers).generate(), decode_and_read)


def make(numbers: Numbers) -> Any:
    """The usual message."""
    return smpplib.smpp.make_pdu("submit_sm", client=numbers, **MESSAGE)


if __name__ == "__main__":
    client(Load.from_arguments())
