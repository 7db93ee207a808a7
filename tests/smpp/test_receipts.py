"""What was sent and the receipts that come back for it."""

import asyncio

import pytest

from smpp.constants import MessageState
from smpp.correlator import Correlator
from smpp.receipts import ReceiptDesk, SentMessage, Submission, payload_of, receipt_of, text_of
from smpp.sms import Receipt
from smpp.status import CommandStatus as Status
from smpp.wire import Tlvs, tlv
from smpp.wire.pdu import AlertNotification, DataSm, DeliverSm, SubmitMulti, SubmitMultiResp, SubmitSm, SubmitSmResp
from smpp.wire.types import SmeAddress

HANDSET, SENDER = "447700900123", "4711"
SUBMIT = SubmitSm(destination_addr=HANDSET, registered_delivery=1)


def deliver(message_id: str = "id-1", stat: str = "DELIVRD", source: str = HANDSET) -> DeliverSm:
    text = f"id:{message_id} sub:001 dlvrd:001 submit date:2608010000 done date:2608010001 stat:{stat} err:000 text:"
    return DeliverSm(source_addr=source, destination_addr=SENDER, esm_class=4, short_message=text.encode())


def receipt(message: DeliverSm | DataSm) -> Receipt:
    found = receipt_of(message)
    assert found is not None
    return found


class Desk:
    """A desk, and what happens at it."""

    def __init__(self) -> None:
        self.desk = ReceiptDesk()

    def accepted(self, message_id: str = "id-1", message: SubmitSm = SUBMIT) -> Submission:
        now = asyncio.get_running_loop().time()
        return self.desk.accepted(message, SubmitSmResp(message_id), "bind", now)

    def receive(self, message: DeliverSm | DataSm) -> int:
        return self.desk.receive(message, receipt(message))


@pytest.fixture
def desk() -> Desk:
    return Desk()


async def test_receipt_ends_the_waiting(desk: Desk) -> None:
    submission = desk.accepted()
    waiting = [asyncio.ensure_future(submission.receipt()) for _ in range(2)]
    await asyncio.sleep(0)
    assert desk.receive(deliver()) == Status.ESME_ROK
    assert [(await one).state for one in waiting] == [MessageState.DELIVERED] * 2
    assert (await submission.receipt()).id == "id-1"


async def test_receipt_before_its_response_is_kept(desk: Desk) -> None:
    assert desk.receive(deliver()) == Status.ESME_ROK
    submission = desk.accepted()
    assert (await submission.receipt(timeout=1)).state is MessageState.DELIVERED


async def test_intermediate_receipts_do_not_end_the_waiting(desk: Desk) -> None:
    submission = desk.accepted()
    desk.receive(deliver(stat="ENROUTE"))
    early = submission.final
    assert early is None
    desk.receive(deliver(stat="UNDELIV"))
    assert submission.final is not None
    assert [one.state for one in submission.receipts] == [MessageState.ENROUTE, MessageState.UNDELIVERABLE]


async def test_first_final_receipt_stands_and_later_ones_are_kept_beside_it(desk: Desk) -> None:
    submission = desk.accepted()
    for stat in ("DELIVRD", "EXPIRED"):
        desk.receive(deliver(stat=stat))
    assert submission.final is not None
    assert submission.final.state is MessageState.DELIVERED
    assert len(submission.receipts) == 2


async def test_receipts_of_one_submission_are_bounded(desk: Desk) -> None:
    submission = desk.accepted()
    for _ in range(100):
        desk.receive(deliver(stat="ENROUTE"))
    assert len(submission.receipts) == 16
    desk.receive(deliver())
    assert submission.final is not None


async def test_waiting_for_a_receipt_may_time_out_and_be_tried_again(desk: Desk) -> None:
    submission = desk.accepted()
    with pytest.raises(TimeoutError):
        await submission.receipt(timeout=0.001)
    assert submission._waiters == ()
    desk.receive(deliver())
    assert (await submission.receipt(timeout=1)).id == "id-1"


async def test_receipts_of_other_messages_do_not_match(desk: Desk) -> None:
    submission = desk.accepted()
    desk.receive(deliver("id-2"))
    desk.receive(deliver(source="447700900999"))
    assert submission.receipts == ()


