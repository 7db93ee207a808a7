"""Whatever a customer writes is read or refused, and whatever was read has a receipt that can be sent."""

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.config import AccountSmppConfig, Secret, parse
from gateway.models import Inbound, Message, NewMessage, Receipt, State
from gateway.smsc.reports import SmppReports, pdu_of, receipt_error
from gateway.smsc.requests import Customer, message_of, messages_of, parts_of
from smpp import Reject, parse_receipt
from smpp.status import CommandStatus as Status
from smpp.wire import decode, encode, tlv
from smpp.wire.pdu import DeliverSm, SubmitMulti, SubmitSm
from smpp.wire.tlv import Tlvs
from smpp.wire.types import SmeAddress
from tests.gateway.fakes import NOW
from tests.gateway.smsc_path import submit

REPORTS = SmppReports(
    parse(
        """
[uplink.a]
servers = ["smpp://a.example:2775"]
[smpp]
listen = "127.0.0.1:2775"
[account.shop.smpp]
system_id = "customer"
password = "s3cret"
[account.latin.smpp]
system_id = "latin"
password = "s3cret"
default_alphabet = "latin1"
"""
    )
)
OCTET = st.integers(0, 255)
TEXT = st.text(st.characters(min_codepoint=1, max_codepoint=255), max_size=20)
TIMES = st.sampled_from(["", "000001000000000R", "270101000000000+", "991231235959948-", "999999995959000R"])
TLVS = st.lists(st.tuples(st.integers(0, 0xFFFF), st.binary(max_size=30)), max_size=4).map(Tlvs)
SUBMITS = st.builds(
    SubmitSm,
    source_addr_ton=OCTET,
    source_addr_npi=OCTET,
    source_addr=TEXT,
    dest_addr_ton=OCTET,
    destination_addr=TEXT,
    esm_class=st.one_of(st.sampled_from([0, 3, 0x40, 0x43]), OCTET),
    protocol_id=OCTET,
    priority_flag=OCTET,
    schedule_delivery_time=TIMES,
    validity_period=TIMES,
    registered_delivery=st.one_of(st.sampled_from([0, 1, 2, 3, 0x10, 0x11]), OCTET),
    data_coding=OCTET,
    short_message=st.one_of(st.binary(max_size=254), st.just(b"\x05\x00\x03\x01\x02\x01AB")),
    tlvs=TLVS,
)


def customer(alphabet: str = "gsm", account: str = "shop") -> Customer:
    settings = AccountSmppConfig(system_id="c", password=Secret("p"), default_alphabet=alphabet)  # type: ignore[arg-type]
    return Customer(account, settings)


def kept(new: NewMessage, state: State, **fields: Any) -> Message:
    values = {"id": "1AFXMBH1G00J4ZG666470QSS", "node": "n", "created_at": NOW, "updated_at": NOW + 5, "state": state}
    return Message(**(msgspec.structs.asdict(new) | values | fields))


@given(SUBMITS, st.sampled_from(list(State)), st.sampled_from(["gsm", "latin1", "ascii"]), st.text(max_size=8))
def test_any_request_is_refused_or_has_receipts_that_can_be_sent(
    request: SubmitSm, state: State, alphabet: str, error: str
) -> None:
    try:
        new = message_of(request, customer(alphabet, "latin" if alphabet == "latin1" else "shop"), NOW)
    except Reject as refused:
        assert refused.command_status
        return
    assert new.udh + (new.data or b"") == (request.short_message or request.tlvs.get(tlv.message_payload) or b"")
    receipt = Receipt(group="a", smsc_message_id="1", state=state, error=error)
    for told in (receipt, None):
        message = kept(new, state, error=error)
        callback = REPORTS.receipt_callback(message, told)
        if callback is None:
            continue
        pdu = pdu_of(callback)
        assert isinstance(decode(encode(pdu, 1)).message, DeliverSm)
        read = parse_receipt(pdu.short_message, esm_class=pdu.esm_class, tlvs=dict(pdu.tlvs))
        assert read is not None
        assert read.text_id == read.tlv_id == message.id
        assert not read.conflicts


@given(st.binary(max_size=300), OCTET, st.text(max_size=160), st.sampled_from(["shop", "latin"]))
def test_any_message_of_a_handset_can_be_delivered(octets: bytes, data_coding: int, text: str, account: str) -> None:
    inbound = Inbound(
        id="i", account=account, sender="447700900123", recipient="40404", text=text, data=octets,
        data_coding=data_coding, uplink="a", received_at=NOW,
    )  # fmt: skip
    pdu = pdu_of(REPORTS.inbound_callback(inbound))
    assert isinstance(decode(encode(pdu, 1)).message, DeliverSm)
    if data_coding or account == "shop":
        assert (pdu.short_message or pdu.tlvs.get(tlv.message_payload) or b"") == octets


@pytest.mark.parametrize(
    ("schedule", "validity", "scheduled_in", "valid_for"),
    [
        ("", "", None, None),
        ("", "000000001500000R", None, 900),
        ("000000010000000R", "000000013000000R", 3_600, 1_800),
        ("270115081500000+", "", 900, None),
        ("270115091500004+", "270115093000004+", 900, 900),
        ("260101000000000+", "000000001500000R", NOW - 1, 900),
    ],
)
def test_times_are_read_in_their_zone(
    schedule: str, validity: str, scheduled_in: float | None, valid_for: int | None
) -> None:
    # NOW is 2027-01-15 08:00:00 UTC.
    request = submit(schedule_delivery_time=schedule, validity_period=validity)
    new = message_of(request, customer(), NOW)
    assert new.validity_seconds == valid_for
    if scheduled_in is None:
        assert new.scheduled_at is None
    elif scheduled_in < NOW - 10:
        assert new.scheduled_at == NOW + scheduled_in
    else:
        assert new.scheduled_at is not None
        assert new.scheduled_at < NOW


@pytest.mark.parametrize(
    ("request_", "parts"),
    [
        (submit(b"x" * 160), 1),
        (submit(b"x" * 161), 2),
        (submit(b"", tlvs=Tlvs.of(tlv.message_payload(b"x" * 1340))), 10),
        (SubmitMulti(dest_addresses=(SmeAddress(),) * 3, short_message=b"x"), 3),
    ],
)
def test_a_request_counts_as_its_parts(request_: Any, parts: int) -> None:
    assert parts_of(request_) == parts


@pytest.mark.parametrize(
    ("state", "error", "network", "told"),
    [
        (State.DELIVERED, "", "000", "000"),
        (State.UNDELIVERABLE, "042", "042", "042"),
        (State.UNDELIVERABLE, "absent subscriber", "absent subscriber", "000"),
        (State.REJECTED, "ESME_RINVDSTADR", None, "011"),
        (State.REJECTED, "0x00000400", None, "000"),
        (State.EXPIRED, "the validity period ended before it could be sent", None, "000"),
    ],
)
def test_the_error_of_a_receipt_is_a_code(state: State, error: str, network: str | None, told: str) -> None:
    message = kept(message_of(submit(), customer(), NOW), state, error=error)
    receipt = None if network is None else Receipt(group="a", smsc_message_id="1", state=state, error=network)
    assert receipt_error(message, receipt) == told


def test_a_submit_multi_that_fails_as_a_whole_says_so() -> None:
    with pytest.raises(Reject) as refused:
        messages_of(SubmitMulti(), customer(), "id", NOW)
    assert refused.value.command_status == Status.ESME_RINVNUMDESTS
