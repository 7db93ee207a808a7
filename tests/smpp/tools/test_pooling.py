"""The receipts of a run: its own are taken, others left to whom they are meant for, early ones kept waiting."""

import asyncio
from collections.abc import Awaitable

import pytest

from smpp.receipts import receipt_of
from smpp.sms import Receipt
from smpp.status import CommandStatus as Status
from smpp.tools import pooling
from smpp.tools.pooling import OwnReceipts
from smpp.wire.pdu import DeliverSm, Request, SubmitSm, SubmitSmResp

HANDSET = "447700900123"


def deliver(message_id: str, stat: str = "DELIVRD") -> DeliverSm:
    text = f"id:{message_id} submit date:2608010000 done date:2608010001 stat:{stat} err:000"
    return DeliverSm(source_addr=HANDSET, esm_class=4, short_message=text.encode())


class Run:
    """A desk, and what it gave."""

    def __init__(self) -> None:
        self.got: list[tuple[str, str]] = []
        self.desk: OwnReceipts[str] = OwnReceipts(self._accepted, self._receipt)

    def _accepted(self, _message: Request, message_id: str) -> str:
        return message_id

    def _receipt(self, context: str, receipt: Receipt) -> None:
        self.got.append((context, receipt.stat))

    def take(self, message: DeliverSm) -> Status | Awaitable[Status]:
        receipt = receipt_of(message)
        assert receipt is not None
        return self.desk.take(message, receipt)

    def accept(self, message_id: str) -> None:
        now = asyncio.get_running_loop().time()
        self.desk.accepted(SubmitSm(destination_addr=HANDSET), SubmitSmResp(message_id), "a#0", now)


async def status_of(answer: Status | Awaitable[Status]) -> Status:
    return answer if isinstance(answer, Status) else await answer


async def test_own_receipts_are_taken_at_once() -> None:
    run = Run()
    run.accept("1")
    assert run.take(deliver("1")) == Status.ESME_ROK
    assert run.got == [("1", "DELIVRD")]


async def test_early_receipt_is_answered_when_its_response_is_there() -> None:
    run = Run()
    answer = run.take(deliver("1"))
    assert isinstance(answer, asyncio.Future)
    assert not answer.done()
    run.accept("1")
    assert await status_of(answer) == Status.ESME_ROK
    assert run.got == [("1", "DELIVRD")]


async def test_receipts_of_others_are_left_to_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pooling, "_HELD_SECONDS", 0.01)
    run = Run()
    assert await status_of(run.take(deliver("9"))) == Status.ESME_RX_T_APPN
    assert run.got == []


async def test_many_receipts_of_others_are_not_kept_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pooling, "_MOST_HELD", 1)
    run = Run()
    run.take(deliver("8"))
    assert run.take(deliver("9")) == Status.ESME_RX_T_APPN


async def test_what_comes_behind_the_final_receipt_counts_no_more() -> None:
    run = Run()
    run.accept("1")
    for stat in ("ENROUTE", "DELIVRD", "DELIVRD", "EXPIRED"):
        assert run.take(deliver("1", stat)) == Status.ESME_ROK
    assert run.got == [("1", "ENROUTE"), ("1", "DELIVRD")]


async def test_receipt_whose_link_is_gone_while_it_waits_is_still_given_out() -> None:
    run = Run()
    answer = run.take(deliver("1"))
    assert isinstance(answer, asyncio.Future)
    answer.cancel()
    run.accept("1")
    assert run.got == [("1", "DELIVRD")]
