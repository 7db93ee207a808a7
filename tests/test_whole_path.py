"""HTTP request → the octets the SMSC saw → receipt on a bind of the other server → webhook, for each kind of text.

The expected octets are literals, written from the specification; the sequence_number alone is left out of the
comparison, because it depends on which bind a part took.
"""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from smpp.simulator import LogEntry, ThrowAwayTls, throw_away_tls
from tests.whole_path import WholePath, whole_path

TO = "+919876543210"

# service_type, source (alphanumeric 5/0), destination (international 1/1)
_ADDRESSES = b"\x00" + b"\x05\x00INFO\x00" + b"\x01\x01" + b"919876543210\x00"
# protocol_id, priority_flag, schedule_delivery_time, validity_period, registered_delivery = 1, replace_if_present_flag
_MIDDLE = b"\x00\x00" + b"\x00" + b"\x00" + b"\x01" + b"\x00"


def submit_sm(*, esm_class: bytes = b"\x00", data_coding: bytes, text: bytes, tlvs: bytes = b"") -> tuple[bytes, bytes]:
    """What the SMSC has to see: the header without its sequence_number, and the body."""
    body = _ADDRESSES + esm_class + _MIDDLE + data_coding + b"\x00" + bytes([len(text)]) + text + tlvs
    header = (16 + len(body)).to_bytes(4, "big") + b"\x00\x00\x00\x04" + b"\x00\x00\x00\x00"
    return header, body


def seen(entry: LogEntry) -> tuple[bytes, bytes]:
    """What the SMSC saw, likewise."""
    return entry.octets[:12], entry.octets[16:]


@pytest.fixture(scope="module")
def tls() -> ThrowAwayTls:
    return throw_away_tls()


@pytest.fixture
async def path(tmp_path: Path, tls: ThrowAwayTls) -> AsyncIterator[WholePath]:
    async with whole_path(tmp_path, tls, uplink='tlv_profile = "dlt"') as everything:
        yield everything


ONE_PART: dict[str, tuple[dict[str, Any], tuple[bytes, bytes]]] = {
    "gsm": (
        {"text": "Your code is 4711"},
        submit_sm(data_coding=b"\x00", text=b"Your code is 4711"),
    ),
    "gsm with extension characters": (
        {"text": "5€ @ {a_b}"},
        submit_sm(data_coding=b"\x00", text=b"5\x1be \x00 \x1b(a\x11b\x1b)"),
    ),
    "ucs-2 with emoji": (
        {"text": "Привет 🙂"},
        submit_sm(
            data_coding=b"\x08",
            text=bytes.fromhex("041f 0440 0438 0432 0435 0442 0020 d83d de42"),
        ),
    ),
    "binary with udh": (
        {"data": "0102ff00", "udh": "0605040b8423f0"},
        submit_sm(
            esm_class=b"\x40",
            data_coding=b"\x04",
            text=bytes.fromhex("06 05 04 0b84 23f0") + bytes.fromhex("0102ff00"),
        ),
    ),
    "dlt tlvs": (
        {
            "text": "OTP 1234",
            "dlt": {"entity_id": "1101000010000012345", "template_id": "1107161234567890123", "tm_id": "1102"},
        },
        submit_sm(
            data_coding=b"\x00",
            text=b"OTP 1234",
            tlvs=b"\x14\x00\x00\x131101000010000012345\x14\x01\x00\x131107161234567890123\x14\x02\x00\x041102",
        ),
    ),
}


@pytest.mark.parametrize("kind", ONE_PART)
async def test_one_part_goes_out_and_its_receipt_comes_home(path: WholePath, kind: str) -> None:
    message, expected = ONE_PART[kind]

    accepted = await path.send(**{"from": "INFO", "to": TO, **message})
    callbacks = await path.receiver.wait_for(1)

    assert [seen(entry) for entry in path.simulator.log] == [expected]
    assert callbacks[0].method == "POST"
    report = callbacks[0].json
    assert report["type"] == "message.status"
    assert report["message"]["id"] == accepted["id"]
    assert report["message"]["state"] == "delivered"
    await assert_receipts_came_over_the_other_server(path, accepted["id"], parts=1)


async def test_three_parts_share_a_reference_and_make_one_report(path: WholePath) -> None:
    accepted = await path.send(**{"from": "INFO", "to": TO, "text": "A" * 153 + "B" * 151 + "€" + "C" * 10})
    callbacks = await path.receiver.wait_for(1)

    reference = header_of_part(path.simulator.log[0])[3:4]
    expected = [
        submit_sm(esm_class=b"\x40", data_coding=b"\x00", text=b"\x05\x00\x03" + reference + b"\x03" + part)
        for part in (b"\x01" + b"A" * 153, b"\x02" + b"B" * 151 + b"\x1be", b"\x03" + b"C" * 10)
    ]
    assert sorted(seen(entry) for entry in path.simulator.log) == sorted(expected)
    assert [callback.json["message"]["state"] for callback in callbacks] == ["delivered"]
    await assert_receipts_came_over_the_other_server(path, accepted["id"], parts=3)


async def test_an_escape_pair_is_never_cut(path: WholePath) -> None:
    await path.send(**{"from": "INFO", "to": TO, "text": "A" * 152 + "€" + "B" * 20})
    await path.receiver.wait_for(1)

    texts = {header_of_part(entry)[6:] for entry in path.simulator.log}
    assert texts == {b"A" * 152, b"\x1be" + b"B" * 20}


async def test_a_message_of_a_handset_reaches_the_account_that_claims_the_number(path: WholePath) -> None:
    (delivery,) = path.simulator.deliver("Stop 🙂", source="4479460000", destination="40404")

    callbacks = await path.receiver.wait_for(1)

    assert callbacks[0].json["type"] == "message.inbound"
    assert callbacks[0].json["message"]["text"] == "Stop 🙂"
    assert callbacks[0].json["message"]["from"] == "4479460000"
    assert await delivery.wait(timeout=10) == 0


def header_of_part(entry: LogEntry) -> bytes:
    """The octets from the user data header on."""
    return entry.octets[entry.octets.index(b"\x05\x00\x03") :]


async def assert_receipts_came_over_the_other_server(path: WholePath, message_id: str, *, parts: int) -> None:
    """By the SMSC's own book: no receipt took the server that its message took."""
    by_id: dict[str, Any] = {entry.message_id: entry for entry in path.simulator.log}
    receipts = [delivery for delivery in path.simulator.deliveries if delivery.kind == "receipt"]
    assert len(receipts) == parts
    assert all(receipt.server != by_id[receipt.message_id].server for receipt in receipts)
    message = await path.look_up(message_id)
    assert message["state"] == "delivered"
    assert [part["state"] for part in message["parts"]] == ["delivered"] * parts