async def test_nothing_is_expected_for_parts_without_an_id_or_without_a_wish_for_receipts(desk: Desk) -> None:
    desk.accepted("")
    desk.accepted("id-9", SubmitSm(destination_addr=HANDSET))
    assert desk.desk.correlator.outstanding == 0


async def test_part_to_many_destinations_has_none_of_its_own(desk: Desk) -> None:
    multi = SubmitMulti(dest_addresses=(SmeAddress(1, 1, HANDSET),), registered_delivery=1)
    submission = desk.desk.accepted(multi, SubmitMultiResp("id-1", ()), "bind", 0.0)
    assert (submission.message_id, submission.destination) == ("id-1", "")


async def test_receipt_without_an_id_is_acknowledged_and_its_text_not_logged(
    desk: Desk, caplog: pytest.LogCaptureFixture
) -> None:
    message = DeliverSm(source_addr=HANDSET, esm_class=4, short_message=b"stat:DELIVRD text:Your code is 4711")
    assert desk.receive(message) == Status.ESME_ROK
    assert "receipt without an id" in caplog.text
    assert "4711" not in caplog.text


async def test_receipts_that_nobody_claims_are_given_up_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO", logger="smpp")
    desk = ReceiptDesk(Correlator(parked_seconds=0.001))
    desk.receive(deliver(), receipt(deliver()))
    desk._expire(asyncio.get_running_loop().time() + 10)
    assert "given up" in caplog.text


async def test_message_s_fate_is_that_of_its_worst_part(desk: Desk) -> None:
    parts = tuple(desk.accepted(f"id-{number}") for number in range(3))
    message = SentMessage(parts)
    assert message.message_ids == ("id-0", "id-1", "id-2")
    waiting = asyncio.ensure_future(message.receipt(timeout=2))
    for number, stat in ((2, "DELIVRD"), (0, "DELIVRD"), (1, "EXPIRED")):
        desk.receive(deliver(f"id-{number}", stat))
    assert (await waiting).state is MessageState.EXPIRED


async def test_message_whose_parts_all_arrive_is_delivered(desk: Desk) -> None:
    message = SentMessage(tuple(desk.accepted(f"id-{number}") for number in range(2)))
    for number in range(2):
        desk.receive(deliver(f"id-{number}"))
    assert (await message.receipt(timeout=1)).id == "id-1"


def test_receipt_is_told_from_a_message() -> None:
    assert receipt(deliver()).id == "id-1"
    assert receipt_of(DeliverSm(short_message=b"hello")) is None
    assert receipt_of(AlertNotification()) is None
    by_tlvs = DataSm(
        esm_class=4, tlvs=Tlvs.of(tlv.receipted_message_id("id-7"), tlv.message_state(MessageState.DELIVERED))
    )
    assert receipt(by_tlvs).id == "id-7"


@pytest.mark.parametrize(
    ("message", "payload", "text"),
    [
        (DeliverSm(short_message=b"hello"), b"hello", "hello"),
        (SubmitSm(tlvs=Tlvs.of(tlv.message_payload(b"long"))), b"long", "long"),
        (DataSm(tlvs=Tlvs.of(tlv.message_payload(b"data"))), b"data", "data"),
        (DeliverSm(data_coding=8, short_message="é".encode("utf-16-be")), b"\x00\xe9", "é"),
        (
            DeliverSm(esm_class=0x40, short_message=b"\x05\x00\x03\x01\x02\x01part"),
            b"\x05\x00\x03\x01\x02\x01part",
            "part",
        ),
        (
            DeliverSm(esm_class=0x48, tlvs=Tlvs.of(tlv.message_payload(b"\x05\x00\x03\x01\x02\x01part"))),
            b"\x05\x00\x03\x01\x02\x01part",
            "part",
        ),
        (DeliverSm(), b"", ""),
    ],
    ids=repr,
)
def test_text_and_payload_are_found_wherever_they_are(message: DeliverSm, payload: bytes, text: str) -> None:
    assert payload_of(message) == payload
    assert text_of(message) == text
