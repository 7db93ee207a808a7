"""What an uplink writes into a submit_sm, makes of a status, and reads from a deliver_sm; nothing is connected."""

from typing import Any

import msgspec
import pytest

from gateway.config import parse
from gateway.models import Inbound, Message, Outcome, Part, PartBody, Receipt
from gateway.uplinks.reading import Arrival, read_inbound
from gateway.uplinks.smpp import SmppUplink
from smpp.constants import EsmClass
from smpp.sms.udh import Concat, Ports, UserDataHeader, parse_udh
from smpp.wire import tlv
from smpp.wire.pdu import DeliverSm, SubmitSmResp
from smpp.wire.tlv import Tlvs
from tests.gateway.fakes import NOW, new_message

ARRIVAL = Arrival("a", "a", "a:2775#1", NOW, "gsm")


async def unused(_: Receipt | Inbound) -> None:
    raise AssertionError("nothing comes in")


def uplink(text: str = "") -> SmppUplink:
    config = parse('[uplink.a]\nservers = ["smpp://a.example:2775"]\n' + text).uplink["a"]
    return SmppUplink("a", config, on_receipt=unused, on_inbound=unused, new_id=lambda: "id")


def composed(of: SmppUplink, number: int, part_count: int, **fields: Any) -> Any:
    new = new_message(**fields)
    message = Message(
        **msgspec.structs.asdict(new), id="m", node="n", created_at=NOW, updated_at=NOW, part_count=part_count
    )
    part = Part(message_id="m", number=number, body=PartBody(short_message=b"x", data_coding=0))
    return of.compose(message, part, part_count)


@pytest.mark.parametrize(("which", "asked"), [("all", [1, 1, 1]), ("first", [1, 0, 0]), ("last", [0, 0, 1])])
async def test_receipts_are_asked_of_the_parts_that_are_to_have_one(which: str, asked: list[int]) -> None:
    one = uplink(f'receipt_parts = "{which}"')
    assert [composed(one, number, 3).registered_delivery for number in (1, 2, 3)] == asked
    assert composed(one, 1, 1).registered_delivery == 1
    assert composed(one, 1, 1, wants_receipt=False).registered_delivery == 0


async def test_addresses_are_rewritten_on_the_way_out() -> None:
    one = uplink(
        '[[uplink.a.sender_rules]]\nmatch = "SHOP"\nsender = "60777"\n'
        '[[uplink.a.recipient_rules]]\nprefix = "44"\nnew_prefix = "0"\nton = 2'
    )
    pdu = composed(one, 1, 1)
    assert (pdu.source_addr_ton, pdu.source_addr) == (3, "60777")
    assert (pdu.dest_addr_ton, pdu.destination_addr) == (2, "07700900123")


@pytest.mark.parametrize(
    ("status", "outcome"),
    [(0x45, Outcome.RETRY), (0x58, Outcome.REJECTED), (0x55F, Outcome.THROTTLED), (0x0B, Outcome.REJECTED)],
)
async def test_a_status_means_what_the_config_says(status: int, outcome: Outcome) -> None:
    one = uplink(
        '[[uplink.a.statuses]]\nstatus = "ESME_RSUBMITFAIL"\nmeans = "retry"\n'
        '[[uplink.a.statuses]]\nstatus = "0x58"\nmeans = "rejected"\n'
        '[[uplink.a.statuses]]\nstatus = "1375"\nmeans = "throttled"\n'
    )
    assert answered(one, status) is outcome


def answered(one: SmppUplink, status: int) -> Outcome:
    class Answer:
        command_status = status
        message = SubmitSmResp()

    return one.result_of(Answer()).outcome  # type: ignore[arg-type]


def delivered(**fields: Any) -> Inbound:
    pdu = DeliverSm(source_addr="447700900123", destination_addr="60777", **fields)
    return read_inbound(pdu, "id", ARRIVAL)


def test_sar_parameters_become_the_header_that_says_the_same() -> None:
    sar = Tlvs([tlv.sar_msg_ref_num(300), tlv.sar_total_segments(3), tlv.sar_segment_seqnum(2)])
    header = parse_udh(delivered(short_message=b"x", tlvs=sar).udh)
    assert header.concat == Concat(300, 3, 2, is_16bit=True)
    ports = UserDataHeader.of(Ports(9200, 9200)).encode()
    both = parse_udh(delivered(short_message=ports + b"x", esm_class=EsmClass.UDHI, tlvs=sar).udh)
    assert both.concat == Concat(300, 3, 2, is_16bit=True)
    assert both.ports == Ports(9200, 9200)


def test_a_header_of_its_own_goes_before_sar_parameters() -> None:
    udh = UserDataHeader.of(Concat(7, 2, 1)).encode()
    sar = Tlvs([tlv.sar_msg_ref_num(300), tlv.sar_total_segments(3), tlv.sar_segment_seqnum(2)])
    read = delivered(short_message=udh + b"x", esm_class=EsmClass.UDHI, tlvs=sar)
    assert (read.udh, read.data) == (udh, b"x")
    assert delivered(short_message=b"x").udh == b""
    incomplete = Tlvs([tlv.sar_msg_ref_num(300)])
    assert delivered(short_message=b"x", tlvs=incomplete).udh == b""
